"""Any sequence of commands trains what a plain model says, epoch by epoch, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from engine.protocol.commands import (
    ApplyNow,
    Command,
    SetBatchNormLock,
    SetTrainable,
    When,
    Withdraw,
)
from tests.support.freezing.asked import Moment
from tests.support.freezing.proof import ProveFreezing
from tests.support.small_net import (
    BACKBONE,
    BRANCHES,
    NESTED,
    RESIDUAL,
    STEM,
    STEPS,
    TOP,
    small_spec,
)

pytestmark = [
    pytest.mark.usefixtures("small_net"),
    pytest.mark.slow("any sequence of commands, brought forward and taken back among them"),
]

EPOCHS = 3
KINDS = ("layers", "layers", "layers", "lock", "apply now", "withdraw")
VALUES = (True, True, False)
"""At the start hardly anything trains."""
LAYERS = st.one_of(
    st.sampled_from((STEM, RESIDUAL, NESTED, BRANCHES, TOP, BACKBONE)),
    st.lists(st.sampled_from(BACKBONE), min_size=1, max_size=5, unique=True).map(tuple),
)
WHEN: st.SearchStrategy[When] = st.sampled_from(("now", "epoch"))
LAST = (EPOCHS, STEPS - 1)
"""The last moment at which anything can still take effect."""
MOMENTS = st.lists(
    st.tuples(st.integers(1, EPOCHS), st.integers(0, STEPS)).filter(lambda at: at <= LAST),
    min_size=4,
    max_size=7,
).map(sorted)
BROUGHT_FORWARD: dict[Moment, list[Command]] = {
    (1, 0): [
        SetTrainable(id="a", layers=NESTED, value=True),
        SetBatchNormLock(id="b", value=False),
        SetTrainable(id="c", layers=TOP, value=True),
    ],
    (1, 1): [Withdraw(id="d", commands=("b",))],
    (1, 2): [ApplyNow(id="e"), SetTrainable(id="f", layers=RESIDUAL, value=True)],
    (3, 1): [SetTrainable(id="g", layers=NESTED, value=False)],
    (3, 2): [ApplyNow(id="h")],
}


@st.composite
def scripts(draw: st.DrawFn) -> dict[Moment, list[Command]]:
    """Commands at any moments of a run, several at one moment among them."""
    script: dict[Moment, list[Command]] = {}
    for number, moment in enumerate(draw(MOMENTS)):
        earlier = [command.id for commands in script.values() for command in commands]
        command = draw_command(draw, f"c{number}", earlier)
        script.setdefault(moment, []).append(command)
    return script


def draw_command(draw: st.DrawFn, name: str, earlier: list[str]) -> Command:
    """A command with the id `name`; one that takes others back names any of the earlier ones."""
    kind = draw(st.sampled_from(KINDS if earlier else KINDS[:4]))
    if kind == "layers":
        return SetTrainable(
            id=name, layers=draw(LAYERS), value=draw(st.sampled_from(VALUES)), when=draw(WHEN)
        )
    if kind == "lock":
        return SetBatchNormLock(id=name, value=draw(st.booleans()), when=draw(WHEN))
    if kind == "withdraw":
        chosen = draw(st.lists(st.sampled_from(earlier), min_size=1, max_size=2, unique=True))
        return Withdraw(id=name, commands=tuple(chosen))
    return ApplyNow(id=name)


@settings(
    max_examples=7,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # each example is a training: none to spare
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(script=BROUGHT_FORWARD, cache=True, locked=True, last=0)
@given(script=scripts(), cache=st.booleans(), locked=st.booleans(), last=st.sampled_from((0, 12)))
def test_any_commands_train_what_they_ask(
    prove_freezing: ProveFreezing,
    script: dict[Moment, list[Command]],
    cache: bool,
    locked: bool,
    last: int,
) -> None:
    spec = small_spec(
        EPOCHS, last=last, feature_cache=cache, batchnorm="locked" if locked else "keras"
    )
    prove_freezing(spec, lambda tree: script, every_variable=True)
