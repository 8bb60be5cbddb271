"""The prediction of a run's model for an image: the five most probable classes and the image."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Input, Static

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
from tui.settings.option_names import as_flag
from tui.settings.preferences import read_preferences, write_preferences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.tools.predict import Prediction, Predictor

LOAD_AFTER_SECONDS = 0.1
"""Importing TensorFlow holds the interpreter's lock at times, so the first frame comes first."""
_TICK_SECONDS = 0.25
_MOST_BAR = 50
_MOST_NAME = 16
_MOST_IMAGE = (64, 32)
"""Columns and lines: twice a test image; the pixels of larger ones would be too small."""
_MOST_RECENT = 8
SECTION = "predict"
"""The section of the preferences."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be predicted."""

    file: Path | None
    """An image; None for one of the run's test images, at random."""

    @property
    def name(self) -> str:
        return self.file.name if self.file is not None else "a random test image"


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
        self._waiting: Asked | None = None
        """The image that was asked for before the model was loaded."""
        self._recent = recent_images()
        self._recalled = 0
        """Which of them the field shows, from 1; 0 for what was typed."""
        self._typed = ""
        self._busy = "loading the model"
        self._has_model = True
        """Whether the run has a model, as far as is known."""
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
        yield self.footer()

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
            self._has_model = False
            self._say(error.line(as_flag), is_wrong=True)
            if self.query("#predict-path"):
                self.query_one("#predict-path", Input).disabled = True
            self._draw()
            return
        self._say("")
        if self._waiting is not None:
            self._predict(self._waiting)
        self._draw()

    # The image.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow what takes a model where there is one, and the last images where there are any."""
        if action == "recall":
            return self._has_model and bool(self._recent)
        return self._has_model or not action.startswith("predict")

    def action_predict_image(self) -> None:
        """Classify the image at the typed path, once the model is loaded."""
        typed = self.query_one("#predict-path", Input).value.strip()
        if typed:
            # `Path.expanduser` raises if there is no such user.
            self._ask(Asked(Path(os.path.expanduser(typed))))

    def _ask(self, asked: Asked) -> None:
        self._waiting = asked
        if self._predictor is not None:
            self._predict(asked)

    def action_predict_random(self) -> None:
        """Classify one of the run's test images, once the model is loaded."""
        self._ask(Asked(None))

    def action_recall(self, by: int) -> None:
        """Put the image used before into the field, or the one after, or what was typed."""
        field = self.query_one("#predict-path", Input)
        if not self._recalled:
            self._typed = field.value
        self._recalled = min(max(self._recalled + by, 0), len(self._recent))
        field.value = self._recent[self._recalled - 1] if self._recalled else self._typed

    @work(exclusive=True, group="image")
    async def _predict(self, asked: Asked) -> None:
        predictor = self._predictor
        assert predictor is not None
        self._busy = "reading the image" if asked.file else "reading the test images"
        self._tick()
        try:
            if asked.file is None:
                self._prediction = await asyncio.to_thread(predictor.predict_test_image)
            else:
                self._prediction = await asyncio.to_thread(predictor.predict, asked.file)
                self._remember(asked.file)
        except InputError as error:
            self._prediction = None
            self._say(error.line(as_flag), is_wrong=True)
        else:
            note = f" · {self._prediction.note}" if self._prediction.note else ""
            seen = size_words(self._prediction.pixels, self._run_record.file.spec.image_size)
            self._say(f"{self._prediction.name} · {seen}{note}")
        self._draw()

    def _remember(self, image: Path) -> None:
        used = os.path.abspath(image)
        self._recent = [used, *(each for each in self._recent if each != used)][:_MOST_RECENT]
        self._recalled = 0
        write_preferences(SECTION, {"images": self._recent})
        self.refresh_bindings()

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
        picture = classes = Content("")
        if self._prediction is None and self._has_model:
            picture = self._what_to_do()
        elif self._prediction is not None:
            room = self.query_one("#predict-found").size
            is_wide = self.has_class("-wide")
            columns = room.width // 2 if is_wide else room.width
            rows = room.height if is_wide else max(room.height - 8, 4)
            size = min(columns, _MOST_IMAGE[0]), min(rows, _MOST_IMAGE[1])
            lines = half_blocks(self._prediction.pixels, *size)
            picture = Content("\n").join(lines)
            left = lines[0].cell_length + 3 if is_wide else 0
            truth = self._prediction.truth
            classes = classes_text(self._prediction.classes, room.width - left, truth)
        self.query_one("#predict-image", Static).update(picture)
        self.query_one("#predict-classes", Static).update(classes)

    def _what_to_do(self) -> Content:
        """Name the images that can be predicted."""
        lines = [
            Content.assemble((f"{keys.written_for('predict', action):<8}", "$primary bold"), what)
            for action, what in (
                ("predict_image", "the image at the path; → completes it"),
                ("predict_random", "a random test image of this run"),
                *([("recall(1)", "the images used last:")] if self._recent else []),
            )
        ]
        lines += [Content.styled(f"{'':8}{path}", "$muted") for path in self._recent]
        return Content("\n").join(lines)


def recent_images() -> list[str]:
    """Return the paths of the images predicted last, the newest first."""
    kept = read_preferences(SECTION).get("images")
    listed = kept if isinstance(kept, list) else []
    # Others than this program may have written there; each is to be one line.
    paths = (path for path in listed if isinstance(path, str) and path.strip())
    return [path for path in paths if path.isprintable()][:_MOST_RECENT]


def size_words(pixels: NDArray[np.uint8], image_size: int) -> str:
    """Return the size of an image as it is drawn, and the one that its model makes of it."""
    height, width, _ = pixels.shape
    drawn = f"{width} × {height} px"
    if height == width == image_size:
        return f"as the model sees it, {drawn}"
    verb = "enlarges" if image_size > min(height, width) else "reduces"
    return f"{drawn}, which the model {verb} to {image_size} px"


def classes_text(classes: tuple[tuple[str, float], ...], width: int, truth: str = "") -> Content:
    """Return the name of the most probable class, then a bar for each class.

    Args:
        classes: names and probabilities, the most probable first.
        width: cells.
        truth: the class that the image shows; empty where it is not known.
    """
    best, probability = classes[0]
    left = name_width([name for name, _ in classes], _MOST_NAME)
    room = min(max(width - left - 12, 5), _MOST_BAR)
    lines = [
        Content.assemble((best, "$primary bold"), (f"  {100 * probability:.1f} %", "$foreground")),
        *_verdict(best, truth),
        Content(""),
    ]
    for place, (name, share) in enumerate(classes):
        lines.append(
            Content.styled(fitted(name, left) + "  ", "$foreground bold" if not place else "")
            + bar(share, room, "$primary" if not place else "$load")
            + Content.styled(f"{100 * share:>7.1f} %", "$foreground")
        )
    return Content("\n").join(lines)


def _verdict(best: str, truth: str) -> list[Content]:
    """Say whether the most probable class is the true one, where that is known."""
    if not truth:
        return []
    mark, style = ("✓", "$success") if best == truth else ("✗", "$error")
    return [Content.assemble((f"{mark} ", style), ("the label is ", "$muted"), (truth, style))]
