"""The keys that change the current run, as questions and commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from textual.notifications import SeverityLevel
from textual.screen import ModalScreen

from engine.common.text import rate as written_rate
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
from tui.screens.choice import STOP, ChoiceScreen
from tui.screens.number_prompt import NumberPrompt, NumberWanted
from tui.screens.training.changes import (
    body_size,
    changes_to,
    lock_words,
    preset_layers,
    preset_question,
    skip_command,
    skip_question,
    stepped_rate,
)
from tui.session.view import SessionView

_HIGHEST_RATE = 10.0
"""The highest rate that the engine accepts."""
T = TypeVar("T")


class OpenScreen(Protocol):
    """Opens a screen over the current one, and passes its answer on."""

    def __call__(
        self, screen: ModalScreen[T], answered: Callable[[T | None], None] | None = None, /
    ) -> None: ...


class Say(Protocol):
    """Shows the user a message."""

    def __call__(self, message: str, /, *, severity: SeverityLevel = "information") -> None: ...


class RunControls:
    """Requests for changes to the current run; it never makes them itself.

    Args:
        view: returns the queue as it is shown.
        send: takes the commands to the trainer.
        open_screen: opens a question, and passes its answer on.
        say: shows what will happen, or why nothing will.
        unchangeable: why nothing can be changed; empty if it can.
    """

    def __init__(
        self,
        view: Callable[[], SessionView | None],
        *,
        send: Callable[[Command], object],
        open_screen: OpenScreen,
        say: Say,
        unchangeable: str = "",
    ) -> None:
        self._present_view = view
        self._send = send
        self._open_screen = open_screen
        self._say = say
        self._unchangeable = unchangeable

    @property
    def _view(self) -> SessionView | None:
        return self._present_view()

    def pause(self) -> None:
        """Request a pause, or the end of one."""
        run = self._current_run()
        if run is not None:
            wants_resume = run.pause_requested or run.phase == "paused"
            self._send(Resume() if wants_resume else Pause())

    def stop(self) -> None:
        """Ask when to stop."""
        if self._current_run() is not None:
            self._open_screen(ChoiceScreen(STOP), self._stop_as_chosen)

    def _stop_as_chosen(self, choice: str | None) -> None:
        if choice == "now":
            self._send(Stop(when="now"))
        elif choice == "epoch":
            self._send(Stop(when="epoch"))
        elif choice == "run":
            self._send(Stop(when="run"))

    def choose_preset(self) -> None:
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
            wanted = NumberWanted(
                "How many of the last layers are to train besides the head?",
                1,
                body_size(tree),
                is_whole=True,
            )
            self._ask(NumberPrompt(wanted), self._train_last)
        else:
            self._train(run, preset_layers(tree, preset))

    def _train_last(self, run: RunSnapshot, last: float) -> None:
        if run.layers is not None:
            self._train(run, last_layers(run.layers, int(last)))

    def _train(self, run: RunSnapshot, layers: tuple[str, ...]) -> None:
        commands = changes_to(run, layers)
        for command in commands:
            self._send(command)
        if not commands:
            self._say("Nothing to change: exactly these layers train, or will.")

    def lock_batchnorm(self) -> None:
        """Request to lock the backbone's BatchNormalization, or to release it, and say why."""
        run = self._current_run()
        tree = self._tree(run)
        if run is None or tree is None:
            return
        if not lockable(tree):
            self._say(f"{run.spec.model} has no pretrained BatchNormalization to lock.")
            return
        value = not (run.batchnorm_locked if run.pending_lock is None else run.pending_lock)
        self._send(SetBatchNormLock(value=value))
        self._say(lock_words(run, value))

    def apply_now(self) -> None:
        """Request that pending changes be applied after this batch."""
        run = self._current_run()
        if run is not None and self._waits(run):
            self._send(ApplyNow())

    def withdraw(self) -> None:
        """Withdraw the pending changes."""
        run = self._current_run()
        if run is not None and self._waits(run):
            self._send(Withdraw(commands=run.pending_ids))

    def _waits(self, run: RunSnapshot) -> bool:
        if not run.pending_ids:
            self._say("No change is pending.")
        return bool(run.pending_ids)

    def step_rate(self, steps: int) -> None:
        """Request a learning rate that is a number of steps higher, or lower."""
        run = self._current_run()
        rate = self._rate(run)
        if rate is None:
            return
        wanted = stepped_rate(rate, steps)
        if wanted > _HIGHEST_RATE:
            self._say(f"The rate can be {_HIGHEST_RATE:g} at most.", severity="warning")
        else:
            self._send(SetLearningRate(value=wanted))

    def type_rate(self) -> None:
        """Ask the user to type a learning rate."""
        rate = self._rate(self._current_run())
        if rate is not None:
            title = f"Learning rate from the next batch on (now {written_rate(rate)})"
            wanted = NumberWanted(title, 0, _HIGHEST_RATE, above_low=True, initial=f"{rate:.4g}")
            self._ask(NumberPrompt(wanted), self._set_rate)

    def _set_rate(self, run: RunSnapshot, rate: float) -> None:
        self._send(SetLearningRate(value=rate))

    def _rate(self, run: RunSnapshot | None) -> float | None:
        """Return the rate requested last, else the current one; say so if there is none yet."""
        if run is None:
            return None
        rate = run.learning_rate if run.pending_learning_rate is None else run.pending_learning_rate
        if rate is None:
            self._say("The rate can be changed once the training has begun.")
        return rate

    def skip(self) -> None:
        """Ask what to skip to."""
        if self._current_run() is None or self._view is None:
            return
        question = skip_question(self._view)
        if question is None:
            self._say("This is the last stage of the last model: s stops it.")
        else:
            self._ask(ChoiceScreen(question), self._skip)

    def _skip(self, run: RunSnapshot, answer: str) -> None:
        command, words = skip_command(answer)
        self._send(command)
        self._say(words)

    def show_waiting(self) -> None:
        """Show the waiting runs, to move, remove or add some."""
        if self._current_run() is not None:
            from tui.screens.training.waiting_runs import WaitingRunsScreen

            self._open_screen(WaitingRunsScreen(self._waiting))

    def _waiting(self) -> tuple[RunSpec, ...]:
        view = self._view
        return tuple(run.spec for run in view.runs[view.current + 1 :]) if view else ()

    def set_trainable(self, layers: tuple[str, ...], value: bool) -> None:
        """Request to unfreeze these layers (`value`), or to freeze them."""
        if self._current_run() is not None:
            self._send(SetTrainable(layers=layers, value=value))

    def save_checkpoint(self) -> None:
        """Request a checkpoint."""
        if self._current_run() is not None:
            self._send(SaveCheckpoint())
            self._say("Requested: a checkpoint is saved after this batch.")

    def _current_run(self) -> RunSnapshot | None:
        """Return the run that takes commands; if there is none, say so and return None."""
        if self._unchangeable:
            self._say(self._unchangeable, severity="warning")
            return None
        if self._view is None or self._view.is_over or self._view.run.is_over:
            self._say("No model is training.", severity="warning")
            return None
        return self._view.run

    def _tree(self, run: RunSnapshot | None) -> LayerNode | None:
        if run is not None and run.layers is None:
            self._say("The layers are known once the model is built.")
        return run.layers if run is not None else None

    def _ask(self, screen: ModalScreen[T | None], act: Callable[[RunSnapshot, T], None]) -> None:
        """Ask about the current run, and act on the answer if it is still the current one."""
        place = self._view.current if self._view is not None else 0

        def answered(answer: T | None) -> None:
            if answer is None:
                return
            run = self._current_run()
            if run is None or self._view is None:
                return
            if self._view.current != place:
                asked = self._view.runs[place].spec.model
                self._say(f"{asked} has ended meanwhile: nothing was changed.")
            else:
                act(run, answer)

        self._open_screen(screen, answered)
