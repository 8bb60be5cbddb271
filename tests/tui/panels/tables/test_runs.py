"""The table of runs as it is drawn: columns, cursor, marks, keys, mouse; and with 10,000 rows."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from engine.common.text import cell_width
from tests.support.tables import cell_text, columns_in_view
from tui.panels.tables.runs import RunTable
from tui.panels.tables.virtual_table import DOWN, UP, VirtualTable
from tui.settings.themes import DARK

Row = dict[str, Any]


def row(number: int, **values: Any) -> Row:
    """A completed run; the higher its number, the more accurate and the slower."""
    return {
        "run_id": f"run-{number}",
        "model": f"Model{number}",
        "dataset": "cifar10",
        "status": "completed",
        "test_accuracy": 0.5 + number / 100_000,
        "accuracy_low": 0.4,
        "accuracy_high": 0.6,
        "val_accuracy": 0.5,
        "train_seconds": 60.0 + number,
        "wall_seconds": 80.0 + number,
        "parameters": 3_400_000,
        "flops": 240_000_000,
        "images_per_second": 612.0,
        "peak_memory_bytes": None,
        "to_80": None,
        "to_85": None,
        "timeline": "head 5 ep → last 30 layers 3 ep",
        "recipe": "notebook",
        "weights": "imagenet",
        "validation": "0.1",
        "test_time_flip": False,
        "differs": "",
        "pinned": False,
        "tags": [],
        "note": "",
        "ranked": True,
    } | values


class TableApp(App[None]):
    """Nothing but the table."""

    CSS = "VirtualTable > .table--cursor { background: $primary; }"

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.heard: list[Any] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": "#808a94"}

    def compose(self) -> ComposeResult:
        yield RunTable()

    def on_virtual_table_highlighted(self, message: VirtualTable.Highlighted) -> None:
        self.heard.append(message)

    def on_virtual_table_opened(self, message: VirtualTable.Opened) -> None:
        self.heard.append(message)

    def on_virtual_table_sorted(self, message: VirtualTable.Sorted) -> None:
        self.heard.append(message)


@asynccontextmanager
async def shown(
    rows: list[Row], marks: dict[str, str] | None = None, size: tuple[int, int] = (120, 12)
) -> AsyncIterator[tuple[Pilot[None], RunTable]]:
    async with TableApp().run_test(size=size) as pilot:
        table = pilot.app.query_one(RunTable)
        table.show(rows, marks or {})
        table.focus()
        await pilot.pause()
        yield pilot, table


def lines(table: RunTable) -> list[str]:
    return [table.render_line(y).text for y in range(table.size.height)]


async def test_ten_thousand_rows_are_shown_sorted_and_gone_through_at_once() -> None:
    rows = [row(number) for number in range(10_000)]
    async with shown(rows) as (pilot, table):
        assert table.row_count == 10_000
        begun = time.process_time()
        table.sort_by("wall_seconds")
        assert time.process_time() - begun < 0.1
        assert table.keys[:2] == ["run-0", "run-1"]
        begun = time.process_time()
        lines(table)
        assert time.process_time() - begun < 0.1
        await pilot.press("end")
        assert table.current_key == "run-9999"
        assert "Model9999" in lines(table)[-1]
        await pilot.press("pageup")
        assert table.current_key == "run-9988"
        await pilot.press("home", "j", "down", "k")
        assert table.current_key == "run-1"
        assert "Model0" in lines(table)[1]


async def test_the_cursor_stays_on_its_run() -> None:
    rows = [row(number) for number in range(100)]
    async with shown(rows) as (pilot, table):
        await pilot.press("down")
        assert table.current_key == "run-98"
        table.sort_by("model")
        assert table.current_key == "run-98"
        assert any("Model98" in line for line in lines(table))
        table.show([row(1_000), *rows], {})
        assert table.current_key == "run-98"
        table.show_only({"run-98", "run-3"})
        assert table.keys == ["run-3", "run-98"]
        assert table.current_key == "run-98"
        table.show_only({"run-3"})
        assert table.current_key == "run-3"
        table.show_only(set())
        assert table.current_key is None
        await pilot.press("down", "end", "pagedown")
        assert lines(table)[1].strip() == "nothing fits the filter"
        table.show_only(None)
        assert table.row_count == 101
        assert table.current_key == table.keys[0]
        await pilot.press("down", "down")
        table.show_only({key for key in table.keys if key != table.current_key})
        assert table.current_key == table.keys[2]


async def test_the_best_first_and_by_header_the_other_way_round() -> None:
    async with shown([row(1), row(2)]) as (pilot, table):
        assert table.title_of("test_accuracy") == f"test acc{DOWN}"
        assert table.keys == ["run-2", "run-1"]
        header = lines(table)[0]
        await pilot.click(RunTable, offset=(header.index("test acc"), 0))
        assert table.title_of("test_accuracy") == f"test acc{UP}"
        assert table.keys == ["run-1", "run-2"]
        await pilot.click(RunTable, offset=(header.index("wall"), 0))
        assert table.sorted_by == f"wall {UP}"
        await pilot.click(RunTable, offset=(header.index("model"), 0))
        assert table.sorted_by == f"model {UP}"
        await pilot.click(RunTable, offset=(119, 0))
        assert table.sorted_by == f"model {UP}"
        app: Any = pilot.app
        assert sum(isinstance(message, VirtualTable.Sorted) for message in app.heard) == 3


async def test_a_click_goes_to_a_run_and_a_second_one_opens_it(until: Any) -> None:
    async with shown([row(number) for number in range(50)]) as (pilot, table):
        app: Any = pilot.app
        await pilot.click(RunTable, offset=(5, 3))
        assert table.current_key == "run-47"
        assert isinstance(app.heard[-1], VirtualTable.Highlighted)
        await pilot.click(RunTable, offset=(5, 3))
        assert isinstance(app.heard[-1], VirtualTable.Opened)
        assert table.current_key == "run-47"
        before = lines(table)[1]
        table.post_message(events.MouseScrollDown(table, 5, 5, 0, 1, 0, False, False, False, 5, 5))
        await until(pilot, lambda: lines(table)[1] != before)
        assert lines(table)[0].split()[0] == "model"


async def test_the_first_column_stays_and_the_rest_moves() -> None:
    async with shown([row(1, model="SomeModel")], size=(60, 5)) as (pilot, table):
        first = columns_in_view(table)
        assert first[:2] == ["model", "test_accuracy"]
        assert lines(table)[0].endswith("›")
        seen = set(first)
        await pilot.press("l")
        assert columns_in_view(table)[1] == first[2]
        for _ in range(20):
            table.action_columns(1)
            assert "SomeModel" in lines(table)[1]
            seen |= set(columns_in_view(table))
        assert seen == {column.key for column in table.columns_of([row(1)])}
        assert "‹" in lines(table)[0]
        for _ in range(20):
            table.action_columns(-1)
        assert columns_in_view(table) == first


async def test_every_width_is_filled_and_none_is_passed(until: Any) -> None:
    rows = [row(1, model="AModelWithAVeryLongName" * 3), row(2, dataset="digits")]
    async with shown(rows, {"run-1": "★⚡"}) as (pilot, table):
        for width in (1, 5, 20, 40, 79, 80, 200):
            await pilot.resize_terminal(width, 6)
            await until(pilot, lambda size=(width, 6): table.size == size)
            assert {cell_width(line) for line in lines(table)} == {width}
        assert len(columns_in_view(table)) == len(table.columns_of(rows))


async def test_marks_of_every_kind() -> None:
    rows = [
        row(1),
        row(2, pinned=True),
        row(3, differs="64 px"),
        row(4, status="failed", validation="test"),
    ]
    async with shown(rows, {"run-4": "★", "run-1": "⚡"}) as (_, table):
        assert table.keys == ["run-2", "run-4", "run-3", "run-1"]
        table.toggle_mark()
        marks = {run_id: cell_text(table, run_id, "mark") for run_id in table.keys}
        assert marks["run-1"] == "⚡"
        assert marks["run-2"].split() == ["✓", "◆"]
        assert marks["run-3"] == "≠"
        assert marks["run-4"] == "★"
        assert table.marked == ("run-2",)
        starts = {line.index("Model") for line in lines(table) if "Model" in line}
        assert len(starts) <= 2  # ⚡ takes two cells in one character
        table.show(rows[2:], {})
        assert not table.marked
        table.toggle_mark()
        table.toggle_mark()
        assert not table.marked


async def test_a_validation_accuracy_that_is_not_final_is_marked_and_never_above_a_final_one() -> (
    None
):
    going_on = {"status": "running", "ranked": False, "test_accuracy": None}
    rows = [
        row(1, val_accuracy=0.4),
        row(2, val_accuracy=0.6),
        row(3, **going_on, val_accuracy=0.9),
        row(4, **going_on, val_accuracy=None),
        row(5, status="failed", ranked=False, val_accuracy=None),
    ]
    async with shown(rows) as (_, table):
        texts = {run_id: cell_text(table, run_id, "val_accuracy") for run_id in table.keys}
        assert [texts[run_id] for run_id in ("run-2", "run-3", "run-4")] == [
            "0.6000",
            "~0.9000",
            "–",
        ]
        table.sort_by("val_accuracy")
        assert table.keys[:3] == ["run-2", "run-1", "run-3"]
        table.action_turn_order()
        assert table.keys[:3] == ["run-1", "run-2", "run-3"]


async def test_sorting_by_the_next_column_goes_through_those_in_view() -> None:
    async with shown([row(1), row(2)], size=(60, 5)) as (_, table):
        count = len(columns_in_view(table))
        seen = []
        for _ in range(count):
            seen.append(table.sort_key)
            table.action_sort()
        assert seen[:2] == ["test_accuracy", "wall_seconds"]
        assert len(set(seen)) == count
        assert table.sort_key == "test_accuracy"
