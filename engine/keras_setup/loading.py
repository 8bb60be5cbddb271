"""The one place that loads Keras, with this program's settings, whatever a user has set.

Keras reads `keras.json` in its folder and some variables when it is first imported, and what they
say changes every later network, or ends the import. Importing this module loads nothing;
`load_keras` takes seconds and belongs to the trainer thread. A module that needs Keras at import
time takes it from `engine.keras_setup.loaded`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.common import folders
from engine.common.regular_file import read_regular
from engine.errors import InputError

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}
"""The backends that work here, and their usual names."""
DEFAULT = "tensorflow"
HOME = Path(__file__).with_name("home")
"""A folder for Keras that holds a `keras.json` with `SETTINGS`, so that nothing is written."""
SETTINGS: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "backend": DEFAULT,
    "image_data_format": "channels_last",
    "nnx_enabled": False,
}
"""What every network here is built with: Keras' own defaults."""
IGNORED_VARIABLES = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")
"""Variables that cut a training short, or change how it computes."""
KEPT = ("floatx", "epsilon", "image_data_format", "max_epochs", "max_steps_per_epoch")
"""The settings of `keras.config` that a user may have changed for the whole process."""
MAX_SETTINGS_BYTES = 2**20
MISSING = object()

_lock = threading.Lock()
_begun = ""
"""The backend that is loaded, or is being loaded; empty before."""
_is_ready = False
_hidden: dict[str, str] | None = None
"""The user's environment, while it is another for the moment of the import."""
_kept_lock = threading.Lock()
_borrowers = 0
"""How many callers are within `users_settings_kept`."""
_kept: dict[str, Any] = {}
"""The settings that the first of them found."""


def prepare_environment() -> None:
    """Set what TensorFlow reads at its import; what the user has set stays.

    Does nothing once TensorFlow is imported: it then no longer computes as these would say.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Off by default on processors without AVX-512: half the time of a forward pass there.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Without its own allocator every large tensor is mapped, zeroed and unmapped by the system:
    # a third of the time of a forward pass of 256 images.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    # CUDA's own order, the fastest first, is unknown to NVML.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")


def chosen_backend() -> str:
    """Return Keras' name of the backend: the loaded one, else what `KERAS_BACKEND` asks for."""
    return settled_backend() or _environment().get("KERAS_BACKEND") or DEFAULT


def settled_backend() -> str:
    """Return the backend that this process is bound to; empty where Keras is not loaded yet."""
    return _begun or _foreign_backend()


def check_backend(wanted: str = "") -> str:
    """Return the backend that would compute; load nothing.

    Args:
        wanted: by Keras' name; the chosen one when empty.

    Raises:
        InputError: it does not work here, or is not installed.
    """
    backend = wanted or chosen_backend()
    if backend not in NAMES and backend == settled_backend():
        raise InputError(
            f"KERAS_BACKEND: expected Keras on {' or '.join(NAMES.values())}, found it imported on "
            f"{backend} in this process; start a new one with KERAS_BACKEND={DEFAULT}"
        )
    if backend not in NAMES:
        raise InputError(
            f"KERAS_BACKEND: expected {' or '.join(NAMES)}, found {backend!r}; unset it, or set it "
            "to one of these"
        )
    if settled_backend() != backend and importlib.util.find_spec(backend) is None:
        raise InputError(
            f"KERAS_BACKEND: expected {NAMES[backend]} to be installed, found no package "
            f"{backend}; pip install {backend}, or unset KERAS_BACKEND"
        )
    return backend


def check_kept_backend(recorded: str, run_id: str) -> str:
    """Return the backend of a run to be resumed, which must not change.

    Args:
        recorded: by Keras' name; empty for the default.
        run_id: for the error.

    Raises:
        InputError: this process is bound to another, `KERAS_BACKEND` asks for another, or it does
            not work here.
    """
    backend = recorded or DEFAULT
    expected = f"{run_id}: expected to resume with {_in_words(backend)}, on which it began"
    settled, asked = settled_backend(), _environment().get("KERAS_BACKEND", "")
    if settled and settled != backend:
        raise InputError(
            f"{expected}, found {_in_words(settled)} loaded in this process; leave it, then "
            f"`cifar-tui resume {run_id}`"
        )
    if not settled and asked and asked != backend:
        raise InputError(f"{expected}, found KERAS_BACKEND={asked}; set it to {backend}")
    if backend not in NAMES:
        raise InputError(f"{expected}, which does not work here; train it again")
    if not settled and importlib.util.find_spec(backend) is None:
        raise InputError(f"{expected}, found no package {backend}; pip install {backend}")
    return backend


def load_keras(wanted: str = "") -> Any:
    """Return Keras, imported with `SETTINGS`; at once where it is loaded already.

    Where other code has imported it, the settings are corrected for the whole process: see
    `users_settings_kept`.

    Args:
        wanted: the backend, for the first call; the chosen one when empty.

    Raises:
        InputError: the backend does not work here, is not the one that is loaded, or cannot be
            imported.
    """
    if not _is_ready or (wanted and wanted != _begun):
        with _lock:
            _load(check_backend(wanted))
    return sys.modules["keras"]


@contextmanager
def users_settings_kept() -> Iterator[None]:
    """Set Keras to our settings inside, and to the caller's again afterwards.

    For callers whose process uses Keras for other purposes too, from several threads if need be.
    Where it is not loaded yet there is nothing to keep.
    """
    if not _foreign_backend():
        yield
        return
    config = sys.modules["keras"].config
    policy = config.dtype_policy()  # each thread has its own
    _borrow(config)
    try:
        yield
    finally:
        _give_back(config)
        config.set_dtype_policy(policy)


def keras_folder() -> Path:
    """Return the user's folder of Keras' downloads; never our own folder."""
    return folders.keras_folder(_environment())


def keras_environment(environment: Mapping[str, str], backend: str = "") -> dict[str, str]:
    """Return an environment in which Keras finds our settings and no others.

    Args:
        environment: the one to start from.
        backend: by Keras' name; empty keeps the one chosen there.
    """
    kept = {key: value for key, value in environment.items() if key not in IGNORED_VARIABLES}
    return {
        **kept,
        "KERAS_HOME": str(HOME),
        "KERAS_BACKEND": backend or environment.get("KERAS_BACKEND") or DEFAULT,
    }


def settings_file() -> Path | None:
    """Return the `keras.json` that Keras would read by itself; None where there is none."""
    usual = "~/.keras" if os.access(os.path.expanduser("~"), os.W_OK) else "/tmp/.keras"
    home = _environment().get("KERAS_HOME", usual)
    path = Path(os.path.expanduser(os.path.join(home, "keras.json")))
    return path if os.path.lexists(path) else None


def overridden_settings(path: Path) -> dict[str, Any]:
    """Return the settings of a `keras.json` that differ from ours.

    Raises:
        InputError: it cannot be read, or is not a JSON object.
    """
    try:
        plain = json.loads(read_regular(path, MAX_SETTINGS_BYTES))
    except (OSError, ValueError, RecursionError, InputError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__})") from error
    if not isinstance(plain, dict):
        raise InputError(f"{path} holds no settings")
    return {key: value for key, value in plain.items() if SETTINGS.get(key, MISSING) != value}


def ignored_variables() -> list[str]:
    """Return the variables that are set and that no run obeys."""
    environment = _environment()
    return [f"{name}={environment[name]}" for name in IGNORED_VARIABLES if name in environment]


def _in_words(backend: str) -> str:
    return NAMES.get(backend, backend)


def _environment() -> Mapping[str, str]:
    return os.environ if _hidden is None else _hidden


def _foreign_backend() -> str:
    """Return the backend of a Keras already imported in this process, by any code."""
    config = getattr(sys.modules.get("keras"), "config", None)
    backend = getattr(config, "backend", None)  # missing while another thread imports it
    return str(backend()) if backend is not None else ""


def _load(backend: str) -> None:
    global _begun, _is_ready
    if settled_backend() not in ("", backend):
        raise InputError(
            f"expected {_in_words(backend)} to compute, found {_in_words(settled_backend())} "
            "loaded in this process; start it in a new one"
        )
    if _is_ready:
        return
    prepare_environment()
    _begun = backend
    try:
        with _own_settings(backend):
            keras = importlib.import_module("keras")
    except ImportError as error:
        _begun = ""
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"expected Keras to load on {NAMES[backend]}, found {reason}; install it again"
        ) from error
    except BaseException:
        _begun = ""
        raise
    _put_right(keras)
    _give_folder_back()
    _is_ready = True


@contextmanager
def _own_settings(backend: str) -> Iterator[None]:
    """Set the environment to what Keras is to read; restore the user's afterwards."""
    global _hidden
    before = dict(os.environ)
    wanted = keras_environment(before, backend)
    changed = {"KERAS_HOME", "KERAS_BACKEND", *IGNORED_VARIABLES}
    _hidden = before
    try:
        _set_variables(changed, wanted)
        yield
    finally:
        _set_variables(changed, before)
        _hidden = None


def _set_variables(names: set[str], values: Mapping[str, str]) -> None:
    for name in names:
        if name in values:
            os.environ[name] = values[name]
        else:
            os.environ.pop(name, None)


def _put_right(keras: Any) -> None:
    """Correct what Keras has read elsewhere, where it was imported before we could set it."""
    config = keras.config
    config.set_floatx(SETTINGS["floatx"])
    config.set_epsilon(SETTINGS["epsilon"])
    config.set_image_data_format(SETTINGS["image_data_format"])
    config.set_dtype_policy(SETTINGS["floatx"])
    for limit in ("set_max_epochs", "set_max_steps_per_epoch"):
        if hasattr(config, limit):  # not in every Keras 3
            getattr(config, limit)(None)


def _give_folder_back() -> None:
    """Have Keras keep what a user's own code downloads in the user's folder, not in ours."""
    config = sys.modules.get("keras.src.backend.config")
    if getattr(config, "_KERAS_DIR", "") == str(HOME):  # there is no public way
        vars(config)["_KERAS_DIR"] = str(keras_folder())


def _borrow(config: Any) -> None:
    global _borrowers
    with _kept_lock:
        _borrowers += 1
        if _borrowers == 1:
            _kept.update((name, getattr(config, name)()) for name in KEPT if hasattr(config, name))
        _put_right(sys.modules["keras"])


def _give_back(config: Any) -> None:
    global _borrowers
    with _kept_lock:
        _borrowers -= 1
        if _borrowers == 0:
            for name, value in _kept.items():
                getattr(config, f"set_{name}")(value)
            _kept.clear()
