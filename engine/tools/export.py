"""A finished run's model or figures in other programs' formats, checked and written whole."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from engine.common.codec import from_plain
from engine.common.regular_file import read_regular
from engine.errors import InputError
from engine.keras_setup.loading import check_can_compute
from engine.protocol.facts import SampleRange
from engine.runs.directory import write_json
from engine.runs.listing import RunRecord, check_exported
from engine.runs.reading import recorded_data
from engine.tools.export_formats import ExportFormat, find_format
from engine.tools.predict import class_names, load_model

if TYPE_CHECKING:
    from engine.tools.export_writers import Check

LARGEST_DIFFERENCE = 0.02
"""Largest difference of a probability: more is a wrong weight, less is rounding."""
MAX_DESCRIPTION = 1 << 20
OTHER_NAME = "choose another name"


@dataclass(frozen=True, slots=True)
class Description:
    """What an exported model takes and returns."""

    run: str
    model: str
    input: str
    input_shape: tuple[int | None, ...]
    """Height, width and channels, after the batch."""
    output: str
    classes: tuple[str, ...]
    """Class names, in the order of the probabilities."""
    ranges: tuple[SampleRange, ...]
    """Samples of more than 8 bits that become 0 and 255, as in training."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export, and how far it agrees with the run."""

    path: Path
    bytes: int
    images: int
    """Images predicted to check it."""
    largest_difference: float
    """Largest difference of any probability."""
    against: str
    """A phrase of what it was compared with."""


def export_run(run: RunRecord, form: str, output: Path, *, force: bool = False) -> Exported:
    """Write a run's model, or its figures, in a format; leave nothing if the check fails.

    Args:
        run: a finished one.
        form: the name of one of `engine.tools.export_formats.FORMATS`.
        output: the file or folder to make.
        force: replace what is there, if it is an earlier export of the same kind.

    Raises:
        InputError: the run is not finished, `output` cannot be used, a package is missing, the
            backend does not work here, or what was written predicts something else.
    """
    row = find_format(form)
    _check_target(row, output, force)
    beside = output.with_name(f"{output.name}.json") if row.suffix and row.holds_model else None
    if beside is not None:
        _check_description(beside, force)
    if row.holds_model:
        check_can_compute()
        check_exported(run)
    _check_packages(row)
    with _beside(output) as aside:
        check = _write(run, row, aside)
        if row.holds_model:
            described = aside.with_name("described") if beside else aside / row.description
            described.parent.mkdir(exist_ok=True)
            write_json(described, _describe(run))
        size = _bytes(aside)
        _put(aside, output)
        if beside is not None:
            _put(described, beside)
    return Exported(output, size, *check)


def _write(run: RunRecord, row: ExportFormat, path: Path) -> Check:
    """Write the run in this format and compare it with the run."""
    try:
        resolve_name(row.writer)(run, path)
        check: Check = resolve_name(row.checker)(run, path)
    except (InputError, OSError):
        raise
    # The exporters may raise anything on a layer that they do not know.
    except Exception as error:
        found = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
        hint = "choose another format"
        raise InputError("", f"to export it as {row.name}", found, hint, run.run_id) from error
    if not check.largest_difference <= LARGEST_DIFFERENCE:  # NaN, too
        found = f"a probability that differs by {check.largest_difference:.3g}"
        hint = "choose another format; nothing was written"
        raise InputError("", "the exported model to predict the same", found, hint, run.run_id)
    return check


def _check_target(row: ExportFormat, to: Path, force: bool) -> None:
    suffix = row.suffix
    if suffix and not to.name.endswith(suffix):
        raise InputError("output", f"a file that ends in {suffix}", str(to))
    if not to.absolute().parent.is_dir():
        raise InputError("output", "a path in an existing folder", str(to))
    if not _is_taken(to, force):
        return
    if suffix and not to.is_file():
        raise InputError("force", "a file to replace", f"{to}, which is not one", OTHER_NAME)
    if not suffix and not _is_earlier_export(row, to):
        found = f"{to}, which holds other things"
        raise InputError("force", f"an earlier {row.name} export to replace", found, OTHER_NAME)


def _is_taken(to: Path, force: bool) -> bool:
    """Return whether there is something to replace, which only `force` allows."""
    taken = os.path.lexists(to)
    if taken and not force:
        hint = "choose another, or give `force` to replace it"
        raise InputError("output", "a name that is free", f"{to} there", hint)
    return taken


def _check_description(beside: Path, force: bool) -> None:
    """Check that a description may be written beside the model: only another is replaced."""
    if not _is_taken(beside, force):
        return
    try:
        from_plain(Description, json.loads(read_regular(beside, MAX_DESCRIPTION)))
    except (OSError, ValueError, RecursionError, InputError) as error:
        expected, found = "the description of an earlier export", f"{beside}, which is none"
        raise InputError("force", f"{expected} to replace", found, OTHER_NAME) from error


def _describe(run: RunRecord) -> Description:
    """Return what the run's model takes and returns."""
    model = load_model(run)
    data = recorded_data(run.directory.events)
    _, height, width, channels = model.input_shape
    deep = "scaled by the range of their format and clipped"
    if data is not None and data.ranges is None:
        deep = "scaled so that the least of 255, 4095 and 65535 that holds the largest is white"
    return Description(
        run=run.run_id,
        model=run.file.spec.model,
        input=(
            "uint8 RGB, 0 to 255, turned as the EXIF says, cut to its middle in the proportions of "
            f"the input, resized by Lanczos' filter; samples of more than 8 bits are first {deep}"
        ),
        input_shape=(height, width, channels),
        output="probabilities, float32, one a class",
        classes=class_names(run, int(model.output_shape[-1])),
        ranges=(data.ranges or ()) if data is not None else (),
    )


def _is_earlier_export(row: ExportFormat, to: Path) -> bool:
    if to.is_symlink() or not to.is_dir():
        return False
    names = {entry.name for entry in to.iterdir()}
    ours = {*row.entries, Path(row.description).parts[0]}
    return not names or (names <= ours and not names.isdisjoint(row.entries[:1]))


def _check_packages(row: ExportFormat) -> None:
    import importlib.util

    missing = [name for name in row.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            "",
            f"the packages {' and '.join(row.packages)} for the format {row.name}",
            f"no {missing[0]}",
            f"`pip install 'cifar-tui[{row.extra}]'` brings them",
        )


@contextmanager
def _beside(to: Path) -> Iterator[Path]:
    """Yield a name to write to, in a hidden folder beside `to` that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=".export-", dir=to.absolute().parent))
    try:
        yield folder / to.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(aside: Path, to: Path) -> None:
    """Rename what was written into place; a replaced folder moves into the hidden one."""
    if aside.is_dir() and to.is_dir():
        to.rename(aside.with_name(f"old-{to.name}"))
    aside.replace(to)


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
