"""The texts around the layer tree: title, what waits and what it costs, the row: pure.

Numbers come from the snapshot; of each text the longest form that fits is used.
"""

from __future__ import annotations

from textual.content import Content

from engine.common.text import byte_size, count, duration, whole
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import BATCHNORM, leaf_nodes
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.columns import movement_number, output_shape, short_kind
from tui.panels.layers.legend import legend
from tui.panels.layers.row_state import RowState, knows_what_trains
from tui.panels.layers.rows import LayerRow, group_of
from tui.panels.line_fitting import change, longest, packed

ADAM_BYTES_PER_PARAMETER = 8
"""Adam keeps two moments of each parameter it trains, each a float32."""
_USUAL_LINES = 2
_REASON = "it keeps its pretrained statistics"
LOCK_REASON = f"{_REASON}; b releases it"
LOCKED_REPLY = f"{BATCHNORM} is locked: {LOCK_REASON}"
"""The answer to a toggle of a locked layer."""
_LOCKED = f"locked: {LOCK_REASON}"
_JOIN = " · "


def is_waiting(run: RunSnapshot) -> bool:
    """Tell whether a change of what trains was requested and is not done yet."""
    return bool(run.pending) or run.pending_lock is not None


def panel_title(run: RunSnapshot) -> Content:
    """`Layers  1.98 M of 3.40 M train`, or `Layers  1.98 → 2.01 M of 3.40 M train`.

    Before the first step is compiled, `Layers  trains next: head`.
    """
    title = Content.styled("Layers", "bold")
    if run.layers is None or not run.stage:
        return title
    if not knows_what_trains(run):
        return title + Content.styled(f"  trains next: {run.stage_trains}", "$muted")
    total = count(run.trainable_parameters + run.frozen_parameters)
    now, after = count(run.trainable_parameters), run.trainable_parameters_after_pending
    trains = now if after is None else change(now, count(after))
    before, arrow, then = trains.partition(" → ")
    return title + Content.assemble(
        (f"  {before}", "$primary bold"),
        (f"{arrow}{then}", "$warning bold"),
        (f" of {total} train", "$muted"),
    )


def panel_subtitle(run: RunSnapshot, width: int) -> Content:
    """When the waiting changes apply; without any the legend, and the model where there is room."""
    if is_waiting(run):
        forms = ("at the epoch's end  [a] now  [⌫] undo", "[a] now  [⌫] undo")
        if run.pending_now:
            forms = ("after this batch  [⌫] undo", "after this batch")
        return Content.styled(longest(forms, width), "$warning")
    if run.layers is None:
        return Content("")
    marks = told = legend(width)
    if run.model is not None:
        told = f"{marks}{_JOIN}depth {run.model.depth} · {count(run.model.flops)} FLOPs"
    return Content.styled(longest((told, marks), width), "$muted")


def waiting_lines(run: RunSnapshot, width: int) -> list[str]:
    """What waits and its effects: layers, Adam's memory, frontier, seconds an epoch.

    Empty while nothing waits. Shorter forms where the longer ones take more than two lines.
    """
    if not is_waiting(run):
        return []
    phrases = [_who(run), _adam(run), _frontier(run), _epoch(run)]
    told = [forms for forms in phrases if forms is not None]
    lines = packed([forms[0] for forms in told], width)
    if len(lines) <= _USUAL_LINES and all(len(line) <= width for line in lines):
        return lines
    return packed([longest(forms[1:], width) for forms in told], width)


def _who(run: RunSnapshot) -> tuple[str, ...]:
    layers = len(run.pending)
    wait = f"{layers} layer{' waits' if layers == 1 else 's wait'}" if layers else ""
    if run.pending_lock is None:
        return (wait, wait)
    lock = "will be locked" if run.pending_lock else "will be released"
    before = f"{wait}, " if wait else ""
    return (f"{before}BatchNormalization {lock}", f"{before}BN {lock}")


def _adam(run: RunSnapshot) -> tuple[str, ...] | None:
    after = run.trainable_parameters_after_pending
    if after is None or not knows_what_trains(run):
        return None
    memory = change(
        byte_size(run.trainable_parameters * ADAM_BYTES_PER_PARAMETER),
        byte_size(after * ADAM_BYTES_PER_PARAMETER),
    )
    return (f"Adam's memory {memory}", f"Adam {memory}")


def _frontier(run: RunSnapshot) -> tuple[str, ...] | None:
    """Where the frozen prefix will end; None if it ends in the same group as now."""
    tree = run.layers
    if tree is None or not run.frontier_after_pending or not run.spec.feature_cache:
        return None
    after = group_of(tree, run.frontier_after_pending)
    first = next((leaf.name for leaf in leaf_nodes(tree) if leaf.name in run.trainable), "")
    before = group_of(tree, first)
    if before == after or not after:
        return None
    return (f"frontier {before} → {after}".replace("  ", " "), f"frontier → {after}")


def _epoch(run: RunSnapshot) -> tuple[str, ...] | None:
    before, after = run.epoch_seconds_now, run.epoch_seconds_after_pending
    if before is None or after is None:
        return None
    cost = f"epoch {_seconds(before)} → {_seconds(after)}"
    extraction = run.extraction_seconds_after_pending
    if not extraction or extraction < 0.5:
        return (f"an {cost}", cost)
    how = f"extracting {_seconds(extraction)}"
    return (f"an {cost}, after {how}", f"an {cost}, after {how}", f"{cost}, {how}")


def frontier_words(run: RunSnapshot) -> tuple[str, ...]:
    """The text of the line at the frontier in all forms, the longest first.

    `above: computed once, 415 MB kept in memory`, `kept: 415 MB in memory`, `kept: 415 MB`, `kept`;
    empty if nothing is kept.
    """
    if not run.frontier:
        return ()
    if run.features is None:
        return ("kept: being computed", "kept")
    size = byte_size(run.features.bytes)
    place = "in memory" if run.features.held == "memory" else "on disk"
    return (
        f"above: computed once, {size} kept {place}",
        f"kept: {size} {place}",
        f"kept: {size}",
        "kept",
    )


def _seconds(seconds: float) -> str:
    """`0.4 s`, `38 s`, `1:05`."""
    if seconds < 0.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)


# The line at the bottom of the panel: details of the row under the cursor.


def row_detail(row: LayerRow, state: RowState, width: int) -> Content:
    """Details of a row, in the longest form that fits into `width` cells.

    `block6d_expand_conv · Conv2D · 4×4×1152 · 221,184 parameters · moved 2.1e-03`.
    """
    if state.broken:
        return Content.styled(longest(_broken(row, state), width), "$error")
    forms = _group(row, state) if row.children else _layer(row, state)
    return Content.styled(longest(forms, width), "$muted")


def _layer(row: LayerRow, state: RowState) -> list[str]:
    node = row.node
    if state.asked == "locked":
        return _locked(row, state)
    weights, shape, moved = _weights(node), output_shape(node), _moved(state)
    if state.now == "locked":
        moved = "will be released"
    return _forms(
        (node.name, node.kind, shape, weights, moved),
        (row.title, node.kind, shape, weights, moved),
        (row.title, short_kind(node), shape, moved or weights),
        (row.title, short_kind(node), moved or weights),
        (row.title, moved or weights),
        (row.title,),
    )


def _weights(node: LayerNode) -> str:
    return f"{whole(node.parameters)} parameters" if node.parameters else "no weights"


def _moved(state: RowState, words: str = "moved") -> str:
    number = movement_number(state.moved)
    return f"{words} {number}" if number else ""


def _locked(row: LayerRow, state: RowState) -> list[str]:
    node = row.node
    if state.now != "locked":
        return _forms((node.name, f"will be locked: {_REASON}"), ("will be locked",))
    return _forms(
        (node.name, node.kind, output_shape(node), _weights(node), _LOCKED),
        (node.name, output_shape(node), _weights(node), _LOCKED),
        (node.name, _LOCKED),
        (_LOCKED,),
        ("locked with its statistics; b releases it",),
    )


def _group(row: LayerRow, state: RowState) -> list[str]:
    node, weighted = row.node, len(row.leaves)
    layers = f"{row.layers} layer{'' if row.layers == 1 else 's'}"
    if not weighted:
        return _forms((node.name, layers, output_shape(node), "no weights"), (row.title, layers))
    weights, shape = _weights(node), output_shape(node)
    if state.now == "open":
        return _forms(
            (node.name, layers, shape, weights), (row.title, layers, weights), (row.title, layers)
        )
    some = f"{state.train} of {weighted}"
    locked = f", {state.locked} locked" if state.locked else ""
    trains = f"{layers}, {some} with weights train"
    up_to, moved = _moved(state, "moved up to"), _moved(state)
    return _forms(
        (node.name, f"{trains}{locked}", shape, weights, up_to),
        (node.name, f"{trains}{locked}", weights, up_to),
        (node.name, trains, weights, up_to),
        (row.title, f"{some} train{locked}", weights, moved),
        (row.title, f"{some} train", weights, moved),
        (row.title, f"{some} train", moved),
        (row.title, f"{some} train"),
        (row.title,),
    )


def _broken(row: LayerRow, state: RowState) -> list[str]:
    node = row.node
    if row.children:
        layers = f"{state.broken} layer{'' if state.broken == 1 else 's'}"
        return _forms(
            (node.name, f"{layers} moved while frozen"), (f"{layers} moved while frozen",)
        )
    who, number = "moved while frozen", movement_number(state.moved)
    return _forms(
        (node.name, who, number, node.kind, output_shape(node), _weights(node)),
        (node.name, who, number),
        (row.title, who, number),
        (who,),
    )


def _forms(*forms: tuple[str, ...]) -> list[str]:
    return [_JOIN.join(part for part in form if part) for form in forms]
