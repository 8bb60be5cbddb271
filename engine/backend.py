"""What is TensorFlow's own: its devices and its memory. Everything else speaks Keras 3.

Importing this module loads nothing; its functions load Keras and belong to the trainer thread.
"""

from __future__ import annotations

import gc
import os
from contextlib import AbstractContextManager
from typing import Any

from engine.errors import InputError

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}


def quiet() -> None:
    """Ask TensorFlow's C++ for less chatter; must come before its import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def name() -> str:
    """What computes, as people call it; known before it is loaded."""
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    return NAMES.get(backend, backend)


def choose_device(asked: str) -> str:
    """The device that Keras will compute on, `cpu:0` or `gpu:N`; loads the backend.

    Args:
        asked: `auto`, `cpu`, `gpu` or `gpu:N`.

    Raises:
        InputError: the device is not there, or the backend is none that works here.
    """
    quiet()
    import keras

    backend = keras.backend.backend()
    if backend not in NAMES:
        raise InputError(f"expected KERAS_BACKEND to be {' or '.join(NAMES)}, found {backend}")
    gpus = _prepare_tensorflow() if backend == "tensorflow" else _count_jax_gpus()
    if asked == "auto":
        asked = "gpu" if gpus else "cpu"
    kind, _, number = asked.partition(":")
    index = int(number or 0)
    if kind == "gpu" and index >= gpus:
        found = "none" if not gpus else f"{gpus}, numbered from 0"
        raise InputError(
            f"expected the device {asked}, found GPUs: {found}; choose --device cpu, or install "
            'GPU support with pip install "cifar-tui[gpu]"'
        )
    return f"{kind}:{index}"


def on_device(device: str) -> AbstractContextManager[Any]:
    """A scope in which Keras computes on a device that `choose_device` gave."""
    import keras

    scope: AbstractContextManager[Any] = keras.device(device)
    return scope


def jit_compile(device: str) -> bool | str:
    """What `compile` is told of XLA: on TensorFlow's CPU it is 4 to 10 times slower than without.

    Keras' "auto" looks at the machine's devices, not at the one in use.
    """
    import keras

    on_cpu = keras.backend.backend() == "tensorflow" and device.startswith("cpu")
    return False if on_cpu else "auto"


def release() -> None:
    """Give back what the last model held, so that the next one has the memory."""
    import keras

    keras.utils.clear_session()
    gc.collect()


def _prepare_tensorflow() -> int:
    import tensorflow

    gpus = tensorflow.config.list_physical_devices("GPU")
    for gpu in gpus:
        # TensorFlow takes nearly all of a GPU's memory at its first operation unless told.
        try:
            tensorflow.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:
            break  # a run before this one has started the devices
    return len(gpus)


def _count_jax_gpus() -> int:
    import jax  # type: ignore[import-not-found,unused-ignore]

    try:
        return len(jax.devices("gpu"))
    except RuntimeError:
        return 0


class Batches:
    """The images and labels of one split, held once, given out in batches in any order.

    On TensorFlow a pipeline of its own, since the one that `fit` makes from arrays is autotuned,
    and taking that down waits for its tuner's nap: up to 10 s at the end of every `fit`.
    """

    def __init__(self, images: Any, labels: Any) -> None:
        """Hold uint8 images (n, h, w, 3) and int64 labels (n,)."""
        import keras

        self._arrays = (images, labels)
        self._on_tensorflow = keras.backend.backend() == "tensorflow"
        if self._on_tensorflow:
            import tensorflow

            with tensorflow.device("CPU:0"):
                self._arrays = tuple(tensorflow.constant(array) for array in (images, labels))

    def __len__(self) -> int:
        return len(self._arrays[1])

    def batches(self, order: Any, batch_size: int) -> Any:
        """What `fit`, `evaluate` and `predict` take: batches of (images, labels).

        Args:
            order: indices int64 (m,) of the images to give, in this order.
            batch_size: of all batches but the last.
        """
        if self._on_tensorflow:
            return _tensorflow_batches(*self._arrays, order, batch_size)
        return _array_batches(*self._arrays, order, batch_size)


def _tensorflow_batches(images: Any, labels: Any, order: Any, batch_size: int) -> Any:
    import tensorflow

    with tensorflow.device("CPU:0"):
        indices = tensorflow.data.Dataset.from_tensor_slices(order).batch(batch_size)
        dataset = indices.map(
            lambda chosen: (tensorflow.gather(images, chosen), tensorflow.gather(labels, chosen))
        ).prefetch(2)
        options = tensorflow.data.Options()
        options.autotune.enabled = False
        return dataset.with_options(options)


def _array_batches(images: Any, labels: Any, order: Any, batch_size: int) -> Any:
    import keras

    class ArrayBatches(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return -(-len(order) // batch_size)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            chosen = order[index * batch_size : (index + 1) * batch_size]
            return images[chosen], labels[chosen]

    return ArrayBatches()
