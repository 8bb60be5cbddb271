"""Runs to a table: which is the most accurate, which the fastest, and what each took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.runs import RunListing, RunRecord

if TYPE_CHECKING:
    from pandas import DataFrame

KINDS = {
    "run_id": "object",
    "model": "object",
    "dataset": "object",
    "status": "object",
    "test_accuracy": "float64",
    "val_accuracy": "float64",
    "train_seconds": "float64",
    "wall_seconds": "float64",
    "parameters": "Int64",
    "trainable_parameters": "Int64",
    "depth": "Int64",
    "flops": "Int64",
    "image_size": "Int64",
    "epochs": "Int64",
    "images_per_second": "float64",
    "weights": "object",
    "recipe": "object",
    "seed": "Int64",
    "ranked": "bool",
    "validation": "object",
    "batchnorm": "object",
    "batch_size": "Int64",
    "train_limit": "Int64",
    "stages": "object",
    "error": "object",
    "created_at": "float64",
}
"""The columns of a ranking and their pandas types. `validation` is `test` or the share held out."""


def rank_runs(listing: RunListing) -> DataFrame:
    """One row a run, best first.

    Ranked runs come first, by test accuracy and then by the seconds they trained; the others
    follow as listed, newest first. Accuracies are shares from 0 to 1, times are seconds, `flops`
    are those of one image.
    """
    import pandas

    rows = [_row(run) for run in listing.runs]
    frame = pandas.DataFrame(rows, columns=list(KINDS)).astype(KINDS)
    place = frame.assign(unranked=~frame["ranked"], listed=range(len(frame)))
    place.loc[place["unranked"], ["test_accuracy", "train_seconds"]] = None
    order = place.sort_values(
        ["unranked", "test_accuracy", "train_seconds", "listed"],
        ascending=[True, False, True, True],
    ).index
    return frame.loc[order].reset_index(drop=True)


def best(frame: DataFrame) -> str | None:
    """The run id of the highest test accuracy; of equals the one that trained faster."""
    ranked = frame[frame["ranked"]]
    return str(ranked["run_id"].iloc[0]) if len(ranked) else None


def fastest(frame: DataFrame) -> str | None:
    """The run id of the ranked, completed run that trained in the least seconds."""
    timed = frame["ranked"] & (frame["status"] == "completed") & frame["train_seconds"].notna()
    done = frame[timed]
    return str(done.sort_values("train_seconds")["run_id"].iloc[0]) if len(done) else None


def _row(run: RunRecord) -> dict[str, Any]:
    spec, summary = run.file.spec, run.summary
    measured = summary.wall_seconds > 0  # a run that wrote no summary has zeros for its times
    return {
        "run_id": run.run_id,
        "model": spec.model,
        "dataset": spec.dataset,
        "status": run.status,
        "test_accuracy": summary.test_accuracy,
        "val_accuracy": summary.val_accuracy,
        "train_seconds": summary.train_seconds if measured else None,
        "wall_seconds": summary.wall_seconds if measured else None,
        "parameters": summary.parameters,
        "trainable_parameters": summary.trainable_parameters,
        "depth": summary.depth,
        "flops": summary.flops,
        "image_size": spec.image_size,
        "epochs": summary.epochs,
        "images_per_second": summary.images_per_second,
        "weights": spec.weights,
        "recipe": spec.recipe,
        "seed": spec.seed,
        "ranked": summary.ranked and summary.test_accuracy is not None,
        "validation": spec.validation,
        "batchnorm": spec.batchnorm,
        "batch_size": spec.batch_size,
        "train_limit": spec.train_limit,
        "stages": summary.stages,
        "error": summary.error,
        "created_at": run.file.created_at,
    }
