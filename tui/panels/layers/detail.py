"""The line at the panel's foot that tells all of the row under the cursor: pure."""

from __future__ import annotations

from textual.content import Content

from engine.common.formatting import whole
from engine.state.layer_choice import BATCHNORM
from tui.panels.layers.columns import output_shape, short_kind
from tui.panels.layers.movement import movement_number
from tui.panels.layers.rows import LayerRow
from tui.panels.layers.state import RowState
from tui.panels.line_fitting import longest

_REASON = "frozen statistics keep what ImageNet taught"
LOCK_REASON = f"{_REASON}; b releases it"
_JOIN = " · "


def row_detail(row: LayerRow, state: RowState, width: int) -> Content:
    """What a row is, in the longest form that `width` cells hold.

    `block6d_expand_conv · Conv2D · 4×4×1152 · 221,184 · moved 2.1e-03`.
    """
    if state.broken:
        return Content.styled(longest(_broken(row, state), width), "$error")
    forms = _group(row, state) if row.children else _layer(row, state)
    return Content.styled(longest(forms, width), "$muted")


def _layer(row: LayerRow, state: RowState) -> list[str]:
    node = row.node
    if state.asked == "locked":
        return _locked(row, state)
    weights = whole(node.parameters) if node.parameters else "no weights"
    shape, number = output_shape(node), movement_number(state.moved)
    moved = f"moved {number}" if number else ""
    if state.now == "locked":
        moved = number = "lock to be released"
    return _forms(
        (node.name, node.kind, shape, weights, moved),
        (row.title, node.kind, shape, weights, number),
        (row.title, short_kind(node), shape, number or weights),
        (row.title, short_kind(node), number or weights),
        (row.title, number or weights),
    )


def _locked(row: LayerRow, state: RowState) -> list[str]:
    node = row.node
    if state.now != "locked":
        return _forms((node.name, f"to be locked: {_REASON}"), ("to be locked",))
    return _forms(
        (node.name, node.kind, output_shape(node), whole(node.parameters), _locked_because()),
        (node.name, output_shape(node), whole(node.parameters), _locked_because()),
        (node.name, _locked_because()),
        (_locked_because(),),
        ("locked: ImageNet's statistics; b releases",),
    )


def _locked_because() -> str:
    return f"locked: {LOCK_REASON}"


def _group(row: LayerRow, state: RowState) -> list[str]:
    node, weighted = row.node, len(row.leaves)
    layers = f"{row.layers} layer{'' if row.layers == 1 else 's'}"
    if not weighted:
        return _forms((node.name, layers, output_shape(node), "no weights"), (row.title, layers))
    some = f"{state.train} of {weighted}"
    locked = f", {state.locked} locked" if state.locked else ""
    trains = f"{layers}, {some} with weights train"
    weights, number = whole(node.parameters), movement_number(state.moved)
    moved = f"moved up to {number}" if number else ""
    return _forms(
        (node.name, f"{trains}{locked}", output_shape(node), f"{weights} parameters", moved),
        (node.name, f"{trains}{locked}", f"{weights} parameters", moved),
        (node.name, f"{trains}", f"{weights} parameters", moved),
        (row.title, f"{some} train{locked}", weights, number),
        (row.title, f"{some} train", weights, number),
        (row.title, f"{some} train", number),
        (row.title, number),
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
        (node.name, who, number, node.kind, output_shape(node), whole(node.parameters)),
        (node.name, who, number),
        (row.title, who, number),
        (who,),
    )


def _forms(*forms: tuple[str, ...]) -> list[str]:
    return [_JOIN.join(part for part in form if part) for form in forms]


def locked_reply() -> str:
    """What a toggle of a locked layer is answered with."""
    return f"{BATCHNORM} is locked: {LOCK_REASON}"
