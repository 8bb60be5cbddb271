"""Reading a layer tree as it is on the screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual.geometry import Region
from textual.widgets import Static

from engine.protocol.facts import LayerNode
from tests.support.fake_session import FakeSession
from tests.support.screens import AnyPilot, until
from tui.panels.layers.keys import LayerTree
from tui.panels.layers.panel import LayersPanel


class TreeReader:
    """A reader of a layer tree on the screen, which also moves its cursor and feeds its panel."""

    async def begun(
        self, pilot: AnyPilot, session: FakeSession, layers: LayerNode
    ) -> tuple[LayerTree, LayersPanel]:
        """Begin a run; return its tree and panel once they show all of `FakeSession.begin`."""
        session.begin(layers)
        panel = pilot.app.screen.query_one(LayersPanel)
        await until(pilot, lambda: panel.snapshot is not None and panel.snapshot.step == 4)
        if not panel.display:  # a narrow screen opens on the charts
            await pilot.press("1")
            await until(pilot, lambda: panel.region.area)
        await pilot.pause()
        return panel.query_one(LayerTree), panel

    async def show(self, pilot: AnyPilot, panel: LayersPanel, **changes: Any) -> None:
        """Draw the panel's last snapshot with other values."""
        assert panel.snapshot is not None
        panel.snapshot = replace(panel.snapshot, **changes)
        await pilot.pause()

    def open_all(self, tree: LayerTree) -> None:
        for node in tree.root.children:
            node.expand_all()

    def lines(self, tree: LayerTree) -> list[str]:
        strips = tree.render_lines(Region(0, 0, tree.size.width, tree.size.height))
        return [strip.text.rstrip() for strip in strips]

    def line_of(self, tree: LayerTree, title: str) -> str:
        return next((line for line in self.lines(tree) if title in line), "")

    def go_to(self, tree: LayerTree, name: str) -> None:
        for number in range(tree.last_line + 1):
            node = tree.get_node_at_line(number)
            if node is not None and node.data is not None and node.data.node.name == name:
                tree.move_cursor(node)
                return
        raise AssertionError(f"{name} is not visible")

    def text(self, panel: LayersPanel, place: str) -> str:
        """Return the text of a line of the panel, `waiting` or `detail`; empty if it is hidden."""
        line = panel.query_one(f"#layer-{place}", Static)
        return str(line.render()) if line.display else ""
