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


def completed_in_bash(line: str, runs: Path, text: str) -> list[str]:
    """What the function of bash's script completes."""
    words = " ".join(f"'{word}'" for word in ("cifar-tui", *line.split(" ")))
    ask = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _shtab_cifar_tui\n"
    ask += 'printf "%s\\n" "${COMPREPLY[@]}"'
    return said_by(["bash", "-c", f"compopt() {{ :; }}\n{text}\n{ask}"], runs)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tra", ["train"]),
        ("re", ["recipes", "resume", "replay", "report"]),
        ("--v", ["--version"]),
        ("train MobileNetV3", ["MobileNetV3Small", "MobileNetV3Large"]),
        ("train VGG16 --unfreeze-", ["--unfreeze-last", "--unfreeze-after", "--unfreeze-blocks"]),
        (
            "train --dataset ",
            ["cifar10", "cifar100", "cifar10-mini", "digits", "20260102-120000-vgg16"],
        ),
        ("train --dataset ci", ["cifar10", "cifar100", "cifar10-mini"]),
        ("train --data 2026", ["20260102-120000-vgg16"]),
        ("predict 2026 2026", ["20260102-120000-vgg16"]),
        ("fetch VGG", ["VGG16", "VGG19"]),
        ("runs d", ["delete"]),
        ("rank --on", []),
        ("train --on-hangup ", ["continue", "checkpoint"]),
        ("train --recipe n", ["notebook"]),
        ("train VGG16 --batchnorm k", ["keras"]),
        ("train --epochs ", []),
        ("export 2026 --format s", ["savedmodel"]),
        ("attach 20260102", ["20260102-120000-vgg16"]),
        ("completion f", ["fish"]),
    ],
)
def test_bash_completes(line: str, expected: list[str], tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    (runs / "20260102-120000-vgg16").mkdir(parents=True)
    assert completed_in_bash(line, runs, f"cd runs\nCIFAR_TUI_RUNS=.\n{script('bash')}") == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_data_sets_of_packages_are_completed(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_package(tmp_path, {"birds": "birds_data:Birds", "$(rm x)": "a:B"}, {})
    with installed_in(tmp_path):
        assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert "cifar100 cifar10-mini digits birds" in text
    assert "rm x" not in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_directory_whose_name_is_a_command_is_not_run(shell: str, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name in ("20260102-120000-vgg16", "$(touch pwned)", "`touch pwned`", "a;touch pwned", "*"):
        (runs / name).mkdir(parents=True)
    (runs / "a run").mkdir()
    (runs / "b\n$(touch pwned)\nc").mkdir()
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    text = script(shell)
    if shell == "fish":
        found = said_by([shell, "-Nc", f"{text}complete -C 'cifar-tui attach ' | cut -f 1"], runs)
    elif shell == "zsh":
        stubs = "compdef() { }\ncompadd() { print -rl -- $@ }\n"
        (tmp_path / "script").write_text(text)
        asked = f'{stubs}eval "$(<script)"\n_cifar_tui_runs'
        found = said_by([shell, "-fc", asked], runs)
    else:
        found = completed_in_bash("attach ", runs, text)
    assert "20260102-120000-vgg16" in found
    assert not {"run", "*"} & {*found}
    assert not [word for word in found if "touch" in word]
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell: str, tmp_path: Path) -> None:
    text = script(shell)
    assert "train" in text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(text)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_there(shell: str) -> None:
    text = script(shell)
    for name, command in build_parser().commands.items():
        assert name in text
        assert len(command.flags()) > 1
        assert all(flag.lstrip("-") in text for flag in command.flags())
