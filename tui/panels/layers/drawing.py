"""How the layer tree is drawn: its rows from the current state, and the line at the frontier."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from engine.protocol.facts import LayerNode
from engine.state.layer_choice import lockable
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.columns import column_cells, column_heads, columns
from tui.panels.layers.row_state import RowState, drawn_from, row_state
from tui.panels.layers.rows import LayerRow, layer_rows, opened_at_first, path_to

_GREY = ("frozen", "count")
_USUAL_HEIGHT = 24
_LEAST_TITLE = 4


class ColumnHeads(Widget):
    """A line above a tree of the same width that names its columns."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ColumnHeads {
        height: 1;
        /* Over the tree's scrollbar. */
        padding-right: 1;
        color: $muted;
    }
    """

    def render(self) -> Content:
        return Content(column_heads(self.size.width))


class DrawnTree(Tree[LayerRow]):
    """The rows in Textual's tree; draws only visible ones, and again only after a change."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "layers--trains",
        "layers--frozen",
        "layers--waiting",
        "layers--moved",
        "layers--count",
        "layers--broken",
        "layers--frontier",
    }
    DEFAULT_CSS = """
    DrawnTree {
        /* Its columns stay below their heads whether it scrolls or not. */
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .tree--guides, & > .tree--guides-hover, & > .tree--guides-selected { color: $line; }
        &:focus > .tree--guides, &:focus > .tree--guides-hover,
        &:focus > .tree--guides-selected { color: $line; }
        & > .layers--trains { color: $primary; }
        & > .layers--frozen, & > .layers--count { color: $muted; }
        & > .layers--waiting { color: $warning; }
        & > .layers--moved { color: $load; }
        & > .layers--broken { color: $error; }
    }
    """
    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "
    _rule: TreeNode[LayerRow] | None = None
    """The line at the frontier."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self.model: LayerNode | None = None
        """The layer tree that is shown."""
        self._rows: tuple[LayerRow, ...] = ()
        self._lockable: frozenset[str] = frozenset()
        self._run: RunSnapshot | None = None
        self._row_states: dict[int, RowState] = {}
        self._frontier = ""
        self._frontier_words: tuple[str, ...] = ()
        self._around_rule: frozenset[int] = frozenset()

    def show_run(self, run: RunSnapshot, lines: int = 0) -> None:
        """Show the layers of a run; cursor and open groups stay while they are the same.

        The rows are drawn again only if their content has changed.

        Args:
            run: whose model is built.
            lines: how many the tree has room for; 0 if that is not known yet.
        """
        before, self._run = self._run, run
        if run.layers is not None and run.layers is not self.model:
            self._fill(run.layers, lines)
        if before is None or drawn_from(before) != drawn_from(run):
            self._row_states.clear()
            self._draw_again()

    def _fill(self, root: LayerNode, lines: int) -> None:
        """Show another model's layers: the backbone open, and what trains."""
        self.clear()
        self.root.expand()
        self._frontier, self._rule, self._around_rule = "", None, frozenset()
        self.model, self._rows, self._lockable = root, layer_rows(root), lockable(root)
        self._row_states.clear()
        # One line stays free for the frontier.
        opened = opened_at_first(self._rows, (lines or _USUAL_HEIGHT) - 1)
        for row in self._rows:
            self._add(self.root, row, opened)
        self.cursor_line = 0

    def _add(self, parent: TreeNode[LayerRow], row: LayerRow, opened: set[str]) -> None:
        is_open = row.node.name in opened
        node = parent.add("", row, allow_expand=bool(row.children), expand=is_open)
        for child in row.children:
            self._add(node, child, opened)

    def show_frontier(self, frontier: str, words: tuple[str, ...]) -> None:
        """Draw the line above which everything is computed once.

        It is a node without a row, which the cursor skips; where the frontier is inside a closed
        group, that group's row shows the text.

        Args:
            frontier: the first leaf below the line; empty or unknown draws no line.
            words: the text of the line, the longest form first.
        """
        if (frontier, words) == (self._frontier, self._frontier_words):
            return
        if frontier != self._frontier:
            self._move_rule(frontier)
        self._frontier, self._frontier_words = frontier, words
        self._draw_again()

    def _move_rule(self, frontier: str) -> None:
        if self._rule is not None:
            self._rule.remove()
        self._rule, self._around_rule = None, frozenset()
        path: list[TreeNode[LayerRow]] = [self.root]
        for row in path_to(self._rows, frontier):
            path.append(next(child for child in path[-1].children if child.data is row))
        if len(path) > 1:
            *around, below = path
            self._rule = around[-1].add("", before=below, allow_expand=False)
            self._around_rule = frozenset(node.id for node in around)

    def _draw_again(self) -> None:
        for node in self.root.children:
            node.refresh()
        self.refresh()

    def validate_cursor_line(self, value: int) -> int:
        line = super().validate_cursor_line(value)
        node = self.get_node_at_line(line)
        if node is None or node is not self._rule:
            return line
        # The line at the frontier is not a layer: the cursor moves on in its direction.
        return line - 1 if 0 < line < self.cursor_line else line + 1

    @property
    def row(self) -> LayerRow | None:
        """The row under the cursor."""
        return self.cursor_node.data if self.cursor_node is not None else None

    def state_of(self, row: LayerRow) -> RowState:
        """What the row's layers do now and what they are to do."""
        state = self._row_states.get(id(row))
        if state is None:
            assert self._run is not None  # whose row it is
            state = self._row_states[id(row)] = row_state(row, self._run, self._lockable)
        return state

    # How a row is drawn.

    def get_label_width(self, node: TreeNode[LayerRow]) -> int:
        return 1

    def render_label(self, node: TreeNode[LayerRow], base_style: Style, style: Style) -> Text:
        row = node.data
        whole = self.scrollable_content_region.width
        width = whole - self.guide_depth * _depth(node)
        if row is None:
            return self._rule_label(width, style)
        state, shown = self.state_of(row), columns(whole)
        room = width - shown.width
        label = self._title(node, row, state, style, room)
        label.truncate(max(room, _LEAST_TITLE), overflow="ellipsis", pad=True)
        for text, name in column_cells(row, state, shown):
            label.append(text, style + self._style_in(node, name))
        return label

    def _title(
        self, node: TreeNode[LayerRow], row: LayerRow, state: RowState, style: Style, room: int
    ) -> Text:
        icon = ""
        if row.children:
            icon = self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
        title_style = style + (Style() if row.leaves else self._style_in(node, "frozen"))
        if state.broken:
            title_style = style + self._style("broken")
        title = Text(icon + row.title, title_style)
        if node.id in self._around_rule and not node.is_expanded:
            words = self._words_within(room - title.cell_len - 4)
            title.append(f" ── {words}", style + self._style("frontier"))
        return title

    def _rule_label(self, width: int, style: Style) -> Text:
        words = self._words_within(width - 6)
        return Text(f"── {words} ".ljust(width, "─")[:width], style + self._style("frontier"))

    def _words_within(self, width: int) -> str:
        return next((words for words in self._frontier_words if len(words) <= width), "")

    def _style_in(self, node: TreeNode[LayerRow], name: str) -> Style:
        # Grey text on the cursor's bar is not readable in 16 colours.
        return Style() if name in _GREY and node is self.cursor_node else self._style(name)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"layers--{name}", partial=True)


def _depth(node: TreeNode[LayerRow]) -> int:
    return -1 if node.parent is None else _depth(node.parent) + 1
