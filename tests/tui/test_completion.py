"""What a shell completes: in bash for real, and that nothing of the parser is left out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tui.__main__ import main
from tui.cli.completion import commands_of
from tui.cli.parser import build_parser


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


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
def test_bash_completes(
    line: str, expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "20260102-120000-vgg16").mkdir()
    words = " ".join(f"'{word}'" for word in ("cifar-tui", *line.split(" ")))
    ask = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _cifar_tui\n"
    ask += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", script("bash", capsys) + ask],
        env={"PATH": "/usr/bin:/bin", "CIFAR_TUI_RUNS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == expected
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = script(shell, capsys)
    assert "train" in text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(text)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_every_command_and_option_is_there(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    for command in commands_of(build_parser()):
        assert command.name in text
        for option in command.options:
            assert all(flag.removeprefix("--") in text for flag in option.flags)
