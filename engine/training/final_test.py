"""The end of a run: the test images predicted once, the network exported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.backend.batches import Rows
from engine.common.atomic import written_whole
from engine.errors import InputError
from engine.features.pool import Pool
from engine.keras_setup.loaded import keras
from engine.metrics.catalogue import measure_all
from engine.protocol.events import PhaseChanged
from engine.training.control import Control
from engine.training.evaluation import PassCallback

AGREEMENT = 0.02
"""Largest difference of a probability between the step's form of the network and the exported
one: a wrong weight differs by more, the rounding of bfloat16 by less."""


class Tested(NamedTuple):
    """The result of the test."""

    loss: float
    """Mean cross-entropy."""
    accuracy: float
    metrics: dict[str, float]
    """Those of `engine.metrics` by key."""
    epoch: int | None = None
    """The epoch whose weights were tested."""


def predict_test(
    network: keras.Model,
    model: keras.Model,
    rows: Rows | None,
    pool: Pool,
    batch_size: int,
    callback: PassCallback,
    path: Path,
    control: Control,
    emit: Callable[[PhaseChanged], None],
) -> Tested | None:
    """Predict the test images and write labels and probabilities.

    Args:
        network: what is exported; it counts where the two do not agree.
        model: the step's form of it, which is faster.
        rows: what the step's form takes, for each view of the pool; None uses the network
            throughout.
        pool: the test images; the predictions for their views are averaged, as the network does.
        batch_size: images at a time.
        callback: reports the progress and stops the pass.
        path: of the predictions.
        control: waits while the disk has no room for them.
        emit: tells when the images are predicted and what is exported is compared.

    Returns:
        None where a Stop cut it short.

    Raises:
        InputError: some prediction is not finite.
        OSError: the predictions could not be written.
    """
    agrees = False
    if rows is not None:
        each = _predict(model, rows, np.arange(pool.rows), batch_size, callback)
        if callback.stopped:
            return None
        probabilities = each.reshape(pool.views, len(pool.labels), -1).mean(axis=0)
        # It traces the network, for seconds.
        emit(PhaseChanged(phase="testing", detail="the exported model"))
        agrees = _agrees(network, pool.images[:batch_size], probabilities)
    if not agrees:
        plain, order = Rows([pool.images], pool.labels), np.arange(len(pool.labels))
        callback.images = len(order)
        probabilities = _predict(network, plain, order, batch_size, callback)
    if callback.stopped:
        return None
    check_finite(probabilities)
    size = pool.labels.nbytes + probabilities.nbytes
    control.write(path, size, partial(save_predictions, path, pool.labels, probabilities))
    return measured(pool.labels, probabilities)


def check_finite(probabilities: Any) -> None:
    """Reject predictions that are not finite.

    Args:
        probabilities: float32 (images, classes).

    Raises:
        InputError: some are not.
    """
    broken = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(broken):
        raise InputError(
            "",
            "finite probabilities for the test images",
            f"others for {len(broken):,} of {len(probabilities):,}",
            "give other `weights`, or a lower `learning_rates`",
        )


def measured(labels: Any, probabilities: Any) -> Tested:
    """Measure predictions.

    Args:
        labels: int64 (images,), the true classes.
        probabilities: float32 (images, classes).
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean()
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    return Tested(float(loss), float(accuracy), measure_all(labels, probabilities))


def save_predictions(path: Path, labels: Any, probabilities: Any) -> None:
    """Write the labels and the probabilities of the test images, whole or not at all.

    Raises:
        OSError: they could not be written.
    """
    with written_whole(path) as aside:
        np.savez(aside, allow_pickle=False, labels=labels, probabilities=probabilities)


def _agrees(network: keras.Model, images: Any, probabilities: Any) -> bool:
    exported = np.asarray(network.predict_on_batch(images))
    return bool(np.abs(exported - probabilities[: len(images)]).max() <= AGREEMENT)


def _predict(
    model: keras.Model, rows: Rows, order: Any, batch_size: int, callback: PassCallback
) -> Any:
    batches = rows.batches(order, batch_size)
    return np.asarray(model.predict(batches, verbose=0, callbacks=[callback]))


def export_network(network: keras.Model, path: Path, control: Control) -> None:
    """Write the finished model, which plain Keras can load.

    Raises:
        OSError: it could not be written.
    """
    control.write(path, 4 * network.count_params(), partial(save_network, network, path))


def save_network(network: keras.Model, path: Path) -> None:
    """Write a network as a file of Keras, whole or not at all.

    Raises:
        OSError: it could not be written.
    """
    with written_whole(path) as aside:
        network.save(aside)
