"""A user without a home, without an entry, without a place for temporary files."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.processes import PROGRAM, call_bare

NOBODYS_NUMBER = 54_321


@pytest.mark.parametrize(
    ("named", "command"),
    [
        (None, ["models"]),
        ("", ["models"]),
        ("here", ["models"]),
        ("~", ["models"]),
        (None, ["cache", "--json"]),
        pytest.param(
            None,
            ["dataset", "digits"],
            marks=pytest.mark.slow("that scikit-learn asks for no home either"),
        ),
        (None, ["recipes"]),
    ],
)
def test_a_user_without_an_entry_is_shown_what_to_set(
    named: str | None, command: list[str], tmp_path: Path
) -> None:
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become a user without an entry")
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    for folder in (work, temporary):
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
    # The folders above, and an interpreter in root's own home, are open to root alone.
    number = str(NOBODYS_NUMBER)
    kept = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    user = ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", *kept]
    environment = {"TMPDIR": str(temporary), **({} if named is None else {"HOME": named})}
    done = call_bare(command, work, environment, program=(*user, *PROGRAM))
    assert done.returncode == 0
    line = done.stderr.removesuffix("\n")
    line = json.loads(line)["note"] if "--json" in command else line.removeprefix("cifar-tui: ")
    assert line.startswith("expected HOME to be the path of a folder, found")
    assert line.endswith(f"{temporary / f'cifar-tui-{number}'} stands in for it; set HOME")
    assert done.stderr.count("\n") == 1
    assert list(work.iterdir()) == []


def test_a_home_that_is_no_path_is_the_systems(tmp_path: Path) -> None:
    for named in ("", "here"):
        done = call_bare(["cache", "--json"], tmp_path, {"HOME": named})
        assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


NOWHERE = """
import sys, tempfile
tempfile._candidate_tempdir_list = lambda: ["/proc/nowhere"]
from tui.__main__ import main
sys.exit(main())
"""


def test_without_a_place_for_temporary_files_a_short_line_says_so(tmp_path: Path) -> None:
    command = ["train", "CustomCNN", "--dataset", "digits", "--plain"]
    program = (sys.executable, "-c", NOWHERE)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = call_bare(command, tmp_path, environment, program=program)
    assert done.returncode == 2
    assert done.stderr.startswith("cifar-tui: expected a folder for temporary files, found")
    assert done.stderr.endswith("set TMPDIR to a folder that can be written\n")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 160
