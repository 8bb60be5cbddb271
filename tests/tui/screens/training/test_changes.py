"""From answers and a run's state to commands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.protocol.commands import SkipModel, SkipStage
from engine.protocol.facts import LayerNode
from engine.state.snapshot import RunSnapshot
from tui.screens.training.changes import (
    body_size,
    changes_to,
    lock_words,
    preset_layers,
    preset_question,
    skip_command,
    skip_question,
    stepped_rate,
)
from tui.session.view import SessionView

BLOCK = ("block1_conv", "block1_bn")
HEAD = ("predictions",)
ALL = ("stem_conv", *BLOCK, *HEAD)


@pytest.fixture
def working(run: RunSnapshot, layers: LayerNode) -> RunSnapshot:
    """A run whose head alone trains."""
    return replace(
        run,
        status="running",
        stage=1,
        layers=layers,
        selected=frozenset(HEAD),
        trainable=frozenset(HEAD),
    )


def asked(run: RunSnapshot, wanted: tuple[str, ...]) -> list[tuple[bool, tuple[str, ...]]]:
    return [(command.value, command.layers) for command in changes_to(run, wanted)]


@pytest.mark.parametrize(
    ("selected", "pending", "wanted", "expected"),
    [
        (HEAD, {}, HEAD, []),
        (HEAD, {}, BLOCK + HEAD, [(True, BLOCK)]),
        (ALL, {}, HEAD, [(False, ("stem_conv", *BLOCK))]),
        (("stem_conv",), {}, HEAD, [(True, HEAD), (False, ("stem_conv",))]),
        (HEAD, dict.fromkeys(BLOCK, True), BLOCK + HEAD, []),
        (HEAD, dict.fromkeys(BLOCK, True), HEAD, [(False, BLOCK)]),
        (ALL, dict.fromkeys(BLOCK, False), ALL, [(True, BLOCK)]),
        (HEAD, {"block1_bn": True}, BLOCK + HEAD, [(True, ("block1_conv",))]),
    ],
)
def test_only_layers_whose_wish_changes_are_named(
    working: RunSnapshot,
    selected: tuple[str, ...],
    pending: dict[str, bool],
    wanted: tuple[str, ...],
    expected: object,
) -> None:
    run = replace(working, selected=frozenset(selected), pending=pending)
    assert asked(run, wanted) == expected


def test_the_commands_lead_to_what_is_wanted(working: RunSnapshot) -> None:
    run = replace(working, selected=frozenset({"stem_conv"}), pending={"block1_bn": True})
    pending = dict(run.pending)
    for command in changes_to(run, HEAD):
        pending |= dict.fromkeys(command.layers, command.value)
    assert changes_to(replace(run, pending=pending), HEAD) == ()


def test_what_trains_stands_in_before_the_first_confirmation(working: RunSnapshot) -> None:
    run = replace(working, selected=frozenset(), trainable=frozenset(ALL))
    assert asked(run, HEAD) == [(False, ("stem_conv", *BLOCK))]


def test_without_a_model_nothing_is_asked(run: RunSnapshot) -> None:
    assert changes_to(run, HEAD) == ()


def test_presets(layers: LayerNode) -> None:
    assert preset_layers(layers, "head") == HEAD
    assert preset_layers(layers, "block") == BLOCK + HEAD
    assert preset_layers(layers, "last") == ALL
    assert preset_layers(layers, "all") == ALL


def test_presets_tell_what_they_come_to_with_the_lock(
    working: RunSnapshot, layers: LayerNode
) -> None:
    tree = with_trainable_parameters(layers)
    notes = {a.id: a.note for a in preset_question(working, tree).answers}
    assert notes["head"] == "1 layer with weights, 1.28 K parameters train"
    assert notes["block"] == "3 layers with weights, 1.48 K parameters train"
    assert notes["ask"].endswith("1 to 4")
    for locked in (
        replace(working, batchnorm_locked=True),
        replace(working, pending_lock=True),
    ):
        notes = {a.id: a.note for a in preset_question(locked, tree).answers}
        assert notes["block"] == "3 layers with weights, 1.38 K parameters train"


def with_trainable_parameters(node: LayerNode) -> LayerNode:
    children = tuple(with_trainable_parameters(child) for child in node.children)
    return replace(node, children=children, trainable_parameters=node.parameters)


def test_the_last_layers_count_the_backbone_with_and_without_weights(layers: LayerNode) -> None:
    assert body_size(layers) == 4
    backbone, head = layers.children
    assert body_size(replace(layers, children=(*backbone.children, head))) == 4


def test_four_steps_of_the_rate_are_a_decade() -> None:
    assert stepped_rate(1e-3, 4) == pytest.approx(1e-2)
    assert stepped_rate(stepped_rate(3e-4, 1), -1) == pytest.approx(3e-4)
    assert stepped_rate(1e-3, -1) == pytest.approx(5.623e-4, rel=1e-3)


def test_the_lock_says_why(working: RunSnapshot) -> None:
    assert "small batches" in lock_words(working, value=True)
    assert lock_words(working, value=False) == "BatchNormalization stays released."
    locked = replace(working, batchnorm_locked=True)
    assert "as Keras does by default" in lock_words(locked, value=False)
    assert lock_words(locked, value=True) == "BatchNormalization stays locked."


def test_only_what_is_there_can_be_skipped_to(working: RunSnapshot) -> None:
    last = replace(working, stage=2)

    def answers(view: SessionView) -> list[str]:
        question = skip_question(view)
        return [answer.id for answer in question.answers] if question else []

    assert answers(SessionView((working, working))) == ["stage", "epoch", "now", "cancel"]
    assert answers(SessionView((last, working))) == ["epoch", "now", "cancel"]
    assert answers(SessionView((last, working), 1)) == ["stage", "cancel"]
    assert answers(SessionView((last, last), 1)) == []


def test_the_skip_question_names_what_comes(working: RunSnapshot) -> None:
    later = replace(working, spec=replace(working.spec, model="VGG16"))
    question = skip_question(SessionView((working, later)))
    assert question is not None
    labels = [answer.label for answer in question.answers]
    assert labels[:2] == [
        "Next stage (fine-tune) after this epoch",
        "Next model (VGG16) after this epoch",
    ]


def test_skip_commands_are_new_each_time() -> None:
    first, second = skip_command("stage")[0], skip_command("stage")[0]
    assert isinstance(first, SkipStage)
    assert first.id != second.id
    for when in ("epoch", "now"):
        command, words = skip_command(when)
        assert isinstance(command, SkipModel)
        assert command.when == when
        assert "next model" in words
