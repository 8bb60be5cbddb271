"""What makes a comparison of runs unfair, one sentence for each reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from engine.analysis.architecture import lacks_weights
from engine.analysis.evidence import Evidence, Measured
from engine.analysis.grammar import MOST_WORDS, agreeing, counted, listed, number_word
from engine.common.text import known, whole


def unfair(evidence: Evidence) -> list[str]:
    """List the warnings that belong to the answers; none if the comparison is fair."""
    runs = evidence.contenders
    return [
        *_left_out(evidence),
        *_few_runs(evidence),
        *_differing(runs),
        *_limited(runs),
        *_epochs(runs),
        *_remarks(runs),
        *_picked(evidence),
    ]


def _left_out(evidence: Evidence) -> Iterable[str]:
    if evidence.other_datasets:
        yield (
            f"Runs on {listed(evidence.other_datasets)} are left out: their accuracies cannot be "
            f"compared with those on {evidence.dataset}."
        )
    if evidence.unranked:
        verb = "is" if evidence.unranked == 1 else "are"
        runs = counted(evidence.unranked, "run")
        yield f"{runs[:1].upper()}{runs[1:]} without a test accuracy {verb} left out."
    if evidence.ensembles:
        verb, which = ("is", "it combines") if evidence.ensembles == 1 else ("are", "they combine")
        what = counted(evidence.ensembles, "ensemble")
        yield f"{what[:1].upper()}{what[1:]} {verb} left out: {which} the models of other runs."


def _few_runs(evidence: Evidence) -> Iterable[str]:
    runs = evidence.contenders
    if len(runs) == 1:
        yield f"There is only one model, {runs[0].name}, so nothing is compared."
    models = {row["model"] for row in evidence.rows}
    if len({(row["model"], row["seed"]) for row in evidence.rows}) == len(models):
        whose = "The model" if len(models) == 1 else "Each model"
        yield f"{whose} was trained with one seed only, so the variation between seeds is unknown."


def _differing(runs: Sequence[Measured]) -> Iterable[str]:
    for what, consequence, text in _DIFFERENCES:
        by_text: dict[str, list[str]] = {}
        for run in runs:
            if text(run):
                by_text.setdefault(text(run), []).append(run.name)
        if len(by_text) > 1:
            parts = [f"{words} for {listed(labels)}" for words, labels in by_text.items()]
            yield f"{what} ({'; '.join(parts)}): {consequence}."


_DIFFERENCES: tuple[tuple[str, str, Callable[[Measured], str]], ...] = (
    (
        "The recipes differ",
        "the difference may come from the recipe as well as from the architecture",
        lambda run: str(run.row["recipe"]),
    ),
    (
        "The input sizes differ",
        "both accuracy and time depend on the input size",
        lambda run: f"{whole(run.row['image_size'])} px",
    ),
    (
        "The batch sizes differ",
        "both accuracy and time depend on the batch size",
        lambda run: f"{whole(run.row['batch_size'])} images",
    ),
    (
        "The models were not trained on the same machine",
        "their times cannot be compared",
        lambda run: run.machine.partition(",")[0],
    ),
    (
        "The models were not trained on the same device",
        "their times cannot be compared",
        lambda run: run.device.partition(":")[0],
    ),
    (
        "The models were tested on different numbers of images",
        "their accuracies cannot be compared",
        lambda run: whole(run.row["test_images"]) if run.row.get("test_images") else "",
    ),
)
"""What differs, what follows from it, and how to get the value of a run."""


def _limited(runs: Sequence[Measured]) -> Iterable[str]:
    limits = {run.name: run.row["train_limit"] for run in runs if known(run.row["train_limit"])}
    if not limits:
        return
    parts = [f"{label} used only the first {whole(limit)}" for label, limit in limits.items()]
    everyone = len(limits) == len(runs) and len(set(limits.values())) == 1
    if everyone:
        only = whole(next(iter(limits.values())))
        yield f"Only the first {only} training images were used; more would change the results."
    else:
        rest = "" if len(limits) == len(runs) else "; the others used all of them"
        yield f"The models were not trained on the same images: {listed(parts)}{rest}."


def _epochs(runs: Sequence[Measured]) -> Iterable[str]:
    epochs = {run.row["epochs"] for run in runs}
    if len(epochs) > 1:
        parts = [f"{run.name} {whole(run.row['epochs'])}" for run in runs]
        yield f"The models were not trained for the same number of epochs: {listed(parts)}."


_REMARKS: tuple[tuple[Callable[[Measured], bool], str, str, str], ...] = (
    (
        lambda run: lacks_weights(run.row),
        *("was", "were"),
        "trained from random weights although pretrained ones exist, so the result shows less "
        "than the architecture can achieve",
    ),
    (
        lambda run: bool(run.row["validation"] == "test"),
        *("used", "used"),
        "the test split for validation: any choice made on it makes the test accuracy look "
        "better than it is",
    ),
    (
        lambda run: bool(run.row["test_time_flip"]),
        *("was", "were"),
        "tested with mirror images, too: that adds accuracy, and a prediction costs twice as much",
    ),
    (
        lambda run: bool(run.row["status"] == "stopped"),
        *("was", "were"),
        "stopped before the end of the recipe and might have improved further",
    ),
    (
        lambda run: run.read_features,
        *("reused", "reused"),
        "the features that an earlier run had extracted, so the training time does not include "
        "the extraction",
    ),
)
"""Which runs it holds for, the verb for one and for many of them, and the rest of a sentence."""


def _remarks(runs: Sequence[Measured]) -> Iterable[str]:
    for holds, one, many, rest in _REMARKS:
        names = [run.name for run in runs if holds(run)]
        if names:
            yield f"{agreeing(names, one, many)} {rest}."


def _picked(evidence: Evidence) -> Iterable[str]:
    runs_of = Counter(row["model"] for row in evidence.rows)
    many = {run.row["model"]: runs_of[run.row["model"]] or 1 for run in evidence.contenders}
    if len(many) > 1 and len(set(many.values())) > 1:
        parts = [f"{_tries(n)} for {model}" for model, n in many.items()]
        yield (
            "Each model is represented by the run with its highest test accuracy, out of unequal "
            f"numbers of runs ({listed(parts)}): the more runs there are to choose from, the "
            "better the best one looks."
        )


def _tries(n: int) -> str:
    # A larger number would be in no table.
    return number_word(n) if n <= MOST_WORDS else "many"
