"""What a shell completes: in bash for real, and that nothing of the parser is left out."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.packages import installed_in, write_package
from tui.__main__ import main
from tui.cli.completion import commands_of
from tui.cli.parser import build_parser


@functools.cache
def script(shell: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["completion", shell]) == 0
    return out.getvalue()


def said_by(command: list[str], runs: Path) -> list[str]:
    """The words that a shell prints beside a folder of runs, and no complaint."""
    done = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(runs.parent), "CIFAR_TUI_RUNS": str(runs)},
        cwd=runs.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def completed_as_in_bash(line: str, runs: Path, text: str, shell: str = "bash") -> list[str]:
    """What the function of bash's script completes, in zsh as its `bashcompinit` calls it."""
    words = " ".join(f"'{word}'" for word in ("cifar-tui", *line.split(" ")))
    ask = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _cifar_tui\n"
    ask += 'printf "%s\\n" "${COMPREPLY[@]}"'
    flags = ["-fc"] if shell == "zsh" else ["-c"]
    ask = f"emulate sh\nsetopt kshglob noshglob braceexpand\n{ask}" if shell == "zsh" else ask
    return said_by([shell, *flags, text + ask], runs)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tra", ["train"]),
        ("re", ["recipes", "resume", "replay", "report"]),
        ("--v", ["--version"]),
        ("train MobileNetV3", ["MobileNetV3Small", "MobileNetV3Large"]),
        ("train VGG16 --unfreeze-", ["--unfreeze-last", "--unfreeze-after", "--unfreeze-blocks"]),
        ("train --dataset ", ["cifar10", "cifar100", "digits"]),
        ("train --recipe n", ["notebook"]),
        ("train VGG16 --batchnorm k", ["keras"]),
        ("train --epochs ", []),
        ("export 2026 --format s", ["savedmodel"]),
        ("attach 20260102", ["20260102-120000-vgg16"]),
        ("completion f", ["fish"]),
        ("nonsense --", []),
    ],
)
def test_bash_completes(line: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "20260102-120000-vgg16").mkdir()
    assert completed_as_in_bash(line, tmp_path, script("bash")) == expected


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_data_sets_of_packages_are_completed(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_package(tmp_path, {"birds": "birds_data:Birds", "$(rm x)": "a:B"}, {})
    with installed_in(tmp_path):
        assert main(["completion", shell]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "digits birds" in line]
    assert len(lines) == 3  # of train, fetch, and dataset, which takes no flag
    assert not [line for line in lines if "rm x" in line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_directory_whose_name_is_a_command_is_not_run(shell: str, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name in ("20260102-120000-vgg16", "$(touch pwned)", "`touch pwned`", "a;touch pwned", "*"):
        (runs / name).mkdir(parents=True)
    (runs / "b\n$(touch pwned)\nc").mkdir()
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    text = script(shell)
    if shell == "fish":
        found = said_by([shell, "-Nc", f"{text}complete -C 'cifar-tui attach '"], runs)
    else:
        found = completed_as_in_bash("attach ", runs, text, shell)
    assert "20260102-120000-vgg16" in found
    assert not [word for word in found if "touch" in word or "*" in word]
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell: str, tmp_path: Path) -> None:
    text = script(shell)
    assert "train" in text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(text)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_every_command_and_option_is_there(shell: str) -> None:
    text = script(shell)
    for command in commands_of(build_parser()):
        assert command.name in text
        for option in command.options:
            assert all(flag.removeprefix("--") in text for flag in option.flags)
