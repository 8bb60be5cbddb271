"""A fault of the store is told with its traceback; a damaged record is none."""

from __future__ import annotations

import io
from typing import Any

import pytest

from engine.common.faults import LOG, Faults, told_afterwards
from engine.protocol.events import LogLine, event_to_line
from engine.runs.listing import load_run, load_snapshot
from engine.state.store import RunStore


@pytest.fixture
def broken_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails on every line of the log."""

    def fail(self: RunStore, event: LogLine) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(RunStore, "_log_line", fail)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    """What is told, as outside of the tests, where it raises nothing."""
    monkeypatch.setattr(LOG, "handlers", [])
    return caplog


def run_with(write_run: Any, *lines: str) -> Any:
    run = load_run(write_run.runs_dir / write_run(epochs=2))
    with run.directory.events.open("a") as file:
        file.writelines(lines)
    return run


LINE = event_to_line(LogLine(time=1.7e9, level="info", text="hello"))


@pytest.mark.usefixtures("broken_store")
def test_in_the_tests_a_fault_raises(write_run: Any) -> None:
    with pytest.raises(ZeroDivisionError, match="a bug"):
        load_snapshot(run_with(write_run, LINE))


@pytest.mark.usefixtures("broken_store")
def test_a_fault_is_told_once_with_its_traceback_and_the_rest_is_shown(
    write_run: Any, told: Any
) -> None:
    run = run_with(write_run, LINE, LINE)
    assert [epoch.epoch for epoch in load_snapshot(run).ended_epochs] == [1, 2]
    assert told.text.count("Traceback") == 1
    assert f"{run.run_id}: a fault of cifar-tui, not of the record" in told.text
    assert "ZeroDivisionError: a bug" in told.text


def test_a_damaged_line_is_no_fault(write_run: Any, told: Any) -> None:
    damaged = (
        '{"event": "StageStarted", "time": 1.7e9, "stage": 1000000000000000, "name": "x",'
        ' "epochs": 1, "learning_rate": 1, "trains": "x"}\n',
        LINE.replace('"info"', '"inf'),
        LINE.replace("1700000000.0", "-5"),
    )
    run = run_with(write_run, *damaged, LINE)
    snapshot = load_snapshot(run)
    assert [epoch.epoch for epoch in snapshot.ended_epochs] == [1, 2]
    assert (snapshot.stage, [line.text for line in snapshot.log]) == (0, ["hello"])
    assert told.text == ""


def test_under_a_screen_faults_wait_until_it_has_gone(told: Any) -> None:
    out, notices = io.StringIO(), list[str]()
    with told_afterwards(out, lambda: notices.append("!")):
        with Faults("run").told("trying"):
            raise ZeroDivisionError
        assert (out.getvalue(), notices) == ("", ["!"])
    assert "ZeroDivisionError" in out.getvalue()
    assert LOG.handlers == []
