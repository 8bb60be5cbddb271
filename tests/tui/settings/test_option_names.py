"""The names of options in what the engine says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tui
from engine.errors import InputError
from tui.settings.option_names import as_field, as_flag, as_label, in_flags


def test_a_recorded_error_names_its_own_option_and_others_by_their_flags() -> None:
    error = InputError("weights", "a file", "none", "leave `weights` out", "/x.h5")
    assert str(error) == "weights: /x.h5: expected a file, found none; leave `weights` out"
    line = "--weights: /x.h5: expected a file, found none; leave --weights out"
    assert in_flags(error.recorded()) == error.line(as_flag) == line


def test_what_is_no_option_keeps_its_backticks() -> None:
    assert in_flags("`resume` it with `image_size` 32") == "`resume` it with --image-size 32"


def test_a_form_calls_an_option_by_its_label() -> None:
    assert as_label("image_size") == "image size"
    assert as_label("spec.json") == "spec.json"


FILES = sorted(Path(tui.__path__[0]).rglob("*.py"))


@pytest.mark.parametrize("path", FILES)
def test_no_error_is_shown_in_the_names_of_the_python_api(path: Path) -> None:
    assert not list(bare_errors(ast.parse(path.read_text())))


def bare_errors(tree: ast.Module) -> Iterator[int]:
    """Find the lines that turn a caught InputError into a text without naming its options."""
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.type is None:
            continue
        caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
        if "InputError" not in caught:
            continue
        for node in ast.walk(handler):
            is_text = isinstance(node, ast.Call) and ast.unparse(node.func) == "str"
            said = node.args if is_text and isinstance(node, ast.Call) else []
            said = [node.value] if isinstance(node, ast.FormattedValue) else said
            if any(isinstance(it, ast.Name) and it.id == handler.name for it in said):
                yield handler.lineno


def test_a_flag_is_called_as_python_calls_the_option() -> None:
    flags = ("--image-size", "--data", "--time-to", "MODEL")
    assert [as_field(flag) for flag in flags] == ["image_size", "data_path", "time_to", "MODEL"]
