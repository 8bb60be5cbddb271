"""`cifar-tui runs`: list the runs with their sizes on disk, move some to the trash, or prune."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.common.text import aligned, byte_size, printable
from engine.errors import InputError
from engine.runs.directory import TRASH, RunDirectory, check_runs_dir
from engine.runs.listing import folder_names, list_runs
from engine.runs.selecting import choose_run
from engine.runs.trash import Removable, bytes_on_disk, removable, remove, trash_run
from tui.cli.output import print_json
from tui.cli.streams import note

TITLES = ("run", "model", "status", "model file", "checkpoints", "total")
NUMBERS = {"model file", "checkpoints", "total"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """A run and its sizes on disk, in bytes."""

    run_id: str
    model: str
    status: str
    model_bytes: int
    checkpoints_bytes: int
    bytes: int

    @property
    def plain(self) -> dict[str, str | int]:
        """The fields by name, for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of the columns of `TITLES`."""
        sizes = (self.model_bytes, self.checkpoints_bytes, self.bytes)
        return (self.run_id, self.model, self.status, *map(byte_size, sizes))


def run(arguments: argparse.Namespace) -> int:
    """List the runs, move some to the trash, or remove what is no longer needed.

    Raises:
        InputError: there is no such run, it is still running, or there is no terminal to ask on.
    """
    runs_dir = arguments.runs_dir
    check_runs_dir(runs_dir)
    if arguments.action == "delete":
        return _delete(runs_dir, arguments.runs, yes=arguments.yes, as_json=arguments.json)
    if arguments.runs:
        hint = "`cifar-tui runs delete RUN` removes one"
        found = f"{arguments.runs[0]!r:.40}"
        raise InputError("", f"no run after {arguments.action}", found, hint)
    if arguments.action == "prune":
        _prune(runs_dir, yes=arguments.yes, as_json=arguments.json)
    else:
        _list(runs_dir, as_json=arguments.json)
    return 0


def _list(runs_dir: Path, *, as_json: bool) -> None:
    listing = list_runs(runs_dir)
    for line in listing.broken:
        note(f"left out {line}", as_json=as_json)
    runs = [_sizes(run.directory, run.file.spec.model, run.state) for run in listing.runs]
    total = sum(run.bytes for run in runs)
    trash = bytes_on_disk(runs_dir / TRASH)
    if as_json:
        plain = [run.plain for run in runs]
        print_json({"folder": str(runs_dir), "bytes": total, "trash_bytes": trash, "runs": plain})
        return
    if runs:
        right = [title in NUMBERS for title in TITLES]
        print("\n".join(aligned([TITLES, *(run.cells for run in runs)], right)))
    in_trash = f"; {byte_size(trash)} in the trash" if trash else ""
    print(f"{_count(len(runs), 'run')}, {byte_size(total)}{in_trash}")
    print(f"folder: {runs_dir}")


def _sizes(directory: RunDirectory, model: str, status: str) -> Sizes:
    return Sizes(
        run_id=directory.run_id,
        model=model,
        status=status,
        model_bytes=bytes_on_disk(directory.model),
        checkpoints_bytes=bytes_on_disk(directory.checkpoints),
        bytes=bytes_on_disk(directory.path),
    )


def _delete(runs_dir: Path, names: Sequence[str], *, yes: bool, as_json: bool) -> int:
    if not names:
        raise InputError("", "the runs to delete", "none", "`cifar-tui runs` lists them")
    chosen = dict.fromkeys(_chosen(runs_dir, name) for name in names)
    size = sum(bytes_on_disk(run.path) for run in chosen)
    if not yes and not _agreed([run.run_id for run in chosen], size):
        print("nothing was deleted")
        return 1
    moved = []
    for directory in chosen:
        moved.append(trash_run(directory))
        if not as_json:
            print(f"moved {printable(directory.run_id)} to {moved[-1]}")
    if as_json:
        print_json({"moved": list(map(str, moved)), "bytes": size})
    else:
        print(f"{byte_size(size)} in the trash; `cifar-tui runs prune --yes` removes it for good")
    return 0


def _chosen(runs_dir: Path, name: str) -> RunDirectory:
    """Return the named run; by its full id, also one that cannot be read."""
    try:
        return choose_run(runs_dir, name).directory
    except InputError:
        directory = RunDirectory(runs_dir / name)
        is_broken = directory.spec.is_file() or directory.events.is_file()
        if name in folder_names(runs_dir) and is_broken:
            return directory
        raise


def _agreed(run_ids: Sequence[str], size: int) -> bool:
    if not sys.stdin.isatty():
        hint = "--yes moves them to the trash"
        raise InputError("", "--yes", "no terminal to ask on", hint)
    named = ", ".join(map(printable, run_ids))
    question = f"Move {named} ({byte_size(size)}) to the trash? [y/N] "
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _prune(runs_dir: Path, *, yes: bool, as_json: bool) -> None:
    found = removable(runs_dir)
    size = sum(item.bytes for item in found)
    if yes:
        for item in found:
            remove(item)
    if as_json:
        items = [{"path": str(item.path), "what": item.what, "bytes": item.bytes} for item in found]
        print_json({"removed": yes, "bytes": size, "items": items})
        return
    for item in found:
        print(_item_line(item, runs_dir))
    if yes:
        print(f"removed {_count(len(found), 'item')}, {byte_size(size)}")
    elif found:
        print(
            f"{_count(len(found), 'item')}, {byte_size(size)}, to remove; "
            "`cifar-tui runs prune --yes` removes them"
        )
    else:
        print("nothing to remove")


def _item_line(item: Removable, runs_dir: Path) -> str:
    place = printable(str(item.path.relative_to(runs_dir)))
    return f"{byte_size(item.bytes):>8}  {item.what:<15}  {place}"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
