"""`cifar-tui doctor`: check this machine and this terminal, and advise on what is missing."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from textwrap import wrap

from engine.tools.doctor import Finding, State, examine
from tui.cli.output import as_asked, print_json, terminal_width
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH
from tui.settings.option_names import in_flags
from tui.terminal.ascii_marks import VARIABLE as ASCII_VARIABLE
from tui.terminal.capabilities import DUMB, MILLIONS, Terminal, current

MARKS: dict[State, str] = {"good": "✓", "note": "·", "bad": "✗"}
COMFORTABLE = (80, 24)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; return 1 if something keeps the program from working."""
    if not arguments.json:
        print("checking this machine; TensorFlow takes a few seconds to load…", file=sys.stderr)
    of_machine = [
        replace(one, found=in_flags(one.found), advice=in_flags(one.advice))
        for one in examine(arguments.runs_dir)
    ]
    findings = [*of_machine, *examine_terminal(current(), os.environ)]
    if arguments.json:
        print_json([asdict(finding) for finding in findings])
    else:
        print(as_asked("\n".join(_lines(findings, terminal_width()))))
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def examine_terminal(terminal: Terminal, environment: Mapping[str, str]) -> list[Finding]:
    """Return what the terminal can show, detected as for every other command."""
    return [
        _size(),
        _colours(terminal, environment),
        _encoding(terminal),
        _multiplexer(terminal, environment),
    ]


def _size() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", "note", "none: only --plain and --json work")
    width, height = shutil.get_terminal_size()
    found = f"{width} × {height}"
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        advice = f"at least {MIN_WIDTH} × {MIN_HEIGHT} are needed"
        return Finding("terminal", "bad", found, advice)
    if width < COMFORTABLE[0] or height < COMFORTABLE[1]:
        return Finding("terminal", "note", found, "80 × 24 shows more, 120 × 40 all panels")
    return Finding("terminal", "good", found)


def _colours(terminal: Terminal, environment: Mapping[str, str]) -> Finding:
    if environment.get("NO_COLOR"):
        return Finding("colours", "note", "none, as NO_COLOR asks")
    if terminal.name in ("", *DUMB):
        found = f"TERM is {terminal.name or 'not set'}"
        return Finding("colours", "bad", found, "export TERM=xterm-256color")
    if terminal.colours == MILLIONS:
        return Finding("colours", "good", "16 million")
    if terminal.colours > 16:
        found, more = f"{terminal.colours}", "if the terminal has more: export COLORTERM=truecolor"
        return Finding("colours", "good", found, more if terminal.reads_millions else "")
    name = "screen-256color" if terminal.multiplexer == "GNU screen" else "xterm-256color"
    advice = f"if the terminal has more: export TERM={name}"
    return Finding("colours", "note", f"16 ({terminal.name})", advice)


def _encoding(terminal: Terminal) -> Finding:
    if not terminal.is_ascii:
        return Finding("encoding", "good", terminal.encoding)
    unset = f"unset {ASCII_VARIABLE}, or export LANG=C.UTF-8, where the terminal shows Unicode"
    return Finding("encoding", "note", terminal.encoding, unset)


def _multiplexer(terminal: Terminal, environment: Mapping[str, str]) -> Finding:
    if terminal.multiplexer:
        return Finding("session", "good", f"inside {terminal.multiplexer}")
    where = "over SSH" if environment.get("SSH_CONNECTION") else "local"
    return Finding("session", "good", f"{where}; a training outlives the terminal")


def _lines(findings: list[Finding], width: int) -> list[str]:
    room = max(len(finding.name) for finding in findings)
    indent = " " * (room + 4)
    lines = []
    for finding in findings:
        texts = wrap(finding.found, max(width - room - 4, 20)) or [""]
        lines.append(f"{MARKS[finding.state]} {finding.name:<{room}}  {texts[0]}")
        lines += [indent + text for text in texts[1:]]
        if finding.advice:
            first, later = f"{indent}→ ", f"{indent}  "
            lines += wrap(finding.advice, width, initial_indent=first, subsequent_indent=later)
    return lines
