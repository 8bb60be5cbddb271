"""The actions of the results screen on runs: pages over it, combining, notes, deleting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from textual.markup import escape
from textual.screen import Screen
from textual.worker import WorkType

from engine.common.text import byte_size
from engine.errors import InputError
from engine.runs.directory import RunDirectory
from engine.runs.listing import RunRecord, load_run
from engine.runs.notes import Notes, read_notes, write_notes
from engine.runs.trash import bytes_on_disk, trash_run
from tui.screens.choice import Answer, ChoiceScreen, Question
from tui.settings import keys
from tui.settings.option_names import as_flag


def _how_to(action: str, words: str) -> str:
    """Return how to do an action of the results to several runs: `compare`, to `compare them`."""
    mark, key = (keys.written_for("results", name) for name in ("mark", action))
    return f"Mark two or more runs with {mark}, then press {key} to {words}."


COMPARE_HOW = _how_to("compare", "compare them")
COMBINE_HOW = _how_to("combine", "combine them into one")
TRAINS_HERE = (
    "A model is training here: combine runs once it has ended, "
    "or with `cifar-tui ensemble` in another terminal."
)
T = TypeVar("T")


class RunActions:
    """Actions on the runs of a folder; an action that cannot be done says why in one line.

    Args:
        runs_dir: the folder; it need not exist.
        screen: the screen that the runs are chosen on; it runs the workers, and others open over
            it.
        changed: called when a run's files were written or removed.
        added: called with the id of a run that was made.
        trains_here: returns whether a model trains in this process.
    """

    def __init__(
        self,
        runs_dir: Path,
        screen: Screen[Any],
        changed: Callable[[], object],
        added: Callable[[str], object],
        trains_here: Callable[[], bool],
    ) -> None:
        self._runs_dir = runs_dir
        self._screen = screen
        self._changed = changed
        self._added = added
        self._trains_here = trains_here

    def has_run(self, run_id: str | None) -> TypeGuard[str]:
        """Return whether there is a run to act on; notify the user if there is none."""
        if run_id is None:
            self._say("No run is under the cursor.")
        return run_id is not None

    def act(self, name: str, run_id: str | None) -> None:
        """Do the action of this name, one of the methods below that take a run, to a run."""
        if self.has_run(run_id):
            self._start(partial(getattr(self, name), run_id))

    # Pages.

    def compare(self, marked: tuple[str, ...], current: str | None) -> None:
        """Compare the marked runs, or the marked one with the current one."""
        chosen = _several(marked, current)
        if len(chosen) < 2:
            self._say(COMPARE_HOW)
        else:
            self._start(partial(self._open_comparison, chosen))

    async def _open_comparison(self, run_ids: Sequence[str]) -> None:
        from tui.screens.compare import CompareScreen

        if (runs := await self._load(run_ids)) is not None:
            self._screen.app.push_screen(CompareScreen(runs))

    def combine(self, marked: tuple[str, ...], current: str | None) -> None:
        """Combine the marked runs, or the marked one with the current one, into a new run."""
        chosen = _several(marked, current)
        if len(chosen) < 2:
            self._say(COMBINE_HOW)
        elif self._trains_here():
            self._say(TRAINS_HERE)
        else:
            self._start(partial(self._open_combination, chosen))

    async def _open_combination(self, run_ids: Sequence[str]) -> None:
        from engine.tools.ensemble_candidates import find_candidates
        from tui.screens.combine import WAYS, CombineScreen, combine_question

        if (runs := await self._load(run_ids)) is None:
            return
        candidates = await self._tried(lambda: find_candidates(runs))
        if candidates is None or not self._screen.is_current:
            return
        way = await self._screen.app.push_screen_wait(ChoiceScreen(combine_question(candidates)))
        if way is None:
            return
        screen = CombineScreen(runs, self._runs_dir, WAYS[way])
        await self._screen.app.push_screen_wait(screen)
        if screen.made is not None:
            self._added(screen.made.run_id)

    async def predict(self, run_id: str) -> None:
        """Classify an image with the run's model."""
        from tui.screens.predict import PredictScreen

        if (runs := await self._load([run_id])) is not None:
            self._screen.app.push_screen(PredictScreen(runs[0]))

    # What is written beside a run.

    async def pin(self, run_id: str) -> None:
        """Pin the run to the top, or unpin it."""
        directory = self._directory(run_id)
        notes = await self._tried(lambda: read_notes(directory))
        if notes is not None:
            await self._keep(directory, replace(notes, pinned=not notes.pinned))

    async def notes(self, run_id: str) -> None:
        """Ask for tags and a note for the run."""
        from tui.screens.results.notes import RunNotesScreen

        directory = self._directory(run_id)
        notes = await self._tried(lambda: read_notes(directory))
        if notes is None or not self._screen.is_current:
            return
        screen = RunNotesScreen(f"Tags and note of {directory.run_id}", notes)
        wanted = await self._screen.app.push_screen_wait(screen)
        if wanted is None or wanted == notes:
            return
        # Another terminal may have pinned it since the prompt opened.
        now = await self._tried(lambda: read_notes(directory))
        if now is not None:
            await self._keep(directory, replace(now, tags=wanted.tags, note=wanted.note))

    async def _keep(self, directory: RunDirectory, notes: Notes) -> None:
        await self._tried(lambda: write_notes(directory, notes))
        self._changed()

    # Deleting.

    async def delete(self, run_id: str) -> None:
        """Ask whether to move the run to the trash."""
        directory = self._directory(run_id)
        runs = await self._load([run_id])
        if runs is None:
            return
        if runs[0].state in ("running", "paused"):
            self._say(f"{run_id} is {runs[0].state}: stop it before it is deleted.")
            return
        size = await self._tried(lambda: bytes_on_disk(directory.path))
        question = delete_question(runs[0], size)
        if await self._screen.app.push_screen_wait(ChoiceScreen(question)) == "trash":
            trashed = await self._tried(lambda: trash_run(directory))
            if trashed is not None:
                self._say(f"Moved to {trashed}")
            self._changed()

    # Workers.

    def _start(self, work: WorkType[None]) -> None:
        self._screen.run_worker(work, exclusive=True, group="action")

    def _directory(self, run_id: str) -> RunDirectory:
        return RunDirectory(self._runs_dir / run_id)

    async def _load(self, run_ids: Sequence[str]) -> tuple[RunRecord, ...] | None:
        """Read runs; None if one cannot be read, or the user has left the screen meanwhile."""
        runs = await self._tried(
            lambda: tuple(load_run(self._runs_dir / run_id) for run_id in run_ids)
        )
        return runs if self._screen.is_current else None

    async def _tried(self, action: Callable[[], T]) -> T | None:
        """Return the result of a slow action; if it fails, show the message and return None."""
        try:
            return await asyncio.to_thread(action)
        except InputError as error:
            self._say(error.line(as_flag), is_wrong=True)
        except OSError as error:
            self._say(str(error), is_wrong=True)
        return None

    def _say(self, words: str, *, is_wrong: bool = False) -> None:
        self._screen.notify(words, severity="warning" if is_wrong else "information", markup=False)


def _several(marked: tuple[str, ...], current: str | None) -> tuple[str, ...]:
    """Return the marked runs; if it is one, the current one too."""
    if len(marked) == 1 and current not in (None, *marked):
        return (*marked, str(current))
    return marked


def delete_question(run: RunRecord, size: int | None) -> Question:
    """Return the question whether to delete a run, which it is and where it would go."""
    taken = f"{byte_size(size)}; " if size is not None else ""
    return Question(
        escape(f"Delete {run.file.spec.model} · {run.run_id}?"),
        (
            Answer("trash", "t", "Move it to the trash", f"{taken}it can be moved back by hand"),
            Answer("cancel", "c", "Cancel", "keep it"),
        ),
    )
