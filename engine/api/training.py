"""One run, from a call's arguments to its end: `train` and `resume`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from engine.api.planning import plan, with_weights
from engine.api.results import Folder, Run, folder, named
from engine.api.waiting import OnEvent, wait_for
from engine.config.kinds import unexpected
from engine.config.recipe import DEFAULT_RECIPE
from engine.config.settings import DISK_LIMIT_GB, BatchNorm, Keep, Options, Precision, check_limits
from engine.config.stage import Schedule, Unfreeze
from engine.errors import InputError
from engine.runs.directory import open_runs_dir
from engine.runs.resume import find_unfinished
from engine.sessions.local import Session

PATHS = ("recipe", "dataset", "data_path", "weights")
NO_OPTIONS = ("model", "runs_dir", "on_event", "seed")
SEVERAL = ("epochs", "learning_rates")
"""Options for which one number stands for a tuple of one."""


def train(
    model: str,
    *,
    runs_dir: Folder = "runs",
    on_event: OnEvent | None = None,
    recipe: Folder = DEFAULT_RECIPE.name,
    dataset: Folder = "cifar10",
    data_path: Folder | None = None,
    epochs: int | Sequence[int] | None = None,
    learning_rates: float | Sequence[float] | None = None,
    unfreeze_last: int | None = None,
    unfreezes: Sequence[Unfreeze] = (),
    block_every: int | None = None,
    schedule: Schedule | None = None,
    patience: int | None = None,
    image_size: int | None = None,
    batch_size: int | None = None,
    train_limit: int | None = None,
    validation: float | Literal["test"] | None = None,
    batchnorm: BatchNorm | None = None,
    flip: bool | None = None,
    views: int | None = None,
    label_smoothing: float | None = None,
    test_time_flip: bool | None = None,
    keep: Keep | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: Precision = "float32",
    weights: Run | Folder = "imagenet",
    feature_cache: bool = True,
    feature_memory_gb: float | None = None,
    feature_disk_gb: float = DISK_LIMIT_GB,
) -> Run:
    """Train one model with one seed, and wait for the end, as `cifar-tui train` does.

    An option that is None is left to the recipe or the catalogue. Ctrl+c while it waits ends the
    run after its batch with a checkpoint, then raises KeyboardInterrupt again: `engine.resume`
    with the path that the error notes, or `cifar-tui resume`, resumes from there. A second ctrl+c
    no longer waits for the checkpoint.

    Args:
        model: a name of the catalogue, in any case; `cifar-tui models` lists them.
        runs_dir: where runs are kept; made if it is missing.
        on_event: called with each event of `engine.protocol.events`, in order, on the thread that
            called this; a slow one does not delay the run. What it raises ends the run like ctrl+c,
            and is raised again from here.
        recipe: how to train: `quick`, `recommended`, `thorough`, `notebook`, `gradual`, `demo`, a
            saved one, or the path of a TOML file.
        dataset: `cifar10`, `cifar100`, `cifar10-mini`, `digits`, or the path of a folder of
            images.
        data_path: where the data of a known set are: archive, extracted folder or `.npz`.
        epochs: of each stage; of a model without pretrained weights their sum counts.
        learning_rates: of each stage.
        unfreeze_last: backbone layers, counted from the output, that fine-tuning starts with.
        unfreezes: layers that join in the course of the last stage.
        block_every: epochs of the last stage after which one more block joins.
        schedule: course of the learning rate over the last stage: `constant`, or `cosine`, which
            falls to zero at its end.
        patience: epochs without a better validation accuracy that end a stage.
        image_size: pixels a side, of backbones.
        batch_size: images per step.
        train_limit: only the first so many training images, the hold-out included.
        validation: share of the training images held out, or `test` for the test split.
        batchnorm: BatchNormalization of the backbone: `locked`, or as `keras` does it.
        flip: whether training images are seen mirrored half of the time.
        views: crops in which each training image is seen.
        label_smoothing: share of each label that the loss spreads over all classes.
        test_time_flip: whether the model averages its predictions for an image and its mirror
            image, at the test and as it is exported.
        keep: which weights are tested and exported: the `last`, or the `best` on the validation
            images.
        seed: of weights, hold-out and order.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        precision: `float32` or `mixed_bfloat16`.
        weights: `imagenet`, `none`, a file, or an earlier run.
        feature_cache: whether the features of frozen layers are kept.
        feature_memory_gb: 10⁹ bytes of them in memory; None for a share of what is free.
        feature_disk_gb: 10⁹ bytes of them on disk, of all runs together.

    Returns:
        The run, whose status is `completed`, or `stopped` if another process stopped it.

    Raises:
        InputError: an argument is not valid, or another run is running in this process; nothing is
            written then.
        RunError: the run failed; it has the run's path.
    """
    given = locals()  # before any other name: the arguments, all but a few of them options
    asked = {key: value for key, value in given.items() if key not in NO_OPTIONS}
    asked["seeds"] = [seed]
    if isinstance(weights, Run):
        asked["weights"] = str(weights.path)
    if not isinstance(model, str):
        raise unexpected("model", "the name of one model", model)
    where = folder("runs_dir", runs_dir)
    options, note = with_weights(_options(asked), where)
    if note:
        warnings.warn(note, stacklevel=2)
    specs = plan([model], options)
    return wait_for(lambda: Session(specs, open_runs_dir(where)), where, on_event)


def resume(run: Run | Folder, *, runs_dir: Folder = "runs", on_event: OnEvent | None = None) -> Run:
    """Resume an unfinished run from its last checkpoint, in its own folder, and wait for its end.

    Runs that waited behind it in a queue of the command line are left to `cifar-tui train`.

    Args:
        run: one that was stopped or interrupted, or that failed and has a checkpoint: a `Run`, its
            path, its id or a part of it that no other run has.
        runs_dir: where runs are kept, for an id.
        on_event: as for `train`.

    Returns:
        The same run, as it ended now.

    Raises:
        InputError: there is no such run, it is over or running, it began on another backend than
            this process has, or another run is running in this process.
        RunError: the run failed.
    """
    record = find_unfinished(folder("runs_dir", runs_dir), named("run", run))
    where = record.directory.path.parent
    return wait_for(
        lambda: Session((), open_runs_dir(where), resumes=record, whole_queue=False),
        where,
        on_event,
        record,
    )


def _options(asked: dict[str, Any]) -> Options:
    """Return the arguments as the options of a run.

    Raises:
        InputError: a value is of another type, or beyond its limits.
    """
    given = {name: _plain(value) for name, value in asked.items() if value is not None}
    for name in PATHS:
        if isinstance(value := given.get(name), (str, os.PathLike)):
            given[name] = os.path.expanduser(os.fspath(value))
    for name in (*SEVERAL, "seeds"):
        if name in given:
            given[name] = _several(given[name])
    given["unfreezes"] = _unfreezes(given.get("unfreezes", ()))
    options = Options(**given)
    # They have passed no `Kind` yet, whose types all later code takes for granted.
    try:
        check_limits(options)
    except InputError as error:
        if error.field != "seeds":
            raise
        raise InputError("seed", error.expected, error.found, error.hint) from error
    return options


def _plain(value: Any) -> Any:
    """Return a scalar of NumPy or pandas as the number that it is."""
    return value.item() if getattr(value, "shape", None) == () else value


def _several(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (value,)
    return tuple(map(_plain, value))


def _unfreezes(value: Any) -> tuple[Unfreeze, ...]:
    found = tuple(value) if isinstance(value, Iterable) else (value,)
    for each in found:
        if not isinstance(each, Unfreeze) or not all(
            isinstance(number, int) for number in (each.after_epoch, each.last or 0)
        ):
            raise unexpected("unfreezes", "engine.Unfreeze(after_epoch, last), each", repr(each))
    return found
