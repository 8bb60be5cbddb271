"""The runs that wait, over the training: to be moved, removed and added to."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.config.dataset_names import title
from engine.config.spec import RunSpec
from engine.protocol.commands import Command, MoveRun, RemoveRun
from tui.session.messages import CommandRefused, CommandRequested
from tui.settings import keys
from tui.terminal.slow_link import paced

LOOK_SECONDS = 0.2
HINT = "shift+↑↓ moves · delete removes · n adds · esc closes"


class WaitingRunsScreen(ModalScreen[None]):
    """Shows a change at once and what the trainer made of it when that has answered.

    Args:
        waiting: gives the runs that wait, in order, as the trainer last told them.
    """

    BINDINGS = keys.bindings("waiting")

    def __init__(self, waiting: Callable[[], tuple[RunSpec, ...]]) -> None:
        super().__init__()
        self._waiting = waiting
        self._told = self._shown = waiting()
        self._asked: list[tuple[RunSpec, ...]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="waiting-runs"):
            yield Static("Runs that wait", classes="dialog-title")
            yield OptionList()
            yield Static(HINT, classes="dialog-hint")

    def on_mount(self) -> None:
        self._draw(0)
        self.set_interval(paced(LOOK_SECONDS), self._look)

    def action_go(self, by: int) -> None:
        """Move the cursor by so many runs."""
        runs = self.query_one(OptionList)
        if self._shown and runs.highlighted is not None:
            runs.highlighted = min(max(runs.highlighted + by, 0), len(self._shown) - 1)

    def action_move(self, by: int) -> None:
        """Ask for the run under the cursor to go before, or after, its neighbour."""
        position = self._position
        if position is None or not 0 <= position + by < len(self._shown):
            return
        spec = self._shown[position]
        changed = [*self._shown[:position], *self._shown[position + 1 :]]
        changed.insert(position + by, spec)
        command = MoveRun(position=position, model=spec.model, to=position + by)
        self._ask(command, tuple(changed), position + by)

    def action_remove(self) -> None:
        """Ask for the run under the cursor to be left out."""
        position = self._position
        if position is not None:
            changed = (*self._shown[:position], *self._shown[position + 1 :])
            command = RemoveRun(position=position, model=self._shown[position].model)
            self._ask(command, changed, min(position, len(changed) - 1))

    def action_close(self) -> None:
        """Back to the training."""
        self.dismiss(None)

    @property
    def _position(self) -> int | None:
        return self.query_one(OptionList).highlighted if self._shown else None

    def _ask(self, command: Command, changed: tuple[RunSpec, ...], cursor: int) -> None:
        self.post_message(CommandRequested(command))
        self._shown = changed
        self._asked.append(changed)
        self._draw(cursor)

    def on_command_refused(self, message: CommandRefused) -> None:
        """Show what really waits: the queue stays as it was, whatever was asked for since."""
        message.stop()
        self._asked.clear()
        self._told = self._shown = self._waiting()
        self._draw(self.query_one(OptionList).highlighted or 0)

    def _look(self) -> None:
        """Take in what was told; on the way to what was asked last, that stays in view."""
        told = self._waiting()
        if told == self._told:
            return
        self._told = told
        if told in self._asked:
            del self._asked[: self._asked.index(told) + 1]
        else:
            self._asked.clear()
        if not self._asked and told != self._shown:
            self._shown = told
            self._draw(self.query_one(OptionList).highlighted or 0)

    def _draw(self, cursor: int) -> None:
        runs = self.query_one(OptionList)
        runs.clear_options()
        seeds = len({spec.seed for spec in self._shown}) > 1
        lines = (_line(place, spec, seeds) for place, spec in enumerate(self._shown, 1))
        runs.add_options([Option(line) for line in lines])
        if not self._shown:
            nothing = Content.styled("no run waits: n adds some", "$muted")
            runs.add_option(Option(nothing, disabled=True))
        else:
            runs.highlighted = min(max(cursor, 0), len(self._shown) - 1)


def _line(place: int, spec: RunSpec, with_seed: bool) -> Content:
    epochs = f"{spec.epochs} epoch{'s' if spec.epochs != 1 else ''}"
    parts = [title(spec.dataset), spec.recipe, epochs]
    if with_seed:
        parts.append(f"seed {spec.seed}")
    about = " · ".join(parts)
    return Content.assemble((f"{place:>3}  ", "$muted"), f"{spec.model:<18} ", (about, "$muted"))
