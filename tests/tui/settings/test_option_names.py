"""The names of options in what the engine says."""

from __future__ import annotations

from engine.errors import InputError
from tui.settings.option_names import as_flag, as_label, in_flags


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
