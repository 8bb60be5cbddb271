"""The waiting runs, over the training: to move, remove or add some."""

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

LOOK_SECONDS = 0.2
_ADD = keys.written_for("waiting", "app.new_session")
HINT = (
    f"{keys.written_for('waiting', 'move(-1)')} {keys.written_for('waiting', 'move(1)')} move · "
    f"{keys.written_for('waiting', 'remove')} removes · {_ADD} adds · "
    f"{keys.written_for('waiting', 'dismiss')} closes"
)


class WaitingRunsScreen(ModalScreen[None]):
    """A list that shows a change at once, and the trainer's answer when it comes.

    Args:
        waiting: returns the waiting runs, in order, as the trainer last reported them.
    """

    BINDINGS = keys.bindings("waiting")

    def __init__(self, waiting: Callable[[], tuple[RunSpec, ...]]) -> None:
        super().__init__()
        self._waiting = waiting
        self._told = self._shown = waiting()
        self._asked: list[tuple[RunSpec, ...]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="waiting-runs"):
            yield Static("Waiting runs", classes="dialog-title")
            yield OptionList()
            yield Static(HINT, classes="dialog-hint")

    def on_mount(self) -> None:
        self._draw(0)
        self.set_interval(LOOK_SECONDS, self._look)

    def action_go(self, by: int) -> None:
        """Move the cursor by a number of runs."""
        runs = self.query_one(OptionList)
        if self._shown and runs.highlighted is not None:
            runs.highlighted = min(max(runs.highlighted + by, 0), len(self._shown) - 1)

    def action_move(self, by: int) -> None:
        """Request to move the run under the cursor before or after its neighbour."""
        position = self._position
        if position is None or not 0 <= position + by < len(self._shown):
            return
        spec = self._shown[position]
        changed = [*self._shown[:position], *self._shown[position + 1 :]]
        changed.insert(position + by, spec)
        command = MoveRun(position=position, model=spec.model, to=position + by)
        self._ask(command, tuple(changed), position + by)

    def action_remove(self) -> None:
        """Request to remove the run under the cursor."""
        position = self._position
        if position is not None:
            changed = (*self._shown[:position], *self._shown[position + 1 :])
            command = RemoveRun(position=position, model=self._shown[position].model)
            self._ask(command, changed, min(position, len(changed) - 1))

    @property
    def _position(self) -> int | None:
        return self.query_one(OptionList).highlighted if self._shown else None

    def _ask(self, command: Command, changed: tuple[RunSpec, ...], cursor: int) -> None:
        self.post_message(CommandRequested(command))
        self._shown = changed
        self._asked.append(changed)
        self._draw(cursor)

    def on_command_refused(self, message: CommandRefused) -> None:
        """Show the actual queue: a command was rejected, so the later requests may not fit."""
        message.stop()
        self._asked.clear()
        self._told = self._shown = self._waiting()
        self._draw(self.query_one(OptionList).highlighted or 0)

    def _look(self) -> None:
        """Read the reported queue; until it matches the last request, keep showing that."""
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
            nothing = Content.styled(f"no run waits: {_ADD} adds some", "$muted")
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
