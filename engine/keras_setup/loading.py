"""The one place that loads Keras, with this program's settings, whatever a user has set.

Keras reads `keras.json` in its folder and some variables when it is first imported, and what they
say changes every later network, or ends the import. Importing this module loads nothing;
`load_keras` takes seconds and belongs to the trainer thread. A module that needs Keras at import
time takes it from `engine.keras_setup.loaded`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.common import folders
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

_lock = threading.Lock()
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
    """Return the backend of the Keras that any code has imported here; empty before that."""
    config = getattr(sys.modules.get("keras"), "config", None)
    backend = getattr(config, "backend", None)  # missing while another thread imports it
    return str(backend()) if backend is not None else ""


def check_can_compute(kept: str = "", run_id: str = "") -> str:
    """Return the backend that would compute in this process, by Keras' name; load nothing.

    Args:
        kept: the backend on which a run began, which must not change; empty for a new run.
        run_id: of that run, for the error.

    Raises:
        InputError: the backend does not work here, is not installed, or is not the one that is
            loaded or that `KERAS_BACKEND` asks for; or no folder takes temporary files.
    """
    folders.check_temporary_folder()
    settled, asked = settled_backend(), _environment().get("KERAS_BACKEND", "")
    backend = kept or settled or asked or DEFAULT
    if settled and (settled != backend or backend not in NAMES):
        found = f"{NAMES.get(settled, settled)} loaded in this process"
        hint = f"`cifar-tui resume {run_id}` in a new one" if run_id else "start a new one"
    elif not settled and asked not in ("", backend):
        found, hint = f"KERAS_BACKEND={asked}", f"set it to {backend}"
    elif backend not in NAMES and kept:
        found, hint = "only " + " and ".join(NAMES.values()), "train it again"
    elif backend not in NAMES:
        found, hint = repr(backend), f"set it to one of {', '.join(NAMES)}, or unset it"
    elif not settled and importlib.util.find_spec(backend) is None:
        found, extra = f"no package {backend}", "" if backend == DEFAULT else f"[{backend}]"
        hint = f'`pip install "cifar-tui{extra}"`' + (", or unset KERAS_BACKEND" if asked else "")
    else:
        return backend
    names = " or ".join(NAMES.values())
    expected = f"{NAMES.get(kept, kept)}, on which the run began" if kept else names
    raise InputError("" if kept else "KERAS_BACKEND", expected, found, hint, place=run_id)


def load_keras(kept: str = "") -> Any:
    """Return Keras, imported with `SETTINGS`; at once where it is loaded already.

    Where other code has imported it, the settings are corrected for the whole process: see
    `users_settings_kept`.

    Args:
        kept: as for `check_can_compute`.

    Raises:
        InputError: as `check_can_compute`, or Keras cannot be imported.
    """
    global _is_ready
    if _is_ready and kept in ("", settled_backend()):
        return sys.modules["keras"]
    with _lock:
        backend = check_can_compute(kept)
        if not _is_ready:
            prepare_environment()
            _import_keras(backend)
            _is_ready = True
    return sys.modules["keras"]


@contextmanager
def users_settings_kept() -> Iterator[None]:
    """Set Keras to our settings inside, and to the caller's again afterwards.

    For callers whose process uses Keras for other purposes too, from several threads if need be.
    Where it is not loaded yet there is nothing to keep.
    """
    global _borrowers
    if not settled_backend():
        yield
        return
    config = sys.modules["keras"].config
    policy = config.dtype_policy()  # each thread has its own
    with _kept_lock:
        _borrowers += 1
        if _borrowers == 1:
            _kept.update((name, getattr(config, name)()) for name in KEPT if hasattr(config, name))
        _put_right(config)
    try:
        yield
    finally:
        with _kept_lock:
            _borrowers -= 1
            if _borrowers == 0:
                for name, value in _kept.items():
                    getattr(config, f"set_{name}")(value)
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


def _environment() -> Mapping[str, str]:
    return os.environ if _hidden is None else _hidden


def _import_keras(backend: str) -> None:
    try:
        with _own_settings(backend):
            keras = importlib.import_module("keras")
    except ImportError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            "", f"Keras to load on {NAMES[backend]}", reason, "install cifar-tui again, with pip"
        ) from error
    _put_right(keras.config)
    # Keras shall keep what a user's own code downloads in the user's folder, not in ours.
    config = sys.modules["keras.src.backend.config"]
    if getattr(config, "_KERAS_DIR", "") == str(HOME):  # there is no public way
        vars(config)["_KERAS_DIR"] = str(keras_folder())


@contextmanager
def _own_settings(backend: str) -> Iterator[None]:
    """Set the environment to what Keras is to read; restore the user's afterwards."""
    global _hidden
    _hidden = before = dict(os.environ)
    changed = {"KERAS_HOME", "KERAS_BACKEND", *IGNORED_VARIABLES}
    try:
        _set_variables(changed, keras_environment(before, backend))
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


def _put_right(config: Any) -> None:
    """Correct what Keras has read elsewhere, where it was imported before we could set it."""
    for name in KEPT:
        if hasattr(config, name):  # not all are in every Keras 3
            getattr(config, f"set_{name}")(SETTINGS.get(name))
    config.set_dtype_policy(SETTINGS["floatx"])
