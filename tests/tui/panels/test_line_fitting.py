"""Words in the room there is."""

from __future__ import annotations

import pytest
from textual.content import Content

from tui.panels.line_fitting import Field, change, fit, longest, packed


def test_a_field_that_continues_another_is_one_blank_away_and_can_go_first() -> None:
    left = [Field(Content("stage 1"), 5), Field(Content("head"), 1, continues=True)]
    right = [Field(Content("end"), 9)]
    assert fit(left, right, 20).plain == " stage 1 head   end "
    assert fit(left, right, 19).plain == " stage 1       end "


def test_the_longest_form_that_fits_is_taken() -> None:
    forms = ("the long form", "short", "s")
    assert [longest(forms, width) for width in (13, 12, 4, 0)] == [*forms[:2], "s", "s"]


def test_phrases_stand_in_order_on_as_few_lines_as_hold_them() -> None:
    assert packed(["one", "two", "three"], 9) == ["one · two", "three"]
    assert packed(["one", "two", "three"], 3) == ["one", "two", "three"]
    assert packed([], 10) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("15.1 MB", "15.4 MB", "15.1 → 15.4 MB"),
        ("980 KB", "1.02 MB", "980 KB → 1.02 MB"),
        ("15.1 MB", "15.1 MB", "15.1 MB"),
        ("512", "640", "512 → 640"),
        ("512", "1.28 K", "512 → 1.28 K"),
    ],
)
def test_a_change_names_a_common_unit_once(before: str, after: str, words: str) -> None:
    assert change(before, after) == words
