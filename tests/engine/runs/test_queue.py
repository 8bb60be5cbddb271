"""The queue of a session: places, what may be changed, and what an order of changes leaves."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.commands import AddRuns, MoveRun, QueueCommand, RemoveRun
from engine.runs.queue import LONGEST, RunQueue
from engine.runs.resume import Queued

SPEC = RunSpec(
    model="A", dataset="digits", stages=(Stage("all", 1, 1e-3, None),), image_size=32, seed=0
)


def specs(names: str) -> tuple[RunSpec, ...]:
    return tuple(replace(SPEC, model=name) for name in names)


def names(found: tuple[RunSpec, ...]) -> str:
    return "".join(spec.model for spec in found)


def queue(names: str, begun: int = 1) -> RunQueue:
    made = RunQueue([Queued(place, spec) for place, spec in enumerate(specs(names))])
    for _ in range(begun):
        made.begin()
    return made


def test_runs_begin_in_order_and_what_is_added_begins_too() -> None:
    runs = queue("AB", begun=2)
    assert runs.begin() is None
    assert runs.change(AddRuns(specs=specs("C"))) == ""
    begun = runs.begin()
    assert begun is not None
    assert (begun[0], begun[1].model) == (2, "C")
    assert runs.place(2) == 2
    assert runs.begin() is None


def test_waiting_runs_move_and_leave() -> None:
    runs = queue("ABCD")
    assert runs.change(MoveRun(position=2, model="D", to=0)) == ""
    assert names(runs.state.waiting) == "DBC"
    assert runs.change(MoveRun(position=0, model="D", to=99)) == ""
    assert names(runs.state.waiting) == "BCD"
    assert runs.change(RemoveRun(position=1, model="C")) == ""
    assert names(runs.specs) == "ABD"
    assert names(runs.whole(specs("ABCD"))) == "ABD"
    assert [runs.place(index) for index in range(3)] == [0, 1, 2]


def test_what_cannot_be_done_is_said_and_changes_nothing() -> None:
    runs = queue("ABC")
    refused: list[tuple[QueueCommand, str]] = [
        (RemoveRun(position=0, model="A"), "A no longer waits at position 1"),
        (RemoveRun(position=2, model="C"), "no run waits at position 3"),
        (MoveRun(position=-1, model="B", to=0), "no run waits at position 0"),
        (AddRuns(specs=()), f"expected 1 to {LONGEST} waiting runs, found 0"),
        (AddRuns(specs=specs("A") * LONGEST), f"found {LONGEST}"),
    ]
    for command, reason in refused:
        assert reason in runs.change(command)
    assert names(runs.specs) == "ABC"


def test_places_go_on_behind_what_another_process_has_begun() -> None:
    first, last = specs("AD")
    runs = RunQueue([Queued(0, first), Queued(3, last)])
    runs.begin()
    assert runs.change(AddRuns(specs=specs("E"))) == ""
    assert (runs.place(1), runs.place(2), runs.state.place) == (3, 4, 3)
    assert names(runs.whole(specs("ABCD"))) == "ABCDE"
    assert runs.change(RemoveRun(position=0, model="D")) == ""
    assert names(runs.whole(specs("ABCD"))) == "ABCE"
    assert runs.place(1) == 3


changes = st.one_of(
    st.builds(AddRuns, specs=st.text("XYZ", min_size=1, max_size=3).map(specs)),
    st.builds(
        MoveRun, position=st.integers(-1, 6), model=st.sampled_from("BCXYZ"), to=st.integers(-2, 8)
    ),
    st.builds(RemoveRun, position=st.integers(-1, 6), model=st.sampled_from("BCXYZ")),
    st.none(),
)


@given(st.lists(changes, max_size=30))
def test_no_order_of_changes_touches_what_has_begun(asked: list[QueueCommand | None]) -> None:
    runs, begun = queue("ABC"), ["A"]
    for command in asked:
        before = sorted(names(runs.specs))
        if command is None:
            found = runs.begin()
            begun += [found[1].model] if found else []
        elif not runs.change(command) and isinstance(command, MoveRun):
            assert sorted(names(runs.specs)) == before
        assert list(names(runs.specs))[: len(begun)] == begun
        assert runs.whole(specs("ABC")) == runs.specs
        assert [runs.place(index) for index in range(len(runs.specs))] == list(
            range(len(runs.specs))
        )
