"""How far each layer's weights moved in an epoch: the proof that frozen layers do not move."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.backend.devices import peek
from engine.keras_setup.loaded import keras
from engine.model.graph import leaf_layers
from engine.protocol.events import Event, LayersMoved, LogLine

Values = list[Any]
"""Copies of a layer's weights, moving statistics included, as NumPy arrays."""


class Movement:
    """Keeps a copy of all weights from the start of the epoch, and compares."""

    def __init__(self, network: keras.Model) -> None:
        """Watch a network; nothing is copied yet."""
        layers = leaf_layers(network)
        self._weights = {name: leaf.weights for name, leaf in layers.items() if leaf.weights}
        self._before: dict[str, Values] = {}
        self._frozen_at: dict[str, Values] = {}
        """Weights of the layers that were frozen in mid-epoch, from that moment."""
        self._trains: frozenset[str] = frozenset()
        self._broken: list[str] = []

    def freeze_applied(self, trains: frozenset[str]) -> None:
        """Note that exactly these layers train from the next batch on; possible in mid-epoch."""
        if not self._before:
            self._before = {name: self._read(name) for name in self._weights}
        for name in trains - self._trains:
            self._check_frozen(name)
            self._frozen_at.pop(name, None)
        for name in self._trains - trains:
            self._frozen_at[name] = self._read(name)
        self._trains = trains

    def tell(self, epoch: int, emit: Callable[[Event], None]) -> None:
        """Report what moved since the last time; a frozen layer that did is an error."""
        moved = self.measure(epoch)
        emit(moved)
        for name in moved.broken:
            text = f"{name} moved in epoch {epoch} while it was frozen; please report this"
            emit(LogLine(level="error", text=text))

    def measure(self, epoch: int) -> LayersMoved:
        """Return what moved since the last call, and which of it was frozen."""
        moved: dict[str, float] = {}
        for name in self._weights:
            if name not in self._trains:
                self._check_frozen(name)
            now = self._read(name) if name in self._trains else self._frozen_at.pop(name, None)
            if now is None:
                continue
            change = _relative_change(self._before[name], now)
            if change:
                moved[name] = change
            self._before[name] = now
        broken, self._broken = tuple(self._broken), []
        return LayersMoved(epoch=epoch, moved=moved, broken=broken)

    def _check_frozen(self, name: str) -> None:
        """Note a frozen layer that changed; its present values count from now on."""
        stood = self._frozen_at.get(name, self._before[name])
        now = self._peek(name)
        if not all(_same_bytes(a, b) for a, b in zip(stood, now, strict=True)):
            self._broken.append(name)
            self._frozen_at[name] = [np.array(values) for values in now]

    def _peek(self, name: str) -> Values:
        return [peek(weight) for weight in self._weights[name]]

    def _read(self, name: str) -> Values:
        return [np.array(values) for values in self._peek(name)]


def _same_bytes(one: Any, other: Any) -> bool:
    word = np.uint32 if one.dtype.itemsize == 4 else np.uint8
    if not one.shape:
        return bool(one.tobytes() == other.tobytes())
    return bool(np.array_equal(one.view(word), other.view(word)))


def _relative_change(before: Values, now: Values) -> float:
    """Return the norm of the change over the norm before, or over the norm now if that was 0."""
    change = _norm([b - a for a, b in zip(before, now, strict=True)])
    size = _norm(before) or _norm(now)
    return change / size if change else 0.0


def _norm(arrays: Values) -> float:
    return math.sqrt(sum(float(np.vdot(array, array)) for array in arrays))
