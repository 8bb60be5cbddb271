"""What the answers rest on: the best run of each model, the other runs, tests between them.

Runs of one data set are compared, the one asked for if it has any; the others are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.analysis.architecture import Architecture, describe_architecture, lacks_weights
from engine.analysis.comparison import McNemar, mcnemar
from engine.analysis.predictions import Predictions, load_predictions
from engine.common.text import Row, accuracy, known
from engine.config.settings import Options
from engine.errors import InputError
from engine.protocol.events import Event, FeaturesReady, FreezeApplied, HardwareSampled, RunStarted
from engine.ranking.row import ranking_row
from engine.runs.directory import RunDirectory
from engine.runs.listing import RunRecord, load_run, load_snapshot
from engine.runs.notes import Notes
from engine.runs.reading import read_thinned
from engine.runs.summary import summarize

MOST_MODELS = 12
"""Whose records are read; the ranking table still shows the others."""
MOST_OTHERS = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """A run that was tested, as far as the answers need it."""

    label: str
    """The model's name, with its recipe where the model was trained by several."""
    row: Row
    """Of the ranking."""
    architecture: Architecture | None = None
    frontiers: tuple[str, ...] = ()
    """First layer computed at every step, one per state of freezing; empty if nothing is kept."""
    read_features: bool = False
    """Whether an earlier run's features were read instead of extracted."""
    device: str = ""
    machine: str = ""
    """Host and hardware, as text."""
    versions: Mapping[str, str] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    tested_on: str = ""
    """The fingerprint of its test images; empty where there is none."""
    train_images: int | None = None
    """How many images it was trained on; None where they are not recorded."""
    name: str = ""
    """The shortest label that tells the contenders apart; of other runs the whole label."""

    def __post_init__(self) -> None:
        """The label where no shorter name is given."""
        if not self.name:
            object.__setattr__(self, "name", self.label)

    @property
    def accuracy(self) -> float:
        """On the test images, 0 to 1."""
        return float(self.row["test_accuracy"])

    @property
    def train_seconds(self) -> float | None:
        """None where they are not recorded."""
        seconds = self.row["train_seconds"]
        return float(seconds) if known(seconds) else None

    @property
    def is_timed(self) -> bool:
        """Whether it was completed, and how long it trained is known."""
        return self.row["status"] == "completed" and self.train_seconds is not None

    @property
    def is_pretrained(self) -> bool:
        """Whether it began with pretrained weights."""
        return str(self.row["weights"]) != "none"

    @property
    def knows_imagenet(self) -> bool:
        """Whether these are ImageNet's, and not those of a file."""
        return str(self.row["weights"]) == "imagenet"


@dataclass(frozen=True, slots=True)
class Pair:
    """The most accurate run and another one on the same test images."""

    best: Measured
    other: Measured
    test: McNemar | None
    """None where their predictions are not on record, or are of different images."""

    @property
    def is_open(self) -> bool:
        """Whether the difference was tested and is not significant."""
        return self.test is not None and not self.test.is_significant


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the answers and the report are made from."""

    dataset: str = ""
    contenders: tuple[Measured, ...] = ()
    """The best run of each model, most accurate first; with a single model, of each recipe."""
    others: tuple[Measured, ...] = ()
    """The best run of each further recipe of those models."""
    rows: tuple[Row, ...] = ()
    """All ranked runs of the data set, most accurate first."""
    pairs: tuple[Pair, ...] = ()
    predictions: Predictions | None = None
    """Of the most accurate run."""
    other_datasets: tuple[str, ...] = ()
    """Data sets whose ranked runs are left out."""
    unranked: int = 0
    """Runs without a test accuracy, on any data."""
    ensembles: int = 0
    """Tested runs that combine others, on any data: they are no models of their own."""

    @property
    def best(self) -> Measured | None:
        """The most accurate run."""
        return self.contenders[0] if self.contenders else None

    @property
    def has_leader(self) -> bool:
        """Whether no other contender has the same accuracy, as it is written."""
        written = [accuracy(run.accuracy) for run in self.contenders[:2]]
        return len(set(written)) == len(written)

    @property
    def described(self) -> list[tuple[Measured, Architecture]]:
        """The contenders whose networks are on record, with these."""
        return [(run, run.architecture) for run in self.contenders if run.architecture is not None]

    @property
    def timed(self) -> tuple[Measured, ...]:
        """The completed contenders whose training time is known, the fastest first."""
        runs = (run for run in self.contenders if run.is_timed)
        return tuple(sorted(runs, key=lambda run: run.train_seconds or 0.0))

    @property
    def measured(self) -> tuple[Measured, ...]:
        """Contenders and others."""
        return self.contenders + self.others


def gather(runs_dir: Path, dataset: str = "", only: Collection[str] = ()) -> Evidence:
    """Read what the answers need; a folder without ranked runs has no contenders.

    Args:
        runs_dir: the folder of runs.
        dataset: whose runs are compared, by its recorded name; where it has none, or none is
            named, the usual data set's, else those of the data set with the most runs.
        only: ids of the runs to look at; all of the folder where there are none.
    """
    from engine.ranking.index import ranking_rows

    rows = [row for row in ranking_rows(runs_dir).rows if not only or row["run_id"] in only]
    ranked = [row for row in rows if row["ranked"] and row["test_accuracy"] is not None]
    unranked, tested = len(rows) - len(ranked), len(ranked)
    ranked = [row for row in ranked if not row["members"]]
    ensembles = tested - len(ranked)
    if not ranked:
        return Evidence(unranked=unranked, ensembles=ensembles)
    datasets = Counter(row["dataset"] for row in ranked)
    wanted = (dataset, Options().dataset, datasets.most_common(1)[0][0])
    dataset = next(name for name in wanted if name in datasets)
    chosen = sorted((row for row in ranked if row["dataset"] == dataset), key=_place)
    first, beside = select(chosen)
    contenders = [_measure(runs_dir, row, label) for label, row in first]
    if len({row["model"] for _, row in first}) > 1:  # the model alone tells them apart
        contenders = [replace(run, name=_label(run.row, {})) for run in contenders]
    others = [_measure(runs_dir, row, label) for label, row in beside]
    filled = {run.row["run_id"]: run.row for run in (*contenders, *others)}
    predictions, pairs = _pairs(runs_dir, contenders)
    return Evidence(
        dataset,
        tuple(contenders),
        tuple(others),
        tuple(filled.get(row["run_id"], row) for row in chosen),
        pairs,
        predictions,
        tuple(sorted(set(datasets) - {dataset})),
        unranked,
        ensembles,
    )


def select(rows: Sequence[Row]) -> tuple[list[tuple[str, Row]], list[tuple[str, Row]]]:
    """Choose the best run of each model, and the best of each further recipe, with their labels.

    Args:
        rows: ranked runs, the best first.
    """
    by_recipe: dict[tuple[str, str], Row] = {}
    for row in rows:
        by_recipe.setdefault((row["model"], row["recipe"]), row)
    recipes = Counter(model for model, _ in by_recipe)
    first: dict[str, tuple[str, Row]] = {}
    beside = []
    for (model, _), row in by_recipe.items():
        entry = (_label(row, recipes), row)
        if model in first:
            beside.append(entry)
        else:
            first[model] = entry
    if len(first) == 1:
        return [*first.values(), *beside][:MOST_MODELS], []
    models = list(first)[:MOST_MODELS]
    others = [entry for entry in beside if entry[1]["model"] in models]
    return [first[model] for model in models], others[:MOST_OTHERS]


def _label(row: Row, recipes: Mapping[str, int]) -> str:
    notes = [row["recipe"]] if recipes.get(row["model"], 1) > 1 else []
    if lacks_weights(row):
        notes.append("random weights")
    return f"{row['model']} ({', '.join(notes)})" if notes else str(row["model"])


def _place(row: Row) -> tuple[float, float]:
    seconds = row["train_seconds"]
    return -row["test_accuracy"], seconds if seconds is not None else float("inf")


def _measure(runs_dir: Path, row: Row, label: str) -> Measured:
    try:
        record = load_run(runs_dir / row["run_id"])
    except InputError:  # removed since the rows were read
        return Measured(label, row)
    return measure(record, _filled(record, row), label, read_thinned(record.directory.events))


def _filled(record: RunRecord, row: Row) -> Row:
    """Complete a row whose early summary lacks figures, from the record instead."""
    if row["curve"] and row["test_images"]:
        return row
    found = summarize(load_snapshot(record))
    summary = replace(record.summary, curve=found.curve, test_images=found.test_images)
    whole_row = ranking_row(replace(record, summary=summary), Notes())
    return {key: whole_row[key] if value in (None, []) else value for key, value in row.items()}


def measure(record: RunRecord, row: Row, label: str, events: Iterable[Event]) -> Measured:
    """Read what a run's record adds to its row."""
    started: RunStarted | None = None
    hardware: HardwareSampled | None = None
    frontiers: list[str] = []
    sources = set()
    for event in events:
        if isinstance(event, RunStarted):
            started = event
        elif isinstance(event, HardwareSampled):
            hardware = event
        elif isinstance(event, FeaturesReady):
            sources.add(event.source)
        elif isinstance(event, FreezeApplied) and event.frontier not in frontiers[-1:]:
            frontiers.append(event.frontier)
    model = record.file.spec.model
    return Measured(
        label,
        row,
        describe_architecture(model, started.layers, started.model) if started else None,
        tuple(frontiers),
        "cache" in sources and "extracted" not in sources,
        record.summary.device,
        _machine_words(record.file.origin.host, hardware),
        record.file.origin.versions,
        started.data.class_names if started else (),
        started.data.test_fingerprint if started else "",
        started.data.train_images if started else None,
    )


def _machine_words(host: str, hardware: HardwareSampled | None) -> str:
    if hardware is None:
        return host
    cores = len(hardware.cpu_percent)
    parts = [host, f"{cores} {'core' if cores == 1 else 'cores'}"]
    parts.append(f"{hardware.memory_total_bytes / 2**30:.0f} GB of memory")
    return ", ".join([*parts, *(gpu.name for gpu in hardware.gpus)])


def _pairs(
    runs_dir: Path, contenders: Sequence[Measured]
) -> tuple[Predictions | None, tuple[Pair, ...]]:
    best, *rest = contenders
    try:
        predictions = load_predictions(RunDirectory(runs_dir / best.row["run_id"]))
    except InputError:
        return None, tuple(Pair(best, other, None) for other in rest)
    pairs = []
    for other in rest:
        test = None
        with suppress(InputError):
            theirs = load_predictions(RunDirectory(runs_dir / other.row["run_id"]))
            test = mcnemar(predictions, theirs, (best.tested_on, other.tested_on))
        pairs.append(Pair(best, other, test))
    return predictions, tuple(pairs)
