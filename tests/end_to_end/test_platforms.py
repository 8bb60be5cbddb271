"""Systems that the program does not run on, or that lack what only Linux has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

LINE = (
    "expected Linux, macOS or WSL, found Windows; "
    "install WSL with `wsl --install`, and cifar-tui inside it"
)
AS_ON_WINDOWS = """
import runpy, sys
sys.modules.update(fcntl=None, termios=None, pwd=None, resource=None)
sys.platform = "win32"
"""
WITHOUT_LINUX = """
import os, sys

for name in (
    *("O_PATH", "O_TMPFILE", "eventfd", "memfd_create", "pidfd_open", "pipe2", "posix_fadvise"),
    *("posix_fallocate", "sched_getaffinity", "sched_setaffinity"),
):
    if hasattr(os, name):
        delattr(os, name)

OURS = tuple(os.path.join(sys.argv[1], package, "") for package in ("engine", "tui"))
asked = []

def is_ours(frame):
    # Libraries find their own way on other systems; what they read here is theirs.
    while frame and "site-packages" not in frame.f_code.co_filename:
        if frame.f_code.co_filename.startswith(OURS):
            return True
        frame = frame.f_back
    return False

def hide(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str):
        if arguments[0].startswith(("/proc/", "/sys/", "/dev/shm")) and is_ours(sys._getframe(1)):
            asked.append(arguments[0])
            raise FileNotFoundError(2, "No such file or directory", arguments[0])

sys.addaudithook(hide)
"""
"""What macOS lacks is missing: functions of `os`, and for the program's own code three folders."""
PARTS = """
import json, os, subprocess, tempfile
from pathlib import Path

import numpy, psutil
from engine.common.processes import process_identity
from engine.features.file_format import Layout
from engine.features.store import FeatureStore
from engine.machine.sampler import read_memory
from engine.tools.doctor import _processor
from tui.terminal.capabilities import look

child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
alive = process_identity(child.pid)
child.stdin.close()
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
rows = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
folder = tempfile.TemporaryDirectory()
store, layouts = FeatureStore(Path(folder.name), 1 << 20), [Layout((4,), "float32")]
with store.writing("key", layouts, 3, {}) as writer:
    writer.write([rows])
    writer.finish()
read = numpy.empty_like(rows)
print(json.dumps({
    "identities": [process_identity(), process_identity(), alive, process_identity(child.pid)],
    "features": bool(store.find("key", layouts, 3).read([read]) and (read == rows).all()),
    "memory": read_memory().total_bytes == psutil.virtual_memory().total,
    "processor": _processor().found,
    "ascii": look({"LC_CTYPE": "C.UTF-8", "LANG": "C"}).is_ascii,
    "asked": asked,
}))
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code with the source tree in front of what is installed."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
    )


@pytest.mark.parametrize(
    "start",
    [
        "runpy.run_module('tui', run_name='__main__', alter_sys=True)",
        "from tui.__main__ import main; sys.exit(main())",
    ],
    ids=["python -m tui", "cifar-tui"],
)
@pytest.mark.parametrize("arguments", [[], ["--help"], ["train", "CustomCNN"]])
def test_on_windows_the_first_line_says_what_is_needed(start: str, arguments: list[str]) -> None:
    done = python(AS_ON_WINDOWS + start, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"cifar-tui: {LINE}\n"


@pytest.mark.parametrize("module", ["engine", "engine.api", "engine.config.spec"])
def test_on_windows_the_engine_cannot_be_imported(module: str) -> None:
    done = python(f"{AS_ON_WINDOWS}import {module}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"engine.errors.PlatformError: {LINE}"


def test_what_only_linux_has_is_not_needed() -> None:
    done = python(WITHOUT_LINUX + PARTS, str(ROOT))
    assert done.stderr == ""
    found = json.loads(done.stdout)
    own, again, alive, gone = found["identities"]
    assert own == again
    assert own.isdecimal()
    assert alive.isdecimal()
    assert gone is None
    assert (found["features"], found["memory"], found["ascii"]) == (True, True, True)
    assert found["processor"] == f"{os.cpu_count()} cores"
    assert {Path(path).name for path in found["asked"]} >= {"boot_id", "cgroup", "environ"}


@pytest.mark.slow("that a whole run, from features to export, needs nothing that only Linux has")
def test_a_run_needs_nothing_that_only_linux_has(tmp_path: Path) -> None:
    words = ["train", "EfficientNetLite0", "--dataset", "digits", "--recipe", "demo"]
    words += ["--epochs", "1,1", "--train-limit", "100", "--plain", "--runs-dir", str(tmp_path)]
    code = f"import runpy\nsys.argv = ['cifar-tui', *{words!r}]\n"
    done = python(
        f"{WITHOUT_LINUX}{code}runpy.run_module('tui', run_name='__main__', alter_sys=True)",
        str(ROOT),
    )
    assert done.returncode == 0, done.stderr
    (run,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert json.loads((run / "summary.json").read_text())["status"] == "completed"
    assert (run / "model.keras").is_file()
