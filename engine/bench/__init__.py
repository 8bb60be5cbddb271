"""The benchmark: the exercise's notebook as plain Keras against this engine, in child processes."""

from __future__ import annotations

from engine.bench.child import ChildFailedError
from engine.bench.machine import Machine, describe_machine
from engine.bench.measurement import Measurement, median, ratios
from engine.bench.rounds import Bench, EngineCommand, check_bench, run_bench

__all__ = [
    "Bench",
    "ChildFailedError",
    "EngineCommand",
    "Machine",
    "Measurement",
    "check_bench",
    "describe_machine",
    "median",
    "ratios",
    "run_bench",
]
