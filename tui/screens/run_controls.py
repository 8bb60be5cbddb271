"""The keys that tell the run at work something, as questions and commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual.reactive import reactive
from textual.screen import ModalScreen

from engine.common.formatting import rate as written_rate
from engine.config.spec import RunSpec
from engine.protocol.commands import (
    ApplyNow,
    Command,
    Pause,
    Resume,
    SaveCheckpoint,
    SetBatchNormLock,
    SetLearningRate,
    Stop,
    Withdraw,
)
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import last_layers, lockable
from engine.state.snapshot import RunSnapshot
from tui.messages import CommandRequested
from tui.screens.choice import STOP, ChoiceScreen
from tui.screens.keyed_screen import KeyedScreen
from tui.screens.number_prompt import NumberPrompt, NumberWanted
from tui.screens.run_changes import (
    body_size,
    changes_to,
    lock_words,
    preset_layers,
    preset_question,
    skip_command,
    skip_question,
    stepped_rate,
)
from tui.session_view import SessionView

_HIGHEST_RATE = 10.0
"""The engine takes no higher one."""
T = TypeVar("T")


class RunControls(KeyedScreen):
    """A screen over a queue of runs; asks for changes with CommandRequested, never makes them."""

    view: reactive[SessionView | None] = reactive(None, always_update=True, repaint=False)

    def action_pause(self) -> None:
        """Ask for a pause, or for its end."""
        run = self._run_at_work()
        if run is not None:
            wants_resume = run.pause_requested or run.phase == "paused"
            self._request(Resume() if wants_resume else Pause())

    def action_stop(self) -> None:
        """Ask when to stop."""
        if self._run_at_work() is not None:
            self.app.push_screen(ChoiceScreen(STOP), self._stop_as_chosen)

    def _stop_as_chosen(self, choice: str | None) -> None:
        if choice == "now":
            self._request(Stop(when="now"))
        elif choice == "epoch":
            self._request(Stop(when="epoch"))
        elif choice == "run":
            self._request(Stop(when="run"))

    def action_presets(self) -> None:
        """Ask which layers are to train."""
        run = self._run_at_work()
        tree = self._tree(run)
        if run is not None and tree is not None:
            self._ask(ChoiceScreen(preset_question(run, tree)), self._train_preset)

    def _train_preset(self, run: RunSnapshot, preset: str) -> None:
        tree = self._tree(run)
        if tree is None:
            return
        if preset == "ask":
            wanted = NumberWanted(
                "How many of the last layers are to train beside the head?",
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
            self._request(command)
        if not commands:
            self.notify("Nothing to change: just these layers train, or are asked to.")

    def action_lock_batchnorm(self) -> None:
        """Ask to lock the backbone's BatchNormalization, or to release it, and say what for."""
        run = self._run_at_work()
        tree = self._tree(run)
        if run is None or tree is None:
            return
        if not lockable(tree):
            self.notify(f"{run.spec.model} has no pretrained BatchNormalization to lock.")
            return
        value = not (run.batchnorm_locked if run.pending_lock is None else run.pending_lock)
        self._request(SetBatchNormLock(value=value))
        self.notify(lock_words(run, value))

    def action_apply_now(self) -> None:
        """Ask for what waits to be done after this batch."""
        run = self._run_at_work()
        if run is not None and self._waits(run):
            self._request(ApplyNow())

    def action_withdraw(self) -> None:
        """Take back what waits."""
        run = self._run_at_work()
        if run is not None and self._waits(run):
            self._request(Withdraw(commands=run.pending_ids))

    def _waits(self, run: RunSnapshot) -> bool:
        if not run.pending_ids:
            self.notify("No change waits.")
        return bool(run.pending_ids)

    def action_rate_up(self) -> None:
        """Ask for the next higher learning rate."""
        self._step_rate(1)

    def action_rate_down(self) -> None:
        """Ask for the next lower learning rate."""
        self._step_rate(-1)

    def _step_rate(self, steps: int) -> None:
        run = self._run_at_work()
        rate = self._rate(run)
        if rate is None:
            return
        wanted = stepped_rate(rate, steps)
        if wanted > _HIGHEST_RATE:
            self.notify(f"The rate can be {_HIGHEST_RATE:g} at most.", severity="warning")
        else:
            self._request(SetLearningRate(value=wanted))

    def action_rate(self) -> None:
        """Ask for a learning rate to be typed."""
        rate = self._rate(self._run_at_work())
        if rate is not None:
            title = f"Learning rate from the next batch on (now {written_rate(rate)})"
            wanted = NumberWanted(title, 0, _HIGHEST_RATE, above_low=True, initial=f"{rate:.4g}")
            self._ask(NumberPrompt(wanted), self._set_rate)

    def _set_rate(self, run: RunSnapshot, rate: float) -> None:
        self._request(SetLearningRate(value=rate))

    def _rate(self, run: RunSnapshot | None) -> float | None:
        """The rate asked for last, else the present one; None, with a word, before any stage."""
        if run is None:
            return None
        rate = run.learning_rate if run.pending_learning_rate is None else run.pending_learning_rate
        if rate is None:
            self.notify("The rate can be changed once the training has begun.")
        return rate

    def action_skip(self) -> None:
        """Ask what to skip to."""
        if self._run_at_work() is None or self.view is None:
            return
        question = skip_question(self.view)
        if question is None:
            self.notify("This is the last stage of the last model: s stops it.")
        else:
            self._ask(ChoiceScreen(question), self._skip)

    def _skip(self, run: RunSnapshot, answer: str) -> None:
        command, words = skip_command(answer)
        self._request(command)
        self.notify(words)

    def action_waiting_runs(self) -> None:
        """Show the runs that wait, to be moved, removed and added to."""
        if self._run_at_work() is not None:
            from tui.screens.waiting_runs import WaitingRunsScreen

            self.app.push_screen(WaitingRunsScreen(self._waiting))

    def _waiting(self) -> tuple[RunSpec, ...]:
        view = self.view
        return tuple(run.spec for run in view.runs[view.current + 1 :]) if view else ()

    def action_checkpoint(self) -> None:
        """Ask for a checkpoint."""
        if self._run_at_work() is not None:
            self._request(SaveCheckpoint())
            self.notify("Asked: a checkpoint is saved after this batch.")

    def _run_at_work(self) -> RunSnapshot | None:
        """The run that can be told something; None, with a word to the person, if there is none."""
        if self.view is None or self.view.is_over or self.view.run.is_over:
            self.notify("No model trains at the moment.", severity="warning")
            return None
        return self.view.run

    def _tree(self, run: RunSnapshot | None) -> LayerNode | None:
        if run is not None and run.layers is None:
            self.notify("The layers are known once the model is built.")
        return run.layers if run is not None else None

    def _ask(self, screen: ModalScreen[T | None], act: Callable[[RunSnapshot, T], None]) -> None:
        """Ask about the run at work, and act on the answer while that run is at work."""
        place = self.view.current if self.view is not None else 0

        def answered(answer: T | None) -> None:
            if answer is None:
                return
            run = self._run_at_work()
            if run is None or self.view is None:
                return
            if self.view.current != place:
                asked = self.view.runs[place].spec.model
                self.notify(f"{asked} has ended meanwhile: nothing was changed.")
            else:
                act(run, answer)

        self.app.push_screen(screen, answered)

    def _request(self, command: Command) -> None:
        self.post_message(CommandRequested(command))
