"""The formats that a finished run can be exported in: a row each, of plain values.

A row names its functions as `package.module:function`; `engine.tools.export` imports them when a
run is exported.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.errors import InputError


# No dataclass: defining one costs every start of the program most of a millisecond.
class ExportFormat(NamedTuple):
    """One format."""

    name: str
    writes: str
    """What it makes, for the help."""
    writer: str
    """`package.module:function` of a run and the path to write to."""
    checker: str
    """`package.module:function` of the run and that path: predicts with what was written and
    returns an `engine.tools.export_writers.Check`."""
    suffix: str = ""
    """The ending of its file's name; empty where it writes a folder."""
    entries: tuple[str, ...] = ()
    """What its folder may hold, the first of them always; other folders are never replaced."""
    holds_model: bool = True
    """Whether it holds the model, and so what the model takes and returns."""
    description: str = "model.json"
    """Where in its folder the description is; for a file it is beside it, named with `.json`."""
    packages: tuple[str, ...] = ()
    """The packages it imports that are not dependencies of this program."""
    extra: str = ""
    """The extra of this program that installs them."""


FORMATS: tuple[ExportFormat, ...] = (
    ExportFormat(
        "keras",
        "the model as a file of Keras",
        writer="engine.tools.export_writers:write_keras",
        checker="engine.tools.export_writers:check_keras",
        suffix=".keras",
    ),
    ExportFormat(
        "savedmodel",
        "the model as a folder of TensorFlow",
        writer="engine.tools.export_writers:write_saved_model",
        checker="engine.tools.export_writers:check_saved_model",
        entries=(
            "saved_model.pb",
            "fingerprint.pb",
            "keras_metadata.pb",
            "variables",
            "assets",
            "assets.extra",
        ),
        description="assets.extra/model.json",
    ),
    ExportFormat(
        "onnx",
        "the model as a file of ONNX",
        writer="engine.tools.export_writers:write_onnx",
        checker="engine.tools.export_writers:check_onnx",
        suffix=".onnx",
        packages=("tf2onnx", "onnxruntime"),
        extra="onnx",
    ),
    ExportFormat(
        "csv",
        "a folder with metrics.csv, a row an epoch, and predictions.csv, a row a test image",
        writer="engine.tools.export_writers:write_csv",
        checker="engine.tools.export_writers:check_csv",
        entries=("metrics.csv", "predictions.csv"),
        holds_model=False,
    ),
)


def format_names() -> tuple[str, ...]:
    """Return the names to choose from."""
    return tuple(row.name for row in FORMATS)


def formats_help() -> str:
    """Return a clause for each format: what it writes, and what must be installed for it."""
    needs = {row.name: f" (needs cifar-tui[{row.extra}])" if row.extra else "" for row in FORMATS}
    return "; ".join(f"{row.name}: {row.writes}{needs[row.name]}" for row in FORMATS)


def find_format(name: str) -> ExportFormat:
    """Return the row of this name.

    Raises:
        InputError: no such format.
    """
    for row in FORMATS:
        if row.name == name:
            return row
    raise InputError("", f"a format ({', '.join(format_names())})", repr(name))
