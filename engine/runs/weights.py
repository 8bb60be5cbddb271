"""`--weights RUN`: the exported network of an earlier run, named as runs are named."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import InputError
from engine.runs.listing import RunRecord, check_exported, folder_names, load_run
from engine.runs.selecting import choose_run

WORDS = ("imagenet", "none")


def resolve_weights(asked: str, runs_dir: Path, *, whole_id: bool = False) -> tuple[str, str]:
    """Return the weights that are meant; an existing path takes precedence over a run.

    Args:
        asked: `imagenet`, `none`, a path, the folder of a run, its id or a part of it that no
            other has.
        runs_dir: where runs are kept.
        whole_id: accept whole ids only; looks into no folder.

    Returns:
        A word as it is, or a path; and a remark on the choice, mostly empty.

    Raises:
        InputError: several runs have that part of an id, or the run has no exported model.
    """
    if asked in WORDS:
        return asked, ""
    path = os.path.expanduser(asked)
    named = _is_run(runs_dir / asked) if asked and os.sep not in asked else False
    if _is_run(Path(path)):
        return _exported(_load(Path(os.path.abspath(path)))), ""
    if _exists(path):
        note = f"`weights`: took the file {asked}, not the run of that name"
        return asked, note if named else ""
    if named:
        return _exported(_load(runs_dir / asked)), ""
    if whole_id or not asked or os.sep in asked:
        return asked, ""
    if not any(asked in name for name in folder_names(runs_dir)):
        return asked, ""
    try:
        return _exported(choose_run(runs_dir, asked)), ""
    except InputError as error:
        raise _about_weights(error) from error


def _load(folder: Path) -> RunRecord:
    try:
        return load_run(folder)
    except InputError as error:
        raise error.within(folder, "weights") from error


def _exported(run: RunRecord) -> str:
    if (ensemble := run.file.spec.ensemble) is not None:
        hint = f"name one of its members, such as {ensemble.run_ids[0]}"
        raise InputError("weights", "the run of one network", f"the ensemble {run.run_id}", hint)
    try:
        check_exported(run)
    except InputError as error:
        raise _about_weights(error) from error
    return str(run.directory.model.absolute())


def _about_weights(error: InputError) -> InputError:
    return InputError("weights", error.expected, error.found, error.hint, error.place)


def _is_run(path: Path) -> bool:
    return _exists(str(path / "spec.json"))


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except (OSError, ValueError):  # a name that is too long, or with a null byte
        return False
    return True
