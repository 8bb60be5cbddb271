"""The app: it holds the stores and routes events to screens and commands to the trainer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App, ScreenError, SystemCommand
from textual.binding import Binding
from textual.css.query import QueryError
from textual.driver import Driver
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import WidgetError
from textual.worker import WorkerFailed

from engine.common.faults import Faults, told_afterwards
from engine.errors import InputError
from tui.screens.keyed_screen import KeyedScreen
from tui.screens.too_small import TooSmallScreen, too_small
from tui.session.arrivals import Arrivals
from tui.session.messages import CommandRefused, CommandRequested
from tui.session.source import Source
from tui.settings import keys
from tui.settings.option_names import as_flag, in_flags
from tui.settings.themes import (
    DARK,
    LIGHT,
    OTHER_THEMES,
    remember_theme,
    remembered_theme,
    theme_on,
)
from tui.terminal.notification import choose_next_way, chosen_way, sequence

# What a training needs, its events and commands above all, takes 80 ms to import: where a session
# opens, after the first frame.
if TYPE_CHECKING:
    from engine.protocol.commands import Command
    from engine.protocol.events import Event
    from engine.sessions.handle import SessionHandle
    from engine.state.snapshot import RunSnapshot
    from tui.screens.first_choices import FirstChoices
    from tui.screens.launcher.screen import LauncherScreen
    from tui.screens.training.screen import TrainingScreen
    from tui.session.shown import ShownSession
    from tui.session.view import SessionView
    from tui.terminal.driver import BackgroundTold

REDRAW_SECONDS = 0.5
START_AFTER_SECONDS = 0.1
"""Importing TensorFlow holds the interpreter's lock at times: the first frame goes before it."""


class Leaving(Enum):
    """Whether the user leaves, and what becomes of the training."""

    NO = "not asked for"
    WHEN_OVER = "once the training has ended as it was told"
    AT_ONCE = "none is left to train, or a signal ends it"
    RUNS_ON = "it continues without this screen"
    ANEW = "the launcher opens in another app"


class CifarApp(App[tuple["RunSnapshot", ...]]):
    """Launcher, training and results over one source; returns the runs of its last session.

    Args:
        source: where the sessions come from, and what may be done with them.
        runs_dir: the folder of runs that the results screen shows.
        ends_on_answers: whether the end of the first queue opens the ranking, and over it the
            answers to the exercise's questions.
        begins_on_first_page: whether, without a session, the first page comes before the launcher.
    """

    CSS_PATH = "app.tcss"
    TITLE = "cifar-tui"
    BINDINGS = keys.bindings("everywhere") + keys.palette_bindings()
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        source: Source,
        *,
        runs_dir: Path,
        ends_on_answers: bool = False,
        begins_on_first_page: bool = False,
    ) -> None:
        super().__init__()
        self._begins_on_first_page = begins_on_first_page
        self.source = source
        self.runs_dir = runs_dir
        self.leaving = Leaving.NO
        self.ends_on_answers = ends_on_answers
        """Whether the end of the queue opens ranking and answers; it does so once."""
        self._arrivals = Arrivals(lambda: self.call_later(self._take_events))
        self._faults = None if source.is_own else Faults("what is followed")
        self._sent: set[str] = set()
        self._shown: ShownSession | None = None
        self._training: TrainingScreen | None = None
        self._event_loop: asyncio.AbstractEventLoop | None = None
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = remembered_theme() or DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the variables of the stylesheets that Textual's own themes lack."""
        return dict(OTHER_THEMES)

    def run(self, *arguments: Any, **options: Any) -> tuple[RunSnapshot, ...] | None:
        """Run until the user leaves; then print the faults met meanwhile below the screen."""
        with told_afterwards(sys.__stderr__, self._tell_of_fault):
            return super().run(*arguments, **options)

    def _tell_of_fault(self) -> None:
        self.notify(
            "An internal error occurred: it will be printed when you quit.", severity="error"
        )

    def _handle_exception(self, error: Exception) -> None:
        # A screen that leaves loses its widgets before its timers and workers end: no crash.
        cause = error.error if isinstance(error, WorkerFailed) else error
        is_closing = self._exit or not self.is_running
        if not (is_closing and isinstance(cause, (QueryError, ScreenError, WidgetError))):
            super()._handle_exception(error)

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's own driver, or on a Unix terminal one that writes only changes."""
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver
        from tui.terminal.driver import SparingDriver

        return SparingDriver

    def get_key_display(self, binding: Binding) -> str:
        """Write a key in the footer as everywhere else."""
        return binding.key_display or keys.name_written(binding.key)

    async def on_event(self, event: events.Event) -> None:
        """Assume, before the screens draw, that a resized terminal shows nothing known."""
        if isinstance(event, events.Resize):
            self._forget_screen()
        await super().on_event(event)

    def _forget_screen(self) -> None:
        getattr(self._driver, "forget_screen", lambda: None)()

    def on_mount(self) -> None:
        self._event_loop = asyncio.get_running_loop()
        if self.leaving is not Leaving.NO:
            self._leave(self.leaving)
            return
        self.set_interval(REDRAW_SECONDS, self._show_progress)
        self.screen_change_signal.subscribe(self, self._look_if_it_fits)
        if self.source.session is not None:
            self._open_training(self.source.session)
        elif self._begins_on_first_page:
            self.action_first_page()
        else:
            self.action_launcher()

    def on_ready(self) -> None:
        if self.source.greeting:
            self.notify(self.source.greeting, markup=False)

    @property
    def is_training(self) -> bool:
        """Whether a trainer is running."""
        return self._shown is not None and self._shown.is_alive

    @property
    def trains_here(self) -> bool:
        """Whether a trainer is running in this process."""
        return self.source.is_own and self.is_training

    # Events in, commands out.

    def _take_events(self) -> None:
        for index, run_id, event in self._arrivals.take():
            if self._shown is not None:
                with self._told(event):
                    self._shown.apply(index, run_id, event)
                self._tell_rejection(event)

    def _told(self, event: Event) -> AbstractContextManager[None]:
        """Report a fault in showing another process's record; over an own training it is fatal."""
        if self._faults is None:
            return nullcontext()
        return self._faults.told(f"showing {type(event).__name__}")

    def _tell_rejection(self, event: Event) -> None:
        from engine.protocol.events import CommandRejected

        # A record also holds what others asked for, and when.
        if isinstance(event, CommandRejected) and (
            self.source.is_own or event.command.id in self._sent
        ):
            self.notify(f"Not done: {in_flags(event.reason)}", severity="warning", markup=False)
            self.screen.post_message(CommandRefused())

    def on_command_requested(self, message: CommandRequested) -> None:
        self.request(message.command)

    def request(self, command: Command) -> None:
        """Send a command to the trainer and show it as pending."""
        if self._shown is None or not self._shown.is_alive:
            self.notify("The training has ended: nothing is left to change.", severity="warning")
            return
        self._sent.add(command.id)
        view = self._shown.request(command)
        if self._training is not None:
            self._training.view = view

    def _show_progress(self) -> None:
        # A tick that comes while the app closes finds no screen to show anything on.
        if self._shown is None or self._training is None or not self.is_running:
            return
        was_over = self._shown.is_over
        view = self._shown.tick()
        if view is not None:
            self._training.view = view
            if view.is_over and not was_over:
                self._call_back(view)
        if self._shown.is_over:
            self._settle_leaving()
            self._show_answers()

    def _call_back(self, view: SessionView) -> None:
        """Notify a user who looks elsewhere that the queue has ended, if they asked for it."""
        ended = ", ".join(f"{run.spec.model} {run.status}" for run in view.runs)
        written = sequence(chosen_way(), f"cifar-tui: {ended}")
        if written and self._driver is not None:
            self._driver.write(written)

    # Screens.

    def _show_answers(self) -> None:
        """Open the ranking, and the answers over it, once, if the user asked for them."""
        if self.ends_on_answers and self.screen is self._training:
            from tui.screens.answers import AnswersScreen

            self.ends_on_answers = False
            only = [run.run_id for run in self._shown.runs] if self._shown is not None else []
            self.action_results()
            self.push_screen(AnswersScreen(self.runs_dir, only=only))

    def _open_launcher(self, asked: Mapping[str, str]) -> None:
        from tui.screens.launcher.screen import LauncherScreen

        self._shown = self._training = None
        self._show_alone(LauncherScreen(self.runs_dir, asked=asked))

    @property
    def _begins_anew(self) -> bool:
        """Whether a session can begin here and now."""
        return self.source.start is not None and not self.is_training and not self._busy

    @property
    def _busy(self) -> str:
        """A phrase of what an open screen computes in this process; empty for nothing."""
        keyed = (screen for screen in self.screen_stack if isinstance(screen, KeyedScreen))
        return next(filter(None, (screen.keeps_busy for screen in keyed)), "")

    def on_first_choices_chosen(self, message: FirstChoices.Chosen) -> None:
        from tui.screens.first_choices import CIFAR10
        from tui.screens.first_page import folder_prompt

        if message.choice == "results":
            self.action_results()
        elif not self._begins_anew:
            return  # a training has begun meanwhile
        elif message.choice == "demo":
            self._start_demo()
        elif message.choice == "cifar10":
            self._open_launcher(CIFAR10)
        else:
            self.push_screen(folder_prompt(), self._open_folder)

    def _open_folder(self, folder: str | None) -> None:
        if folder is not None and self._begins_anew:
            self._open_launcher({"dataset": folder, "data_path": ""})

    def _start_demo(self) -> None:
        """Train the demo, and end on the answers as the command does."""
        from engine.api.planning import plan_demo

        assert self.source.start is not None
        try:
            session = self.source.start(plan_demo())
        except InputError as error:
            self.notify(error.line(as_flag), severity="warning", markup=False)
            return
        self.ends_on_answers = True
        self._open_training(session)

    def _open_addition(self) -> None:
        from tui.screens.launcher.screen import LauncherScreen
        from tui.screens.training.waiting_runs import WaitingRunsScreen

        if isinstance(self.screen, WaitingRunsScreen):
            self.pop_screen()
        if self._shown is not None and not isinstance(self.screen, LauncherScreen):
            joins = self._shown.view().run.spec
            self.push_screen(LauncherScreen(self.runs_dir, joins=joins))

    def on_launcher_screen_started(self, message: LauncherScreen.Started) -> None:
        if self.is_training:
            from engine.protocol.commands import AddRuns

            self.pop_screen()
            self.request(AddRuns(specs=tuple(message.specs)))
        elif self.source.start is None:
            # The queue that they were for has ended meanwhile.
            key = keys.written_for("everywhere", "new_session")
            self.notify(f"The training has ended: {key} starts a new session.")
            self.pop_screen()
        else:
            self._open_training(self.source.start(message.specs))

    def on_launcher_screen_resumed(self, message: LauncherScreen.Resumed) -> None:
        if self.source.resume is None:
            return
        try:
            session = self.source.resume(message.run)
        except InputError as error:
            self.notify(error.line(as_flag), severity="warning", markup=False)
            return
        self._open_training(session)

    def _open_training(self, session: SessionHandle) -> None:
        from engine.protocol.events import now
        from tui.screens.training.screen import TrainingScreen
        from tui.session.shown import ShownSession

        self._shown, source = ShownSession(session), self.source
        self._training = TrainingScreen(
            self._shown.view(), source.clock or now, unchangeable=source.unchangeable
        )
        self._show_alone(self._training)
        session.add_sink(self._arrivals.put)
        self.set_timer(START_AFTER_SECONDS, self._shown.start)

    def _show_alone(self, screen: Screen[Any]) -> None:
        for _ in self.screen_stack[2:]:
            self.pop_screen()
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def on_resize(self, event: events.Resize) -> None:
        self._cover_if_too_small(event.size)  # the app's own size is still the one before

    def _cover_if_too_small(self, size: Size) -> None:
        is_covered = isinstance(self.screen, TooSmallScreen)
        if not is_covered and too_small(size, self.screen_stack):
            self.push_screen(TooSmallScreen())

    def _look_if_it_fits(self, _: Screen[Any]) -> None:
        # Later: screens may be closed and opened in one go.
        self.call_next(lambda: self._cover_if_too_small(self.size))

    def action_smaller_page(self) -> None:
        """Return from a screen that does not fit to the first page, if it does."""
        from tui.screens.first_page import FirstPage

        width, height = FirstPage.SMALLEST
        if self._begins_anew and self.size.width >= width and self.size.height >= height:
            self.action_first_page()

    # Actions.

    def action_results(self) -> None:
        """Open the results over the training or the launcher."""
        from tui.screens.results.screen import ResultsScreen

        if not isinstance(self.screen, ResultsScreen):
            self.push_screen(
                ResultsScreen(
                    self.runs_dir,
                    may_begin=self._begins_anew,
                    trains_here=lambda: self.trains_here,
                )
            )

    async def action_back(self) -> None:
        """Return to the screen below, if there is one."""
        if len(self.screen_stack) > 2:
            self.pop_screen()

    def action_new_session(self) -> None:
        """Open the launcher; while a model trains, to add to its queue."""
        if self._busy:
            self.notify(f"{self._busy}: no session begins before that has ended.")
            return
        if not self.source.unchangeable:
            if self._shown is not None and not self._shown.has_started:
                return  # its trainer starts within a blink: then there is a queue to add to
            if self.is_training:
                self._open_addition()
                return
        if self.source.start is None:
            self._leave(Leaving.ANEW)
            return
        self.action_launcher()

    def action_launcher(self) -> None:
        """Open the launcher with what was started last."""
        self._open_launcher({})

    def action_first_page(self) -> None:
        """Open the first page."""
        from tui.screens.first_page import FirstPage

        self._shown = self._training = None
        self._show_alone(FirstPage(self.runs_dir))

    def action_show_help(self) -> None:
        """Show every key, those of the current screen first."""
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(keys.places_from(self, self.screen)))

    def action_toggle_theme(self) -> None:
        """Switch between the dark and the light theme."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name
        remember_theme(self.theme)

    def on_background_told(self, message: BackgroundTold) -> None:
        """Take the theme of a background that was told late, unless the user has chosen one."""
        if remembered_theme() is None and self.theme in (DARK.name, LIGHT.name):
            self.theme = theme_on(message.is_light)

    def action_change_notification(self) -> None:
        """Choose how the end of a queue is signalled: not at all, by the bell, with a message."""
        self.notify(f"When the queue has ended: {choose_next_way()}.")

    def action_redraw(self) -> None:
        """Draw the whole screen again, in case something else has written on it."""
        self._forget_screen()
        self.screen.refresh(layout=True)

    def action_suspend(self) -> None:
        """Give the terminal to the shell until `fg`, unless that would stop a training."""
        if self.trains_here:
            key = keys.written_for("everywhere", "detach")
            self.notify(f"Suspending would stop the training: {key} leaves it running.")
        else:
            self.action_suspend_process()

    def action_detach(self) -> None:
        """Leave the training running, without a screen."""
        if self.source.is_own and not self.is_training:
            self.notify(f"No model is training: {keys.written_for('everywhere', 'quit')} quits.")
        else:
            self._leave_running()

    async def action_quit(self) -> None:
        """Leave; while a model trains here, ask how. Pressed again, leave it running."""
        from tui.screens.choice import LEAVE, LEAVE_WHILE_STOPPING, ChoiceScreen

        if not self.trains_here:
            self._leave()
        elif isinstance(self.screen, ChoiceScreen) and self.screen.question.hurried:
            self.screen.dismiss(self.screen.question.hurried)
        else:
            question = LEAVE_WHILE_STOPPING if self.leaving is Leaving.WHEN_OVER else LEAVE
            self.push_screen(ChoiceScreen(question), self._leave_as_chosen)

    async def action_copy_or_quit(self) -> None:
        """Copy the text that is marked, and unmark it; leave if there is none."""
        from tui.screens.marked_text import copy_marked

        if not copy_marked(self):
            await self.action_quit()

    def _leave_as_chosen(self, choice: str | None) -> None:
        if choice == "leave":
            self._leave_running()
        elif choice in ("now", "epoch"):
            from engine.protocol.commands import Stop

            self.leaving = Leaving.WHEN_OVER
            self.request(Stop(when="now" if choice == "now" else "epoch"))

    def _leave_running(self) -> None:
        if not self.source.is_own:
            self._leave()  # whether it is resumed is up to whoever paused it
            return
        run = self._shown.view().run if self._shown is not None and self._shown.is_alive else None
        if run is not None and run.is_pausing:
            from engine.protocol.commands import Resume

            # Nobody would be there to resume it.
            self.request(Resume())
        self._leave(Leaving.RUNS_ON)

    def leave_at_once(self, goes_on: bool) -> None:
        """Leave without a question, as a signal demands; can be called from its handler.

        Args:
            goes_on: whether to leave the training running.
        """
        self.leaving = Leaving.RUNS_ON if goes_on else Leaving.AT_ONCE
        if self._event_loop is not None:
            leave = self._leave_running if goes_on else self._leave
            with suppress(RuntimeError):  # it was closed just now
                self._event_loop.call_soon_threadsafe(leave)

    def _settle_leaving(self) -> None:
        """Leave if the user chose to when the training is over, else close a question about it."""
        from tui.screens.choice import ChoiceScreen

        if self.leaving is Leaving.WHEN_OVER:
            self._leave()
        elif isinstance(self.screen, ChoiceScreen) and self.screen.question.hurried:
            self.screen.dismiss(None)

    def _leave(self, how: Leaving = Leaving.AT_ONCE) -> None:
        self.leaving = how
        self.exit(self._shown.runs if self._shown is not None else ())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yield every key's action by name, then Textual's own commands."""
        for key in keys.KEYS:
            owner = keys.owner_of(key, self, screen)
            if owner is not None:
                run = partial(self.run_action, key.action, owner)
                yield SystemCommand(key.description, f"key {keys.written(key)}", run)
        if self._begins_anew:
            # What it offers is in its name, which is what is searched.
            name = "First page: the demo, CIFAR-10 or your own images"
            yield SystemCommand(name, "as at the very first start", self.action_first_page)
        for command in super().get_system_commands(screen):
            if command.title not in ("Quit", "Keys", "Maximize", "Minimize"):
                yield command
