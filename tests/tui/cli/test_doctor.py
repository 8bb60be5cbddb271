"""`cifar-tui doctor`: what is said of a terminal, and how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.tools.doctor import Finding
from tui.__main__ import main
from tui.cli import doctor
from tui.terminal.capabilities import look


@pytest.mark.parametrize(
    ("environment", "state", "found"),
    [
        ({"COLORTERM": "truecolor", "TERM": "xterm"}, "good", "16 million"),
        ({"TERM": "screen-256color"}, "good", "256"),
        ({"TERM": "linux"}, "note", "16 (linux)"),
        ({"TERM": "dumb"}, "bad", "TERM is dumb"),
        ({}, "bad", "TERM is not set"),
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, "note", "none, as NO_COLOR asks"),
    ],
)
def test_colours(environment: dict[str, str], state: str, found: str) -> None:
    findings = doctor.examine_terminal(look(environment), environment)
    (finding,) = [finding for finding in findings if finding.name == "colours"]
    assert (finding.state, finding.found) == (state, found)


def test_gnu_screen_is_advised_nothing_that_it_misreads() -> None:
    for name, found in (("screen.xterm-256color", "256"), ("screen", "16 (screen)")):
        environment = {"STY": "1.pts-0.host", "TERM": name, "COLORTERM": "truecolor"}
        findings = doctor.examine_terminal(look(environment), environment)
        colours = next(finding for finding in findings if finding.name == "colours")
        assert colours.found == found
        assert "COLORTERM" not in colours.advice
        assert findings[-1].found == "inside GNU screen"


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ASCII: the locale is C"),
        ({"CIFAR_TUI_ASCII": "1"}, "ASCII: CIFAR_TUI_ASCII=1"),
    ],
)
def test_the_output_says_who_asked_for_ascii_only(environment: dict[str, str], found: str) -> None:
    findings = doctor.examine_terminal(look(environment, {}), environment)
    (encoding,) = [finding for finding in findings if finding.name == "encoding"]
    assert (encoding.state, encoding.found) == ("note", found)
    assert encoding.advice


def test_tmux_is_named() -> None:
    environment = {"TMUX": "/tmp/tmux-0/default,1,0"}
    findings = doctor.examine_terminal(look(environment), environment)
    assert findings[-1].found == "inside tmux"


BAD = Finding("TensorFlow", "bad", "cannot be loaded (no module)", "install cifar-tui again")


def test_something_bad_is_an_exit_status_with_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda runs_dir: [BAD])
    assert main(["doctor", "--runs-dir", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "✗ TensorFlow  cannot be loaded (no module)"
    assert lines[1].strip() == "→ install cifar-tui again"


def test_json_holds_every_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda runs_dir: [BAD])
    main(["doctor", "--json"])
    plain = json.loads(capsys.readouterr().out)
    assert plain[0] == {
        "name": "TensorFlow",
        "state": "bad",
        "found": "cannot be loaded (no module)",
        "advice": "install cifar-tui again",
    }
