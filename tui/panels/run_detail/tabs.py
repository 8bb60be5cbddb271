"""The titles of a run's tabs, as two lines of limited width. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.settings.run_pages import KEYED, RUN_PAGES, RunPage

NAMES = tuple(page.name for page in RUN_PAGES)
_MORE = ("‹ ", " ›")


def tab_lines(active: str, width: int) -> Content:
    """Return the titles, and below them a rule that is heavy under the active one.

    The longest form that fits is used: with numbers, without, with short names; else as many
    titles around the active one as fit.
    """
    place = NAMES.index(active)
    titles, gap = _form(width)
    first, last = _window(titles, gap, place, width)
    shown = titles[first:last]
    before = _MORE[0] if first else ""
    parts: list[Content] = []
    for number, title in enumerate(shown, first):
        style = "$primary bold" if number == place else "$muted"
        parts.append(Content.styled(title, style))
    line = Content.styled(before, "$muted") + Content(" " * gap).join(parts)
    if last < len(titles):
        line += Content.styled(_MORE[1], "$muted")
    left = len(before) + sum(len(title) + gap for title in titles[first:place])
    mark = len(titles[place])
    rule = Content.assemble(
        ("─" * left, "$line"),
        ("━" * mark, "$primary"),
        ("─" * max(width - left - mark, 0), "$line"),
    )
    return line + Content("\n") + rule


def _form(width: int) -> tuple[list[str], int]:
    for numbered, short, gap in (
        (True, False, 3),
        (True, False, 2),
        (False, False, 3),
        (False, False, 2),
        (False, True, 2),
    ):
        titles = [
            (f"{number} " if numbered and number <= KEYED else "") + _title(page, short)
            for number, page in enumerate(RUN_PAGES, 1)
        ]
        if _length(titles, gap) <= width:
            return titles, gap
    return [_title(page, True) for page in RUN_PAGES], 1


def _title(page: RunPage, short: bool) -> str:
    return page.short if short and page.short else page.name


def _length(titles: Sequence[str], gap: int) -> int:
    return sum(map(len, titles)) + gap * (len(titles) - 1)


def _window(titles: Sequence[str], gap: int, place: int, width: int) -> tuple[int, int]:
    """Return the range of titles that fits, including the one at `place`."""
    if _length(titles, gap) <= width:
        return 0, len(titles)
    room = width - sum(map(len, _MORE))
    first, last = place, place + 1
    while True:
        if last < len(titles) and _length(titles[first : last + 1], gap) <= room:
            last += 1
        elif first and _length(titles[first - 1 : last], gap) <= room:
            first -= 1
        else:
            return first, last
