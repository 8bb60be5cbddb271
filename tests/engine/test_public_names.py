"""`import engine`: its names, which load late, stay what they are, and are typed and described."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import assert_type

import pytest

import engine
from engine.config.settings import Options
from engine.errors import EngineError, InputError, RunError
from engine.ranking.row import KINDS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "docs" / "reference" / "python-api.md").read_text()
HEAVY = "keras tensorflow pandas sklearn numpy textual rich"
OWN = ("model", "runs_dir", "on_event")
"""What `train` takes beside the options of a run."""


def printed_by(code: str) -> list[str]:
    """The words that a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


def test_importing_it_loads_no_other_module_of_ours_or_of_others() -> None:
    code = "import sys; before = {*sys.modules}; import engine; dir(engine); "
    new = printed_by(code + "print(*sorted({*sys.modules} - before))")
    others = {name for name in new if name.partition(".")[0] not in sys.stdlib_module_names}
    # What says on Windows that the package does not work there.
    assert others == {"engine", "engine.errors"}


def test_its_functions_load_nothing_heavy_until_they_are_called() -> None:
    code = "import sys, engine; [getattr(engine, name) for name in engine.__all__]; "
    assert printed_by(code + f"print(*({{*'{HEAVY}'.split()}} & {{*sys.modules}}))") == []


def test_each_name_is_in_the_table_listed_and_described() -> None:
    assert sorted(engine.__all__) == engine.__all__
    assert set(engine._HOMES) == {*engine.__all__} <= {*dir(engine)}
    for name in engine.__all__:
        assert inspect.getdoc(getattr(engine, name))
        assert f"\n| `{name}` | " in REFERENCE


def test_no_name_is_that_of_a_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(engine.__path__)}
    assert {*engine.__all__} & modules == set()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'engine' has no attribute 'trian'$"):
        getattr(engine, "trian")  # noqa: B009
    with pytest.raises(ImportError):
        importlib.import_module("engine.trian")


def test_types_are_those_of_the_modules() -> None:
    """The checks run mypy over this; `py.typed` has it do so for whoever installs the package."""
    assert (Path(engine.__file__).with_name("py.typed")).read_text() == ""
    if False:  # only to be checked
        run = engine.train("CustomCNN", epochs=(3, 2), weights=engine.open_run("x"))
        assert_type(run, engine.Run)
        assert_type(run.test_accuracy, float | None)
        assert_type(engine.load(run).predict(["x"]), list[engine.Prediction])


def test_train_takes_every_option_of_a_run_at_its_default() -> None:
    taken = {
        name: parameter.default
        for name, parameter in inspect.signature(engine.train).parameters.items()
        if name not in OWN
    }
    usual = {field.name: field.default for field in fields(Options) if field.name != "seeds"}
    (usual["seed"],) = Options().seeds
    assert taken == usual
    described = inspect.getdoc(engine.train) or ""
    for name in taken:
        assert f"\n| `{name}` | " in REFERENCE
        assert f"\n    {name}: " in described


def test_the_columns_of_a_ranking_are_described() -> None:
    section = REFERENCE.partition("## Ranking")[2].partition("## Predict")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    described = re.findall(r"`(\w+)`", " ".join(rows))
    assert sorted(described) == sorted(KINDS)


def test_all_errors_are_of_one_kind() -> None:
    assert issubclass(InputError, EngineError)
    error = RunError("no images", Path("runs/a-run"))
    assert isinstance(error, EngineError)
    assert (str(error), error.message, error.path) == (
        "a-run: no images",
        "no images",
        Path("runs/a-run"),
    )
    assert str(RunError("no folder")) == "no folder"
