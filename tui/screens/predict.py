"""The prediction of a run's model for an image: the five most probable classes and the image."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Static

from engine.common.text import fitted
from engine.errors import InputError
from engine.runs.listing import RunRecord
from tui.panels.bars import bar, name_width
from tui.panels.line_fitting import Field, fit
from tui.panels.path_suggester import PathSuggester
from tui.panels.pixels import half_blocks
from tui.panels.progress import SPINNER
from tui.screens.keyed_screen import KeyedScreen
from tui.settings import keys

if TYPE_CHECKING:
    from engine.tools.predict import Prediction, Predictor

LOAD_AFTER_SECONDS = 0.1
"""Importing TensorFlow holds the interpreter's lock at times, so the first frame comes first."""
_TICK_SECONDS = 0.25
_MOST_BAR = 50
_MOST_NAME = 16
_MOST_IMAGE = (64, 32)
"""Columns and lines: twice a test image; the pixels of larger ones would be too small."""
_HINT = "Type the path of an image and press enter; → takes the suggestion."


def load_predictor(run: RunRecord) -> Predictor:
    """Load a run's model, even while another trains; slow, for a worker thread.

    Raises:
        InputError: the run has no exported model, or one that cannot be read.
    """
    from engine.tools.predict import Predictor

    return Predictor(run)


class PredictScreen(KeyedScreen):
    """Predictions of a run's model, which is loaded once, for one image after another.

    Args:
        run: a finished run; if it has no model, the screen says so.
    """

    CSS_PATH = "predict.tcss"
    BINDINGS = keys.bindings("predict")
    AUTO_FOCUS = "#predict-path"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-wide")]  # noqa: RUF012

    def __init__(self, run: RunRecord) -> None:
        super().__init__()
        self._run_record = run
        self._predictor: Predictor | None = None
        self._prediction: Prediction | None = None
        self._waiting: Path | None = None
        """The image that was asked for before the model was loaded."""
        self._busy = "loading the model"
        self._ticks = 0

    def compose(self) -> ComposeResult:
        yield Static(id="predict-head", classes="head")
        with Vertical(id="predict-asked"):
            yield Input(
                placeholder="path of an image",
                id="predict-path",
                compact=True,
                suggester=PathSuggester(),
            )
            yield Static(id="predict-note")
        with Container(id="predict-found"):
            yield Static(id="predict-image")
            yield Static(id="predict-classes")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.set_interval(_TICK_SECONDS, self._tick)
        self.set_timer(LOAD_AFTER_SECONDS, self._load)
        self._tick()

    def on_resize(self, event: events.Resize) -> None:
        spec = self._run_record.file.spec
        left = [
            Field(Content.styled("Prediction", "$primary bold"), 9),
            Field(Content.styled(spec.model, "$foreground bold"), 8),
            Field(Content.styled(self._run_record.run_id, "$muted"), 5),
        ]
        head = fit(left, [], max(event.size.width, 20)).stylize("on $panel")
        self.query_one("#predict-head", Static).update(head)
        self.call_after_refresh(self._draw)

    # The model.

    @work(exclusive=True, group="model")
    async def _load(self) -> None:
        try:
            self._predictor = await asyncio.to_thread(load_predictor, self._run_record)
        except InputError as error:
            self._say(str(error), is_wrong=True)
            if self.query("#predict-path"):
                self.query_one("#predict-path", Input).disabled = True
            return
        self._say(_HINT)
        if self._waiting is not None:
            self._predict(self._waiting)

    # The image.

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_predict_image()

    def action_predict_image(self) -> None:
        """Classify the image at the typed path, once the model is loaded."""
        typed = self.query_one("#predict-path", Input).value.strip()
        if typed:
            # `Path.expanduser` raises if there is no such user.
            self._waiting = Path(os.path.expanduser(typed))
            if self._predictor is not None:
                self._predict(self._waiting)

    @work(exclusive=True, group="image")
    async def _predict(self, image: Path) -> None:
        assert self._predictor is not None
        self._busy = "looking at the image"
        self._tick()
        try:
            self._prediction = await asyncio.to_thread(self._predictor.predict, image)
        except InputError as error:
            self._prediction = None
            self._say(str(error), is_wrong=True)
        else:
            height, width, _ = self._prediction.pixels.shape
            note = f" · {self._prediction.note}" if self._prediction.note else ""
            self._say(f"{image} · as the model sees it, {width} × {height} px{note}")
        self._draw()

    # Drawing.

    def _tick(self) -> None:
        if not self._busy:
            return
        self._ticks += 1
        spinner = SPINNER[self._ticks % len(SPINNER)]
        later = f"; then {self._waiting.name}" if self._waiting and not self._predictor else ""
        self._write(
            Content.assemble((f"{spinner} ", "$primary bold"), (f"{self._busy}…{later}", "$muted"))
        )

    def _say(self, words: str, *, is_wrong: bool = False) -> None:
        self._busy = ""
        self._write(Content.styled(words, "$error" if is_wrong else "$muted"))

    def _write(self, words: Content) -> None:
        # A screen that closes loses its widgets before its workers are cancelled.
        if self.query("#predict-note"):
            self.query_one("#predict-note", Static).update(words)

    def _draw(self) -> None:
        if not self.query("#predict-classes"):
            return
        picture, classes = Content(""), Content("")
        if self._prediction is not None:
            room = self.query_one("#predict-found").size
            is_wide = self.has_class("-wide")
            columns = room.width // 2 if is_wide else room.width
            rows = room.height if is_wide else max(room.height - 7, 4)
            size = min(columns, _MOST_IMAGE[0]), min(rows, _MOST_IMAGE[1])
            lines = half_blocks(self._prediction.pixels, *size)
            picture = Content("\n").join(lines)
            left = lines[0].cell_length + 3 if is_wide else 0
            classes = classes_text(self._prediction.classes, room.width - left)
        self.query_one("#predict-image", Static).update(picture)
        self.query_one("#predict-classes", Static).update(classes)


def classes_text(classes: tuple[tuple[str, float], ...], width: int) -> Content:
    """Return the name of the most probable class, then a bar for each class.

    Args:
        classes: names and probabilities, the most probable first.
        width: cells.
    """
    best, probability = classes[0]
    left = name_width([name for name, _ in classes], _MOST_NAME)
    room = min(max(width - left - 12, 5), _MOST_BAR)
    lines = [
        Content.assemble((best, "$primary bold"), (f"  {100 * probability:.1f} %", "$foreground")),
        Content(""),
    ]
    for place, (name, share) in enumerate(classes):
        lines.append(
            Content.styled(fitted(name, left) + "  ", "$foreground bold" if not place else "")
            + bar(share, room, "$primary" if not place else "$load")
            + Content.styled(f"{100 * share:>7.1f} %", "$foreground")
        )
    return Content("\n").join(lines)
