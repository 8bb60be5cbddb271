"""What this machine has for training, and what to do about what is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from textwrap import shorten
from typing import Literal

from engine.common.folders import (
    CACHE_VARIABLE,
    SET_TEMPORARY,
    check_temporary_folder,
    features_root,
)
from engine.common.regular_file import read_regular
from engine.common.text import byte_size, printable
from engine.common.version import VERSION
from engine.errors import InputError
from engine.machine.cores import core_quota, visible_cores
from engine.machine.step_timings import StepTiming, remembered

State = Literal["good", "note", "bad"]
DISK_WANTED_BYTES = 5 * 10**9
"""Room for CIFAR-10, a few files of weights, features of one model and the runs."""
MEMORY_WANTED_BYTES = 3 * 10**9
"""Training EfficientNetLite0 on all of CIFAR-10 peaks at 2.3 GiB."""
MAX_SETTINGS_BYTES = 2**20
ANSWER_SECONDS = 120
"""TensorFlow may take a minute to load from a network drive."""
CACHE_ADVICE = f"set {CACHE_VARIABLE} to a folder that can be written"
MOST_CHARACTERS = 200
"""Characters shown of a `keras.json`, or of an error's last line, which may list all searched."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    name: str
    state: State
    """`good`; `note`, it works with less; `bad`, it prevents something from working."""
    found: str
    advice: str = ""
    """What to do; empty where there is nothing to do."""


def examine(runs_dir: Path) -> list[Finding]:
    """Check everything but the terminal; load TensorFlow in a process of its own."""
    of_programs: tuple[Callable[[], Finding], ...] = (_python, _keras, _tensorflow, _gpu_readings)
    of_the_rest: tuple[Callable[[], Finding], ...] = (
        _processor,
        _memory,
        lambda: _disk("disk of the runs", runs_dir, "choose another `runs_dir`"),
        lambda: _disk("disk of the features", features_root(), CACHE_ADVICE),
        _data,
        _datasets,
        _weights,
        _logout,
        _shadows,
    )
    found = [look() for look in of_programs]
    return [*found, *_steps(_gpu_names()), *(look() for look in of_the_rest)]


def _python() -> Finding:
    return Finding("program", "good", f"cifar-tui {VERSION}, Python {sys.version.split()[0]}")


def _keras() -> Finding:
    """Return the backend, and which of the user's own settings of Keras no run obeys."""
    from engine.keras_setup.loading import IGNORED_VARIABLES, NAMES, check_can_compute

    try:
        backend = check_can_compute()
    except InputError as error:
        found = f"expected {error.expected}, found {error.found}"
        return Finding("Keras", "bad", found, error.hint)
    asked = ", as KERAS_BACKEND asks" if os.environ.get("KERAS_BACKEND") else ""
    parts = [f"{NAMES[backend]} computes{asked}"]
    path = _settings_file()
    overridden = _overridden(path) if path is not None else ""
    here = (name for name in IGNORED_VARIABLES if name in os.environ)
    if ignored := [f"{name}={os.environ[name]}" for name in here]:
        parts.append(f"ignored: {', '.join(ignored)}")
    if overridden:
        return Finding("Keras", "note", "; ".join([*parts, overridden]))
    parts.append(f"{path} changes nothing" if path is not None else "no keras.json")
    return Finding("Keras", "note" if ignored else "good", "; ".join(parts))


def _settings_file() -> Path | None:
    """Return the `keras.json` that Keras would read by itself; None where there is none."""
    usual = "~/.keras" if os.access(os.path.expanduser("~"), os.W_OK) else "/tmp/.keras"
    home = os.environ.get("KERAS_HOME", usual)
    path = Path(os.path.expanduser(os.path.join(home, "keras.json")))
    return path if os.path.lexists(path) else None


def _overridden(path: Path) -> str:
    """Return a phrase about a `keras.json` with other settings than ours; empty for none."""
    from engine.keras_setup.loading import SETTINGS

    try:
        plain = json.loads(read_regular(path, MAX_SETTINGS_BYTES))
    except (OSError, ValueError, RecursionError, InputError) as error:
        return f"ignored: {path} cannot be read ({type(error).__name__})"
    if not isinstance(plain, dict):
        return f"ignored: {path} holds no settings"
    others = {key: v for key, v in plain.items() if key not in SETTINGS or SETTINGS[key] != v}
    values = ", ".join(f"{key} {value!r}" for key, value in others.items())
    return f"overridden in {path}: {printable(values)[:MOST_CHARACTERS]}" if values else ""


DEVICES = """
import os, sys
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow
names = [d.device_type for d in tensorflow.config.list_physical_devices()]
built = tensorflow.test.is_built_with_cuda()
print(tensorflow.__version__, names.count("GPU"), int(built), file=sys.__stdout__)
"""


def _tensorflow() -> Finding:
    from engine.keras_setup.loading import DEFAULT, keras_environment

    try:
        check_temporary_folder()
    except InputError:
        found = "cannot be loaded (no folder for temporary files)"
        return Finding("TensorFlow", "bad", found, SET_TEMPORARY)
    # Without `-P` a tensorflow.py in the current folder would be run.
    command = [sys.executable, "-P", "-c", DEVICES]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=True,
            # TensorFlow imports Keras, which must load whatever is set for it.
            env=keras_environment(os.environ, DEFAULT),
        )
        version, gpus, with_cuda = done.stdout.split()[-3:]
    except subprocess.TimeoutExpired:
        found = f"did not load within {ANSWER_SECONDS} s"
        return Finding("TensorFlow", "bad", found, "look at what the machine is busy with")
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        lines = str(getattr(error, "stderr", "") or error).strip().splitlines()
        why = shorten(lines[-1], MOST_CHARACTERS) if lines else "no reason given"
        found = f"cannot be loaded ({why})"
        return Finding("TensorFlow", "bad", found, "install cifar-tui again, with pip")
    if int(gpus):
        return Finding("TensorFlow", "good", f"{version}, GPUs it sees: {gpus}")
    return Finding("TensorFlow", *_without_gpu(version, cuda=bool(int(with_cuda))))


def _without_gpu(version: str, *, cuda: bool) -> tuple[State, str, str]:
    found = f"{version}, no GPU: trains on the CPU"
    if not shutil.which("nvidia-smi"):
        return "note", found, ""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "note", found, "CUDA_VISIBLE_DEVICES hides the GPUs: unset it"
    why = "its CUDA libraries are missing" if cuda else "it was built without CUDA"
    return "bad", f"{found}; {why}", 'pip install "cifar-tui[gpu]"'


def _gpu_readings() -> Finding:
    from engine.machine.gpu import GpuReader

    readings, note = GpuReader().read()
    if readings:
        return Finding("GPU readings", "good", ", ".join(gpu.name for gpu in readings))
    return Finding("GPU readings", "note", note or "no GPU")


def _gpu_names() -> list[str]:
    from engine.machine.gpu import GpuReader

    readings, _ = GpuReader().read()
    return list(dict.fromkeys(gpu.name for gpu in readings))


def _steps(gpus: Sequence[str]) -> list[Finding]:
    """Return how fast training steps were on these GPUs, with XLA and without, one a line."""
    newest = {}
    for timing in remembered():
        # CUDA calls a part of a GPU by the name of the whole and what part it is.
        device = timing.step.device
        if any(device == name or device.startswith(f"{name} MIG") for name in gpus):
            newest[replace(timing.step, backend="")] = timing  # of the versions, the latest
    ordered = sorted(newest.values(), key=lambda timing: astuple(timing.step))
    return [Finding("XLA", "good", _step_words(timing, gpus)) for timing in ordered]


def _step_words(timing: StepTiming, gpus: Sequence[str]) -> str:
    step = timing.step
    where = f" on {step.device}" if len(gpus) > 1 else ""
    what = f"{step.network} at {step.image_size} px, batch {step.batch_size}, {step.precision}"
    return printable(f"{what}, {step.trains}{where}: {timing.words}")


def _processor() -> Finding:
    usable, allowed = visible_cores(), core_quota()
    found = f"{usable} cores"
    if allowed is not None and allowed < usable:
        return Finding("processor", "note", f"{found}, of which the container may use {allowed:g}")
    return Finding("processor", "good", found)


def _memory() -> Finding:
    from engine.machine.sampler import read_memory

    memory = read_memory()
    free = memory.total_bytes - memory.used_bytes
    found = f"{byte_size(free)} free of {byte_size(memory.total_bytes)}"
    if free < MEMORY_WANTED_BYTES:
        return Finding("memory", "note", found, "train with `feature_memory_gb` 0, or free some")
    return Finding("memory", "good", found)


def _disk(name: str, folder: Path, advice: str) -> Finding:
    absolute = folder.absolute()
    # Path's own raises where a folder above may not be read.
    there = next(path for path in (absolute, *absolute.parents) if os.path.exists(path))
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding(name, "bad", f"{folder}: {error.strerror}", advice)
    if not os.access(there, os.W_OK):
        return Finding(name, "bad", f"{folder} cannot be written", advice)
    found = f"{byte_size(free)} free at {folder}"
    if free < DISK_WANTED_BYTES:
        return Finding(name, "note", found, f"{byte_size(DISK_WANTED_BYTES)} leave room for all")
    return Finding(name, "good", found)


def _data() -> Finding:
    """Return where the default data set is."""
    from engine.config.dataset_names import title
    from engine.config.settings import Options
    from engine.datasets.loading import check_dataset
    from engine.tools.fetching import list_needed

    usual = Options()
    name = title(usual.dataset)
    try:
        found = check_dataset(usual)
        (needed,) = list_needed((), [usual.dataset])
    except InputError as error:
        return Finding(name, "bad", str(error), "remove the file to have it downloaded")
    if needed.is_missing:
        return Finding(name, "note", found, "the first training downloads it; or give `data_path`")
    return Finding(name, "good", found)


def _datasets() -> Finding:
    """Return which data sets can be named, without loading packages."""
    from engine.config.dataset_names import BUILT_IN
    from engine.config.dataset_packages import installed

    found = installed()
    names = [row.name for row in BUILT_IN]
    names += [f"{row.name} of {row.package}" for row in found.rows]
    words = ", ".join(names)
    if found.problems:
        problems = "; ".join(str(found.problems[name]) for name in sorted(found.problems))
        return Finding("data sets", "note", words, problems)
    return Finding("data sets", "good", words)


def _weights() -> Finding:
    from engine.backbones.catalogue import CATALOGUE
    from engine.weights.locate import weights_state

    here = [b.name for b in CATALOGUE if weights_state(b) in ("bundled", "here")]
    if not here:
        return Finding("weights", "note", "none here", "they are downloaded when first used")
    rest = sum(weights_state(b).startswith("to download") for b in CATALOGUE)
    return Finding("weights", "good", f"here: {', '.join(here)}; to download: {rest} models")


def _logout() -> Finding:
    kills = _kills_at_logout()
    if kills is None:
        return Finding("logout", "good", "no systemd that would end processes at logout")
    if not kills or _lingers():
        return Finding("logout", "good", "leaves processes running")
    found = "systemd ends all processes at logout (KillUserProcesses)"
    return Finding("logout", "bad", found, "loginctl enable-linger")


def _kills_at_logout() -> bool | None:
    """Return the KillUserProcesses of systemd's login manager; None where there is none."""
    name = "org.freedesktop.login1"
    asked = ["busctl", "get-property", name, "/org/freedesktop/login1", f"{name}.Manager"]
    try:
        done = subprocess.run(
            [*asked, "KillUserProcesses"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.split()[-1:] == ["true"]


def _lingers() -> bool:
    import getpass

    try:
        return (Path("/var/lib/systemd/linger") / getpass.getuser()).exists()
    except (OSError, KeyError):
        return False


def _shadows() -> Finding:
    """Return whether another package on the path has one of our two short names."""
    own = Path(__file__).resolve().parents[2]
    others = []
    for name in ("engine", "tui"):
        for entry in sys.path:
            folder = Path(entry or ".").resolve()
            is_there = os.path.isdir(folder / name) or os.path.isfile(folder / f"{name}.py")
            if folder != own and is_there:
                others.append(str(folder / name))
    if others:
        advice = "install cifar-tui into a virtual environment of its own"
        return Finding("names", "note", f"also on the path: {', '.join(others)}", advice)
    return Finding("names", "good", "no other package is called engine or tui")
