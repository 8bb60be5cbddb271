"""The keys that change the current run, as questions and commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from textual import on
from textual.reactive import reactive
from textual.screen import ModalScreen

from engine.common.text import rate as written_rate
from engine.config.kinds import Whole
from engine.config.settings import LEARNING_RATE
from engine.config.spec import RunSpec
from engine.protocol.commands import (
    ApplyNow,
    Command,
    Pause,
    Resume,
    SaveCheckpoint,
    SetBatchNormLock,
    SetLearningRate,
    SetTrainable,
    Stop,
    Withdraw,
)
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import last_layers, lockable
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.keys import LayerTree
from tui.screens.choice import STOP, ChoiceScreen
from tui.screens.keyed_screen import KeyedScreen
from tui.screens.prompt import number_prompt
from tui.screens.training.changes import (
    body_size,
    changes_to,
    lock_words,
    preset_layers,
    preset_question,
    skip_command,
    skip_question,
    stepped_rate,
    why_rate_is_fixed,
)
from tui.session.messages import CommandRequested
from tui.session.view import SessionView
from tui.settings import keys

_HIGHEST_RATE = 10.0
"""The highest rate that the engine accepts."""
T = TypeVar("T")


class ControlsScreen(KeyedScreen):
    """Requests changes to the current run of a queue; it never makes them itself."""

    view: reactive[SessionView] = reactive(SessionView(()), always_update=True, repaint=False)

    def __init__(self, view: SessionView, unchangeable: str) -> None:
        """Control a queue of runs.

        Args:
            view: the queue at its current state.
            unchangeable: why nothing can be changed; empty if it can.
        """
        super().__init__()
        self._unchangeable = unchangeable
        self.set_reactive(ControlsScreen.view, view)

    def action_pause(self) -> None:
        """Request a pause, or the end of one."""
        run = self._current_run()
        if run is not None:
            self._send(Resume() if run.is_pausing else Pause())

    def action_stop(self) -> None:
        """Ask when to stop."""
        if self._current_run() is not None:
            self.app.push_screen(ChoiceScreen(STOP), self._stop_as_chosen)

    def _stop_as_chosen(self, choice: str | None) -> None:
        if choice is not None:
            self._send(Stop(when=cast(Any, choice)))  # the answers are named by it

    def action_presets(self) -> None:
        """Ask which layers are to train."""
        run = self._current_run()
        tree = self._tree(run)
        if run is not None and tree is not None:
            self._ask(ChoiceScreen(preset_question(run, tree)), self._train_preset)

    def _train_preset(self, run: RunSnapshot, preset: str) -> None:
        tree = self._tree(run)
        if tree is None:
            return
        if preset == "ask":
            title = "How many of the last layers are to train besides the head?"
            self._ask(
                number_prompt(title, Whole(1, body_size(tree))),
                lambda run, last: self._train(run, last_layers(tree, int(last))),
            )
        else:
            self._train(run, preset_layers(tree, preset))

    def _train(self, run: RunSnapshot, layers: tuple[str, ...]) -> None:
        commands = changes_to(run, layers)
        for command in commands:
            self._send(command)
        if not commands:
            self.notify("Nothing to change: exactly these layers train, or are about to.")

    def action_lock_batchnorm(self) -> None:
        """Request to lock the backbone's BatchNormalization, or to release it, and say why."""
        run = self._current_run()
        tree = self._tree(run)
        if run is None or tree is None:
            return
        if not lockable(tree):
            self.notify(f"{run.spec.model} has no pretrained BatchNormalization to lock.")
            return
        value = not (run.batchnorm_locked if run.pending_lock is None else run.pending_lock)
        self._send(SetBatchNormLock(value=value))
        self.notify(lock_words(run, value))

    def action_apply_now(self) -> None:
        """Request that pending changes be applied after this batch."""
        if self._pending():
            self._send(ApplyNow())

    def action_withdraw(self) -> None:
        """Withdraw the pending changes."""
        if pending := self._pending():
            self._send(Withdraw(commands=pending))

    def _pending(self) -> tuple[str, ...]:
        """Return the ids of the pending changes; say so if there are none."""
        run = self._current_run()
        if run is not None and not run.pending_ids:
            self.notify("No change is pending.")
        return run.pending_ids if run is not None else ()

    def action_step_rate(self, steps: int) -> None:
        """Request a higher learning rate, or a lower one if `steps` is negative."""
        rate = self._rate()
        if rate is None:
            return
        wanted = stepped_rate(rate, steps)
        if wanted > _HIGHEST_RATE:
            self.notify(f"The rate can be {_HIGHEST_RATE:g} at most.", severity="warning")
        else:
            self._send(SetLearningRate(value=wanted))

    def action_rate(self) -> None:
        """Ask the user to type a learning rate."""
        rate = self._rate()
        if rate is not None:
            title = f"Learning rate from the next batch on (now {written_rate(rate)})"
            self._ask(
                number_prompt(title, LEARNING_RATE, f"{rate:.4g}"),
                lambda _, rate: self._send(SetLearningRate(value=rate)),
            )

    def _rate(self) -> float | None:
        """Return the rate requested last, else the current one; say so if none can be changed."""
        run = self._current_run()
        if run is None:
            return None
        if reason := why_rate_is_fixed(run):
            self.notify(reason, severity="warning")
            return None
        rate = run.learning_rate if run.pending_learning_rate is None else run.pending_learning_rate
        if rate is None:
            self.notify("The rate can be changed once the training has begun.")
        return rate

    def action_skip(self) -> None:
        """Ask what to skip to."""
        if self._current_run() is None:
            return
        question = skip_question(self.view)
        if question is None:
            key = keys.written_for("training", "stop")
            self.notify(f"This is the last stage of the last model: {key} stops it.")
        else:
            self._ask(ChoiceScreen(question), self._skip)

    def _skip(self, run: RunSnapshot, answer: str) -> None:
        command, words = skip_command(answer)
        self._send(command)
        self.notify(words)

    def action_waiting_runs(self) -> None:
        """Show the waiting runs, to move, remove or add some."""
        if self._current_run() is not None:
            from tui.screens.training.waiting_runs import WaitingRunsScreen

            self.app.push_screen(WaitingRunsScreen(self._waiting))

    def _waiting(self) -> tuple[RunSpec, ...]:
        return tuple(run.spec for run in self.view.runs[self.view.current + 1 :])

    @on(LayerTree.FreezeToggled)
    def _set_trainable(self, message: LayerTree.FreezeToggled) -> None:
        message.stop()
        if self._current_run() is not None:
            self._send(SetTrainable(layers=message.layers, value=message.value))

    def action_checkpoint(self) -> None:
        """Request a checkpoint."""
        if self._current_run() is not None:
            self._send(SaveCheckpoint())
            self.notify("Requested: a checkpoint is saved after this batch.")

    def _send(self, command: Command) -> None:
        self.post_message(CommandRequested(command))

    @property
    def takes_changes(self) -> bool:
        """Whether the current run takes commands."""
        return not (self._unchangeable or self.view.is_over or self.view.run.is_over)

    def _current_run(self) -> RunSnapshot | None:
        """Return the run that takes commands; if there is none, say so and return None."""
        if self.takes_changes:
            return self.view.run
        self.notify(self._unchangeable or "No model is training.", severity="warning")
        return None

    def _tree(self, run: RunSnapshot | None) -> LayerNode | None:
        """Return the layers of a run; say so if they are not known yet."""
        if run is not None and run.layers is None:
            self.notify("The layers are known once the model is built.")
        return run.layers if run is not None else None

    def _ask(self, screen: ModalScreen[T | None], act: Callable[[RunSnapshot, T], None]) -> None:
        """Ask about the current run, and act on the answer if it is still the current one."""
        place = self.view.current

        def answered(answer: T | None) -> None:
            run = self._current_run() if answer is not None else None
            if run is None or answer is None:
                return
            if self.view.current != place:
                asked = self.view.runs[place].spec.model
                self.notify(f"{asked} has ended meanwhile: nothing was changed.")
            else:
                act(run, answer)

        self.app.push_screen(screen, answered)
