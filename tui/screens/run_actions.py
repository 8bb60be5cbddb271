"""The keys of the results screen that do something with a run, or with several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual import work
from textual.markup import escape

from engine.common.formatting import byte_size
from engine.errors import InputError
from engine.runs.directory import RunDirectory, RunRecord, load_run
from tui.screens.choice import Answer, ChoiceScreen, Question
from tui.screens.keyed_screen import KeyedScreen

if TYPE_CHECKING:
    from engine.runs.notes import Notes

COMPARE_HOW = "Mark two or more runs with space, then press c to compare them."
T = TypeVar("T")


class RunActions(KeyedScreen):
    """A screen over a folder of runs; every action says in a line why it cannot be done.

    Args:
        runs_dir: the folder; it need not exist.
    """

    def __init__(self, runs_dir: Path) -> None:
        super().__init__()
        self.runs_dir = runs_dir

    # What the screen fills in.

    @property
    def current_run(self) -> str | None:
        """The id of the run that the cursor is on; None where it is on none."""
        raise NotImplementedError

    @property
    def marked_runs(self) -> tuple[str, ...]:
        """Ids of the runs marked to be compared."""
        raise NotImplementedError

    def action_reload(self) -> None:
        """Read the folder again."""
        raise NotImplementedError

    # Pages.

    def action_compare(self) -> None:
        """Compare the marked runs, or the marked one with the current one."""
        run_ids = self.marked_runs
        if len(run_ids) == 1 and self.current_run not in (None, *run_ids):
            run_ids = (*run_ids, str(self.current_run))
        if len(run_ids) < 2:
            self._say(COMPARE_HOW)
        else:
            self._open_comparison(run_ids)

    @work(exclusive=True, group="action")
    async def _open_comparison(self, run_ids: Sequence[str]) -> None:
        from tui.screens.compare import CompareScreen

        runs = await self._load(run_ids)
        if runs is not None and self.is_current:
            self.app.push_screen(CompareScreen(runs))

    def action_answers(self) -> None:
        """Answer the exercise's questions from the runs."""
        from tui.screens.answers import AnswersScreen

        self.app.push_screen(AnswersScreen(self.runs_dir))

    def action_predict(self) -> None:
        """Let the current run's model classify an image."""
        if self._has_run():
            self._open_predictor(str(self.current_run))

    @work(exclusive=True, group="action")
    async def _open_predictor(self, run_id: str) -> None:
        from tui.screens.predict import PredictScreen

        runs = await self._load([run_id])
        if runs is not None and self.is_current:
            self.app.push_screen(PredictScreen(runs[0]))

    # What is written beside a run.

    def action_pin(self) -> None:
        """Keep the current run on top, or no longer."""
        if self._has_run():
            self._pin(self._directory(str(self.current_run)))

    @work(exclusive=True, group="action")
    async def _pin(self, directory: RunDirectory) -> None:
        notes = await self._notes(directory)
        if notes is not None:
            await self._keep(directory, replace(notes, pinned=not notes.pinned))

    def action_notes(self) -> None:
        """Ask for tags and a note for the current run."""
        if self._has_run():
            self._ask_notes(self._directory(str(self.current_run)))

    @work(exclusive=True, group="action")
    async def _ask_notes(self, directory: RunDirectory) -> None:
        from tui.screens.run_notes import RunNotesScreen

        notes = await self._notes(directory)
        if notes is None or not self.is_current:
            return
        screen = RunNotesScreen(f"Tags and note of {directory.run_id}", notes)
        wanted = await self.app.push_screen_wait(screen)
        if wanted is None or wanted == notes:
            return
        # Another terminal may have pinned it since the question was asked.
        now = await self._notes(directory)
        if now is not None:
            await self._keep(directory, replace(now, tags=wanted.tags, note=wanted.note))

    async def _notes(self, directory: RunDirectory) -> Notes | None:
        from engine.runs.notes import read_notes

        return await self._tried(lambda: read_notes(directory))

    async def _keep(self, directory: RunDirectory, notes: Notes) -> None:
        from engine.runs.notes import write_notes

        await self._tried(lambda: write_notes(directory, notes))
        self.action_reload()

    # Deleting.

    def action_delete(self) -> None:
        """Ask whether to move the current run to the trash."""
        if self._has_run():
            self._ask_to_delete(str(self.current_run))

    @work(exclusive=True, group="action")
    async def _ask_to_delete(self, run_id: str) -> None:
        from engine.runs.trash import bytes_on_disk, trash_run

        directory = self._directory(run_id)
        runs = await self._load([run_id])
        if runs is None or not self.is_current:
            return
        if runs[0].state in ("running", "paused"):
            self._say(f"{run_id} is {runs[0].state}: stop it before it is deleted.")
            return
        size = await self._tried(lambda: bytes_on_disk(directory))
        question = delete_question(runs[0], size)
        if await self.app.push_screen_wait(ChoiceScreen(question)) == "trash":
            trashed = await self._tried(lambda: trash_run(directory))
            if trashed is not None:
                self._say(f"Moved to {trashed}")
            self.action_reload()

    # Where runs are, and what went wrong.

    def _directory(self, run_id: str) -> RunDirectory:
        return RunDirectory(self.runs_dir / run_id)

    def _has_run(self) -> bool:
        if self.current_run is None:
            self._say("No run is under the cursor.")
        return self.current_run is not None

    async def _load(self, run_ids: Sequence[str]) -> tuple[RunRecord, ...] | None:
        return await self._tried(
            lambda: tuple(load_run(self.runs_dir / run_id) for run_id in run_ids)
        )

    async def _tried(self, action: Callable[[], T]) -> T | None:
        """What a slow action gives; None, and its message shown, where it cannot be done."""
        try:
            return await asyncio.to_thread(action)
        except (InputError, OSError) as error:
            self._say(str(error), is_wrong=True)
            return None

    def _say(self, words: str, *, is_wrong: bool = False) -> None:
        self.notify(words, severity="warning" if is_wrong else "information", markup=False)


def delete_question(run: RunRecord, size: int | None) -> Question:
    """Whether to delete a run: what it is and where it would go."""
    taken = f"{byte_size(size)}; " if size is not None else ""
    return Question(
        escape(f"Delete {run.file.spec.model} · {run.run_id}?"),
        (
            Answer("trash", "t", "Move it to the trash", f"{taken}it can be moved back by hand"),
            Answer("cancel", "c", "Cancel", "keep it"),
        ),
    )
