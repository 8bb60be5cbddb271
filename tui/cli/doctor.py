"""`cifar-tui doctor`: what this machine and this terminal have, and what to do about the rest."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from textwrap import wrap

from engine.doctor import Finding, State, examine
from tui.cli.output import can_show, terminal_width, use_utf8
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH

MARKS: dict[State, tuple[str, str]] = {"good": ("✓", "+"), "note": ("·", "-"), "bad": ("✗", "!")}
"""And what stands for them where they cannot be shown."""
COMFORTABLE = (80, 24)


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 where something keeps the program from working."""
    if not arguments.json:
        print("looking around; TensorFlow takes a few seconds to load…", file=sys.stderr)
    findings = [*examine(arguments.runs_dir), *examine_terminal(os.environ)]
    if arguments.json:
        use_utf8(sys.stdout)
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        print("\n".join(_lines(findings, terminal_width())))
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def examine_terminal(environment: Mapping[str, str]) -> list[Finding]:
    """What the terminal can show, from its size and its environment."""
    return [_size(), _colours(environment), _encoding(), _multiplexer(environment)]


def _size() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", "note", "none: only --plain and --json work")
    width, height = shutil.get_terminal_size()
    found = f"{width} × {height}"
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        advice = f"at least {MIN_WIDTH} × {MIN_HEIGHT} are needed"
        return Finding("terminal", "bad", found, advice)
    if width < COMFORTABLE[0] or height < COMFORTABLE[1]:
        return Finding("terminal", "note", found, "80 × 24 show more, 120 × 40 all panels")
    return Finding("terminal", "good", found)


def _colours(environment: Mapping[str, str]) -> Finding:
    if environment.get("NO_COLOR"):
        return Finding("colours", "note", "none, as NO_COLOR asks")
    if environment.get("COLORTERM", "") in ("truecolor", "24bit"):
        return Finding("colours", "good", "16 million")
    name = environment.get("TERM", "")
    if name in ("", "dumb"):
        return Finding(
            "colours", "bad", f"TERM is {name or 'not set'}", "export TERM=xterm-256color"
        )
    if "256" in name:
        found, advice = "256", "if the terminal has more: export COLORTERM=truecolor"
        return Finding("colours", "good", found, advice)
    return Finding("colours", "note", f"16 ({name})", "export TERM=xterm-256color, if it has more")


def _encoding() -> Finding:
    encoding = sys.stdout.encoding or "none"
    if can_show("╭█⠿"):
        return Finding("encoding", "good", encoding)
    return Finding("encoding", "bad", f"{encoding} lacks frames and charts", "export LANG=C.UTF-8")


def _multiplexer(environment: Mapping[str, str]) -> Finding:
    for variable, name in (("TMUX", "tmux"), ("STY", "screen"), ("ZELLIJ", "zellij")):
        if environment.get(variable):
            return Finding("session", "good", f"inside {name}")
    where = "over SSH" if environment.get("SSH_CONNECTION") else "local"
    return Finding("session", "good", f"{where}; a training outlives the terminal")


def _lines(findings: list[Finding], width: int) -> list[str]:
    shows_marks = can_show("".join(mark for mark, _ in MARKS.values()))
    room = max(len(finding.name) for finding in findings)
    indent = " " * (room + 4)
    lines = []
    for finding in findings:
        mark = MARKS[finding.state][0 if shows_marks else 1]
        texts = wrap(finding.found, max(width - room - 4, 20)) or [""]
        lines.append(f"{mark} {finding.name:<{room}}  {texts[0]}")
        lines += [indent + text for text in texts[1:]]
        if finding.advice:
            arrow = "→ " if shows_marks else "> "
            lines += wrap(
                finding.advice,
                width,
                initial_indent=indent + arrow,
                subsequent_indent=indent + "  ",
            )
    return lines
