"""The commands to the trainer that follow from an answer and a run's state. Pure functions."""

from __future__ import annotations

from collections.abc import Collection

from engine.common.text import count
from engine.config.schedule import fixed_rate
from engine.protocol.commands import Command, SetTrainable, SkipModel, SkipStage
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import (
    head_layers,
    last_blocks,
    last_layers,
    leaf_nodes,
    lockable,
    training_parameters,
    weighted,
)
from engine.state.pending import trains_then
from engine.state.snapshot import RunSnapshot
from tui.screens.choice import CUT_SHORT, MARKED_STOPPED, Answer, Question
from tui.session.view import SessionView
from tui.settings.option_names import in_flags

LAST_LAYERS = 30
"""The layers that the exercise's fine-tuning stage trains besides the head."""
RATE_STEPS_A_DECADE = 4
_CANCEL = Answer("cancel", "c", "Cancel", "change nothing")


def changes_to(run: RunSnapshot, wanted: Collection[str]) -> tuple[SetTrainable, ...]:
    """Return the commands, at most two, after which exactly these leaf layers train."""
    if run.layers is None:
        return ()
    selected = run.selected or run.trainable
    now = trains_then(run.layers, selected, run.pending, locked=False)
    names = weighted(run.layers)
    on = tuple(name for name in names if name in wanted and name not in now)
    off = tuple(name for name in names if name in now and name not in wanted)
    # Unfreezing goes first, so that between the two commands at least one layer trains.
    asked = (SetTrainable(layers=on, value=True), SetTrainable(layers=off, value=False))
    return tuple(command for command in asked if command.layers)


def preset_layers(tree: LayerNode, preset: str) -> tuple[str, ...]:
    """Return the leaf layers of a preset: `head`, `block`, `last` (the last 30) or `all`."""
    if preset == "head":
        return head_layers(tree)
    if preset == "block":
        return last_blocks(tree, 1)
    if preset == "last":
        return last_layers(tree, LAST_LAYERS)
    return weighted(tree)


def preset_question(run: RunSnapshot, tree: LayerNode) -> Question:
    """Return the question which layers are to train, with the size of each preset."""
    locked = run.batchnorm_locked if run.pending_lock is None else run.pending_lock
    held = lockable(tree) if locked else frozenset()

    def answer(preset: str, key: str, label: str) -> Answer:
        layers = preset_layers(tree, preset)
        parameters = training_parameters(tree, set(layers) - held)
        return Answer(preset, key, label, _extent(len(layers), parameters))

    return Question(
        "Which layers train after this epoch?",
        (
            answer("head", "h", "Head only"),
            answer("block", "b", "Last block and head"),
            answer("last", "l", f"Last {LAST_LAYERS} layers and head"),
            Answer("ask", "n", "Last N layers and head", f"asks for N, 1 to {body_size(tree)}"),
            answer("all", "a", "All layers"),
            _CANCEL,
        ),
    )


def _extent(layers: int, parameters: int) -> str:
    words = f"{layers} layer{'' if layers == 1 else 's'} with weights"
    return f"{words}, {count(parameters)} parameters train" if parameters else words


def body_size(tree: LayerNode) -> int:
    """Return how many layers, with or without weights, `last_layers` can count back over."""
    backbone = [group for group in tree.children if group.kind == "backbone"]
    body = backbone or [group for group in tree.children if group.kind not in ("input", "head")]
    return sum(1 for group in body for _ in leaf_nodes(group))


def stepped_rate(rate: float, steps: int) -> float:
    """Return the learning rate `steps` factors of 10^¼ higher, or lower if negative."""
    return float(rate * 10 ** (steps / RATE_STEPS_A_DECADE))


def why_rate_is_fixed(run: RunSnapshot) -> str:
    """Return in a sentence why the rate of the current stage cannot be changed; else nothing."""
    if not 0 < run.stage <= len(run.spec.stages):
        return ""
    reason = in_flags(fixed_rate(run.spec.stages[run.stage - 1].schedule))
    return f"{reason[0].upper()}{reason[1:]}." if reason else ""


def lock_words(run: RunSnapshot, value: bool) -> str:
    """Return what locking (`value`) or releasing BatchNormalization does, and what it is for."""
    if value == run.batchnorm_locked:
        return f"BatchNormalization stays {'locked' if value else 'released'}."
    if value:
        return (
            "BatchNormalization will be locked at the epoch's end: it keeps the statistics it has, "
            "so that small batches cannot spoil them."
        )
    return (
        "BatchNormalization will be released at the epoch's end: as Keras does by default, it "
        "takes its statistics from your batches, and leaves the pretrained ones behind."
    )


def skip_question(view: SessionView) -> Question | None:
    """Return the question what to skip to; None in the last stage of the last run."""
    run = view.run
    answers = []
    stage = max(run.stage, 1)
    if stage < len(run.spec.stages):
        label = f"Next stage ({run.spec.stages[stage].name}) after this epoch"
        answers.append(Answer("stage", "s", label, "the rest of this stage is skipped"))
    if view.current + 1 < len(view.runs):
        label = f"Next model ({view.runs[view.current + 1].spec.model})"
        answers.append(Answer("epoch", "e", f"{label} after this epoch", MARKED_STOPPED))
        answers.append(Answer("now", "n", f"{label} now", CUT_SHORT))
    if not answers:
        return None
    return Question("Skip to what?", (*answers, Answer("cancel", "c", "Cancel", "keep training")))


def skip_command(answer: str) -> tuple[Command, str]:
    """Return the command for an answer to the skip question, and a message for the user."""
    if answer == "stage":
        return SkipStage(), "Requested: the next stage begins after this epoch."
    if answer == "epoch":
        return SkipModel(when="epoch"), "Requested: the next model begins after this epoch."
    return SkipModel(when="now"), "Requested: the next model begins after this batch."
