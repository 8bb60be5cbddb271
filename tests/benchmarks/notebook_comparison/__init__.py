"""The benchmark: the exercise's notebook as plain Keras against this engine, in child processes."""

from __future__ import annotations

from notebook_comparison.child import ChildFailedError
from notebook_comparison.machine import Machine, describe_machine
from notebook_comparison.measurement import Measurement, median, ratios
from notebook_comparison.rounds import Bench, EngineCommand, check_bench, run_bench

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
