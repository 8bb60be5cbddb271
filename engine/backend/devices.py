"""What is TensorFlow's own: its devices and its memory. Everything else speaks Keras 3.

Importing this module loads nothing; its functions load Keras and belong to the trainer thread.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from engine.common.text import byte_size
from engine.errors import InputError
from engine.keras_setup.loading import NAMES, chosen_backend, load_keras, settled_backend
from engine.machine.sampler import read_memory


def name(wanted: str = "") -> str:
    """Return the usual name of the backend, known before it is loaded.

    Args:
        wanted: the backend by Keras' name, if not the chosen one.
    """
    backend = wanted or chosen_backend()
    return NAMES.get(backend, backend)


def kernels() -> str:
    """Return a text that differs wherever the last bits of a result may; load the backend."""
    import importlib

    keras = load_keras()
    backend = keras.backend.backend()
    version = importlib.import_module(backend).__version__
    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "")
    return f"keras {keras.version()} {backend} {version} {onednn}"


def choose_device(asked: str, wanted: str = "") -> str:
    """Return the device that Keras will compute on, `cpu:0` or `gpu:N`; load the backend.

    Args:
        asked: `auto`, `cpu`, `gpu` or `gpu:N`.
        wanted: the backend by Keras' name; the chosen one when empty.

    Raises:
        InputError: the device is missing, or the backend does not work here.
    """
    load_keras(wanted)
    gpus = _prepare_tensorflow()
    if asked == "auto":
        asked = "gpu" if gpus else "cpu"
    kind, _, number = asked.partition(":")
    index = int(number or 0)
    if kind == "gpu" and index >= gpus:
        found = f"{gpus} GPUs, numbered from 0" if gpus else "no GPU"
        support = 'install GPU support with `pip install "cifar-tui[gpu]"`'
        raise InputError("", f"the device {asked}", found, f"choose `device` cpu, or {support}")
    return f"{kind}:{index}"


def on_device(device: str) -> AbstractContextManager[Any]:
    """Return a scope in which Keras computes on a device from `choose_device`."""
    scope: AbstractContextManager[Any] = load_keras().device(device)
    return scope


def is_tensorflow() -> bool:
    """Return whether TensorFlow computes; else it is JAX, on the CPU."""
    return bool(load_keras().backend.backend() == "tensorflow")


def jit_compile(device: str) -> bool | str:
    """Return `compile`'s setting for XLA where nothing was measured.

    TensorFlow's CPU is 4 to 10 times slower with it. Keras' "auto" looks at the machine's devices,
    not at the one in use.
    """
    return False if fuses(device) else "auto"


def measures_xla(device: str) -> bool:
    """Return whether only a measurement tells if XLA is faster: on TensorFlow's GPUs."""
    return is_tensorflow() and device.startswith("gpu")


def device_name(device: str) -> str:
    """Return what a GPU calls itself, such as `NVIDIA H200`; of a CPU the device itself."""
    kind, _, number = device.partition(":")
    if kind != "gpu":
        return device
    import tensorflow

    gpu = tensorflow.config.list_physical_devices("GPU")[int(number)]
    details = tensorflow.config.experimental.get_device_details(gpu)
    return str(details.get("device_name", device))


def has_memory_limit(device: str) -> bool:
    """Return whether an allocation can fail: on a GPU, or if the user set a limit for the CPU."""
    return device.startswith("gpu") or "TF_CPU_BFC_MEM_LIMIT_IN_MB" in os.environ


def memory_in_words(device: str) -> str:
    """Return a phrase of the memory that a device uses and has in all."""
    if device.startswith("gpu"):
        import tensorflow

        used = tensorflow.config.experimental.get_memory_info(device.upper())["current"]
        return f"{byte_size(used)} of {device} are in use"
    memory = read_memory()
    return f"{byte_size(memory.used_bytes)} of {byte_size(memory.total_bytes)} are in use"


def fuses(device: str) -> bool:
    """Return whether the form of `engine.backend.fused` is faster here."""
    return is_tensorflow() and device.startswith("cpu")


def on_constants(
    function: Callable[..., Any], signature: Sequence[tuple[Any, str]], variables: Sequence[Any]
) -> Any:
    """Compile a function of tensors for many calls with the variables' present values.

    TensorFlow then folds what depends on nothing else, and lays the kernels out only once.

    Args:
        function: takes and returns tensors.
        signature: shape and dtype of each argument.
        variables: all Keras variables that it may read.
    """
    if not is_tensorflow():
        return _jitted(function, variables)
    import tensorflow
    from tensorflow.python.framework import convert_to_constants

    arguments = [tensorflow.TensorSpec(shape, dtype) for shape, dtype in signature]
    traced = tensorflow.function(function, autograph=False).get_concrete_function(*arguments)
    return convert_to_constants.convert_variables_to_constants_v2(traced)


def _jitted(function: Callable[..., Any], variables: Sequence[Any]) -> Any:
    """Compile a function for JAX, which is given the values: it would fold them all for minutes."""
    import jax  # type: ignore[import-not-found,unused-ignore]

    scope = load_keras().StatelessScope

    @jax.jit  # type: ignore[untyped-decorator,unused-ignore]
    def on_values(values: Any, given: Any) -> Any:
        with scope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*given)

    values = [variable.value for variable in variables]
    return lambda *given: on_values(values, given)


def peek(variable: Any) -> Any:
    """Return a Keras variable's values as an array to read at once: on the CPU without a copy."""
    import numpy as np

    value = variable.value
    # Converting the variable itself copies, and takes four times as long.
    return np.asarray(value.value() if is_tensorflow() else value)


def apply_adam(
    variable: Any,
    momentum: Any,
    velocity: Any,
    gradient: Any,
    rate: Any,
    powers: tuple[Any, Any],
    settings: tuple[float, float, float],
) -> bool:
    """Take one step of Adam as a single operation; False where the backend has none.

    Args:
        variable: Keras variable, changed in place, as are its two slots.
        momentum: first moment.
        velocity: second moment.
        gradient: of the variable's shape.
        rate: learning rate.
        powers: beta_1 and beta_2 to the power of the step.
        settings: beta_1, beta_2, epsilon.
    """
    if not is_tensorflow():
        return False
    import tensorflow

    handles = [_handle(v) for v in (variable, momentum, velocity)]
    tensorflow.raw_ops.ResourceApplyAdam(
        var=handles[0],
        m=handles[1],
        v=handles[2],
        beta1_power=powers[0],
        beta2_power=powers[1],
        lr=rate,
        beta1=settings[0],
        beta2=settings[1],
        epsilon=settings[2],
        grad=gradient,
    )
    return True


def _handle(variable: Any) -> Any:
    # Keras passes an optimizer TensorFlow's variable in `fit` and its own elsewhere.
    value = getattr(variable, "value", variable)
    return (variable if callable(value) else value).handle


def release() -> None:
    """Free what the last model held, so that the next one has the memory."""
    if settled_backend() in NAMES:
        load_keras().utils.clear_session()
    gc.collect()


def _prepare_tensorflow() -> int:
    """Return how many GPUs compute here: TensorFlow's, where it is not only to feed JAX."""
    import tensorflow

    gpus = tensorflow.config.list_physical_devices("GPU")
    for gpu in gpus:
        # Unless set, TensorFlow takes nearly all of a GPU's memory at its first operation.
        try:
            tensorflow.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:
            break  # a run before this one has started the devices
    return len(gpus) if is_tensorflow() else 0
