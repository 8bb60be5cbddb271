"""The benchmark's rounds: notebook, this engine cold, then warm, one process after the other."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.backbones.catalogue import find_backbone
from engine.common.codec import to_plain
from engine.common.folders import CACHE_VARIABLE
from engine.common.text import accuracy, byte_size, duration, whole
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.keras_setup.loading import keras_environment
from engine.protocol.events import EpochEnded, Event, FeaturesReady, PhaseChanged, event_from_line
from notebook_comparison.child import ChildFailedError, engine_environment, run_child
from notebook_comparison.machine import Machine, describe_machine
from notebook_comparison.measurement import (
    EngineRun,
    Measurement,
    measure_notebook,
    median,
    ratios,
)
from notebook_comparison.preparation import BASE_FILE, DATA_FILE, SPEC_FILE

MAX_ROUNDS = 100
NOTEBOOK_FILE = Path(__file__).resolve().parents[1] / "notebook.py"
PREPARATION_FILE = Path(__file__).with_name("preparation.py")
"""Run as a file: a child finds the engine on its path, and no benchmark."""
PHASES_SAID = ("loading", "downloading", "extracting", "testing")

Say = Callable[[str], None]
EngineCommand = Callable[[RunSpec, Path, bool], Sequence[str]]
"""The arguments that train a spec with events as JSON on standard output, given the folder for its
runs and whether it keeps features."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All that was measured; `cold`, `warm`, `notebook`, and `plain` where it was asked for."""

    spec: RunSpec
    machine: Machine
    medians: dict[str, Measurement]
    """Over the rounds; of memory the highest."""
    ratios: dict[str, float]
    """Seconds of the notebook over this engine's: `cold`, `warm`, `plain`, `head_warm`."""
    rounds: tuple[dict[str, Measurement], ...]


def check_bench(spec: RunSpec, rounds: int) -> None:
    """Reject what cannot be compared with the notebook.

    Raises:
        InputError: a model without a backbone, or a number of rounds that makes no sense.
    """
    if find_backbone(spec.model).from_scratch:
        raise InputError(
            "--model",
            "one with a pretrained backbone",
            spec.model,
            "the notebook has none to freeze there",
        )
    if not 1 <= rounds <= MAX_ROUNDS:
        raise InputError("--repeat", f"1 to {MAX_ROUNDS}", str(rounds))


def run_bench(
    spec: RunSpec,
    engine_command: EngineCommand,
    say: Say,
    *,
    rounds: int = 1,
    with_plain: bool = False,
) -> Bench:
    """Measure, one process at a time; its files lie in a temporary folder that it removes.

    Args:
        spec: of this engine's runs; the notebook gets the same images, backbone, sizes and seed.
        engine_command: how to start this engine.
        say: told in a line what happens.
        rounds: how often each is measured.
        with_plain: measure this engine without its feature cache, too.

    Raises:
        InputError: the comparison makes no sense.
        ChildFailedError: one of the processes failed.
    """
    check_bench(spec, rounds)
    with tempfile.TemporaryDirectory(prefix="cifar-tui-bench-") as name:
        one = Round(spec, engine_command, say, Path(name))
        one.prepare()
        measured = []
        for number in range(1, rounds + 1):
            one.title = f"round {number} of {rounds}, " if rounds > 1 else ""
            measured.append(one.measure(with_plain))
        medians = {key: median([found[key] for found in measured]) for key in measured[0]}
        machine = describe_machine(one.device, one.gpus)
        return Bench(spec, machine, medians, ratios(medians), tuple(measured))


class Round:
    """The processes of a round, over one prepared folder."""

    def __init__(self, spec: RunSpec, command: EngineCommand, say: Say, folder: Path) -> None:
        """Begin with nothing prepared; the arguments are those of `run_bench`."""
        self._spec = spec
        self._command = command
        self._say = say
        self._folder = folder
        self._log = folder / "stderr.log"
        self.title = ""
        self.device = ""
        self.gpus: tuple[str, ...] = ()

    def prepare(self) -> None:
        """Write images and backbone for the notebook; nobody's time."""
        (self._folder / SPEC_FILE).write_text(json.dumps(to_plain(self._spec)), encoding="utf-8")
        command = [sys.executable, "-P", str(PREPARATION_FILE), str(self._folder)]
        self._run_engine("preparation", command, {})

    def measure(self, with_plain: bool) -> dict[str, Measurement]:
        """Measure each program once."""
        found = {"notebook": self.measure_notebook()}
        with tempfile.TemporaryDirectory(prefix="cache-", dir=self._folder) as cache_name:
            cache = {CACHE_VARIABLE: cache_name}
            found["cold"] = self._measure_engine("cold", cache, feature_cache=True)
            found["warm"] = self._measure_engine("warm", cache, feature_cache=True)
            if with_plain:
                found["plain"] = self._measure_engine("plain", cache, feature_cache=False)
        return found

    def measure_notebook(self) -> Measurement:
        """Measure the notebook once, after `prepare`."""
        lines: list[str] = [""]

        def hear(line: str) -> None:
            if lines[-1].strip():
                self._say(f"{self.title}notebook: {lines[-1].strip()}")
            lines.append(line)

        command = [sys.executable, "-P", *self._notebook_arguments()]
        peak = run_child(
            "the notebook",
            command,
            self._environment(keras_environment(os.environ)),
            hear,
            self._log,
        )
        try:
            return measure_notebook(json.loads(lines[-1]), peak)
        except (ValueError, KeyError, TypeError) as error:
            raise ChildFailedError(
                f"the notebook failed: expected its figures last, found {lines[-1][:80]!r}"
            ) from error

    def _environment(self, environment: dict[str, str]) -> dict[str, str]:
        """With temporary files here, for a process that is killed leaves its own behind."""
        return environment | {"TMPDIR": str(self._folder)}

    def _notebook_arguments(self) -> list[str]:
        spec, backbone = self._spec, find_backbone(self._spec.model)
        options = {
            "--base": self._folder / BASE_FILE,
            "--preprocessing": backbone.module or "lite0",
            "--data": self._folder / DATA_FILE,
            "--image-size": spec.image_size,
            "--epochs": ",".join(str(stage.epochs) for stage in spec.stages),
            "--batch-size": spec.batch_size,
            "--seed": spec.seed,
        }
        return [str(NOTEBOOK_FILE), *(f"{flag}={value}" for flag, value in options.items())]

    def _measure_engine(
        self, name: str, environment: dict[str, str], *, feature_cache: bool
    ) -> Measurement:
        with tempfile.TemporaryDirectory(prefix="runs-", dir=self._folder) as runs_dir:
            command = self._command(self._spec, Path(runs_dir), feature_cache)
            run, peak = self._run_engine(name, command, environment)
        snapshot = run.snapshot()
        if snapshot.status != "completed" or snapshot.test is None:
            raise ChildFailedError(f"{name} run failed: expected its end, found {snapshot.status}")
        self.device, self.gpus = snapshot.device, run.gpus
        return run.measurement(peak)

    def _run_engine(
        self, name: str, command: Sequence[str], environment: dict[str, str]
    ) -> tuple[EngineRun, int]:
        run = EngineRun(self._spec)

        def hear(line: str) -> None:
            event = event_from_line(line)
            if event is not None:
                run.apply(event)
                for text in describe(event):
                    self._say(f"{self.title}{name}: {text}")

        try:
            peak = run_child(
                name, command, self._environment(engine_environment(**environment)), hear, self._log
            )
        except ChildFailedError as failure:
            # The run itself says better than its process why it failed.
            error = run.snapshot().error
            if not error:
                raise
            raise ChildFailedError(f"{name} failed: {error}") from failure
        except InputError as error:
            raise ChildFailedError(f"{name} failed: {error}") from error
        return run, peak


def describe(event: Event) -> list[str]:
    """What to say of an event while it runs: a line for a phase and for an epoch."""
    if isinstance(event, PhaseChanged) and event.phase in PHASES_SAID:
        return [" ".join(filter(None, (event.phase, event.detail)))]
    if isinstance(event, EpochEnded):
        seconds = duration(event.train_seconds + event.validation_seconds)
        return [
            f"epoch {event.epoch} ended, {seconds}, "
            f"validation accuracy {accuracy(event.val_accuracy)}"
        ]
    if isinstance(event, FeaturesReady):
        size = f"{whole(event.images)} images, {byte_size(event.bytes)} ({event.held})"
        return [f"features ready ({event.source}): {size}"]
    return []
