"""Real runs combined: one file for plain Keras, with the figures that its record says."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from engine.analysis.predictions import load_predictions
from engine.analysis.test_images import read_test_split
from engine.common.progress import ignore_progress
from engine.config.ensemble import MODEL, Ensemble, Method
from engine.datasets.loading import load_dataset
from engine.datasets.split import limit_and_split
from engine.errors import InputError
from engine.protocol.events import Event, LogLine, PhaseChanged
from engine.ranking.table import rank_runs
from engine.runs.listing import RunRecord, list_runs, load_run, load_snapshot
from engine.runs.summary import summarize
from engine.tools.ensemble import combine
from engine.tools.export import export_run
from engine.tools.predict import Predictor
from tests.support.ensembles import names_in
from tests.support.small_net import in_mobilenets_place, narrow_custom_cnn
from tests.support.training import SCRATCH, Train, trainer_in

Combine = Callable[..., RunRecord]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real runs on photographs: `a` and `b` hold the same out, `c` others; `d` is another network.

    None of the tests changes it.
    """
    folder, made = tmp_path_factory.mktemp("trained"), tmp_path_factory.mktemp("runs")
    cache = tmp_path_factory.mktemp("cache")
    slower = dataclasses.replace(SCRATCH.stages[0], learning_rate=3e-4)
    asked: dict[str, dict[str, Any]] = {
        "a": {},
        "b": {"stages": (slower,)},
        "c": {"seed": 1},
        "d": {"model": "MobileNetV2", "batchnorm": "locked"},
    }
    train: Train = trainer_in(made)
    with narrow_custom_cnn(), in_mobilenets_place(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CACHE", str(cache))
        for name, differs in asked.items():
            run = train(dataclasses.replace(SCRATCH, **differs))
            assert run.status == "completed"
            shutil.copytree(run.directory.path, folder / name)
    return folder


@pytest.fixture
def combined(trained: Path, tmp_path: Path) -> Combine:
    """Combine runs of `trained` by their names."""

    def make(names: str, by: Method | None = None, **more: Any) -> RunRecord:
        return combine([load_run(trained / name) for name in names], tmp_path, by, **more)

    return make


def ensemble_of(run: RunRecord) -> Ensemble:
    assert run.file.spec.ensemble is not None
    return run.file.spec.ensemble


def check_as_reported(run: RunRecord) -> Any:
    """Check that plain Keras has from the one file what the run reports; return the model."""
    split = read_test_split(run.file.spec, None)
    model = keras.models.load_model(run.directory.model)
    found = model.predict(split.images, verbose=0)
    stored = load_predictions(run.directory)
    assert np.array_equal(stored.labels, split.labels)
    assert np.abs(found - stored.probabilities).max() < 1e-6
    accuracy = float((found.argmax(axis=1) == split.labels).mean())
    assert run.summary.test_accuracy == accuracy
    assert run.summary.test_images == len(split.labels)
    return model


def mean_of_members(trained: Path, names: str) -> Any:
    each = [load_predictions(load_run(trained / name).directory).probabilities for name in names]
    return np.mean(each, axis=0)


def test_probabilities_of_any_networks_are_averaged_in_one_model(
    trained: Path, combined: Combine
) -> None:
    run = combined("acd")
    ensemble = ensemble_of(run)
    assert (ensemble.by, ensemble.run_ids, ensemble.left_out) == ("probabilities", tuple("acd"), ())
    assert [member.weight for member in ensemble.members] == pytest.approx([1 / 3] * 3)
    model = check_as_reported(run)
    assert (model.input_shape, model.output_shape) == ((None, 32, 32, 3), (None, 10))
    # The runs' own predictions come from a faster form of their networks.
    found = load_predictions(run.directory).probabilities
    assert np.abs(found - mean_of_members(trained, "acd")).max() < 1e-3
    parts = [load_run(trained / name).summary.parameters or 0 for name in "acd"]
    assert run.summary.parameters == model.count_params() == sum(parts)


def test_where_splits_differ_nothing_is_chosen_and_a_line_says_so(combined: Combine) -> None:
    told: list[Event] = []
    ensemble = ensemble_of(combined("ac", on_event=told.append))
    lines = [event.text for event in told if isinstance(event, LogLine)]
    assert len(lines) == 1
    assert lines[0].startswith("nothing is chosen, all runs are averaged: they hold out ")
    assert (ensemble.validation_images, ensemble.val_accuracy, ensemble.left_out) == (0, None, ())


def test_members_are_chosen_by_what_all_held_out_and_are_never_worse_than_one_alone(
    trained: Path, combined: Combine
) -> None:
    run = combined("abd")
    ensemble = ensemble_of(run)
    assert {*ensemble.run_ids, *ensemble.left_out} == {*"abd"}
    data = load_dataset("cifar10-mini", None, ignore_progress)
    _, held_out = limit_and_split(data.train_labels, 150, 0.2, 0)
    assert ensemble.validation_images == len(held_out) == 30
    images, labels = data.train_images[held_out], data.train_labels[held_out]

    def measured(path: Path) -> tuple[float, float]:
        found = keras.models.load_model(path).predict(images, verbose=0)
        right = float((found.argmax(axis=1) == labels).mean())
        return right, -float(np.log(found[np.arange(30), labels]).mean())

    accuracy, loss = measured(run.directory.model)
    assert ensemble.val_accuracy == run.summary.val_accuracy == accuracy
    assert ensemble.val_loss == pytest.approx(loss, rel=1e-5)
    alone = [measured(trained / name / "model.keras") for name in "abd"]
    assert (-accuracy, loss - 1e-6) <= min((-right, lost) for right, lost in alone)


def test_weights_of_one_network_are_averaged_into_one(trained: Path, combined: Combine) -> None:
    run = combined("ac", "weights")
    assert ensemble_of(run).run_ids == ("a", "c")
    model = check_as_reported(run)
    members = [keras.models.load_model(trained / name / "model.keras") for name in "ac"]
    assert [layer.name for layer in model.layers] == [layer.name for layer in members[0].layers]
    for mean, *each in zip(model.get_weights(), *(m.get_weights() for m in members), strict=True):
        assert np.allclose(mean, np.mean(each, axis=0), atol=1e-6)
    assert run.summary.parameters == load_run(trained / "a").summary.parameters


@pytest.mark.slow("what a user does with it, after several combinations")
def test_both_ways_are_tried_where_both_are_possible(combined: Combine) -> None:
    told: list[Event] = []
    ensemble = ensemble_of(combined("ab", on_event=told.append))
    lines = [event.text for event in told if isinstance(event, LogLine)]
    assert [line.partition(":")[0].partition(" of ")[0] for line in lines] == [
        "a alone",
        "b alone",
        "mean weights",
        "mean probabilities",
    ]
    each = {by: ensemble_of(combined("ab", by)) for by in ("probabilities", "weights")}
    ranks = {by: (-(it.val_accuracy or 0), it.val_loss or 0) for by, it in each.items()}
    assert ensemble.by == min(("weights", "probabilities"), key=ranks.__getitem__)
    assert ensemble.run_ids == each[ensemble.by].run_ids
    assert ensemble.val_accuracy == each[ensemble.by].val_accuracy


def test_networks_of_other_sizes_get_the_images_in_theirs(tmp_path: Path) -> None:
    from engine.tools.ensemble_network import predict, with_mean_output

    def small(side: int) -> Any:
        images = keras.Input((side, side, 3), dtype="uint8")
        flat = keras.layers.Flatten()(keras.ops.cast(images, "float32") / 255.0)
        return keras.Model(images, keras.layers.Dense(3, activation="softmax")(flat))

    one, other = small(8), small(16)
    network = with_mean_output([one, other], (16, 16, 3))
    network.save(tmp_path / "both.keras")
    # A gradient, which any good filter reduces to itself.
    ramp = np.linspace(0, 255, 16, dtype=np.float32)
    image = np.broadcast_to(ramp[:, None, None], (16, 16, 3)).astype(np.uint8)
    half = image.reshape(8, 2, 8, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    found = predict(keras.models.load_model(tmp_path / "both.keras"), image[None], lambda _: None)
    expected = (one.predict_on_batch(half[None]) + other.predict_on_batch(image[None])) / 2
    assert np.abs(found - expected).max() < 0.05


def test_weights_of_other_networks_are_rejected_and_nothing_is_written(
    combined: Combine, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"^by: expected runs of one network, to average weights"):
        combined("ad", "weights")
    assert names_in(tmp_path) == set()


def test_its_record_is_one_of_a_run(trained: Path, combined: Combine, tmp_path: Path) -> None:
    run = combined("ac", "probabilities")
    assert run.run_id.endswith(f"-{MODEL.lower()}")
    assert names_in(tmp_path) == {run.run_id}
    assert load_run(run.directory.path) == run
    summaries = [load_run(trained / name).summary for name in "ac"]
    assert summarize(load_snapshot(run)) == run.summary
    seconds = sum(each.train_seconds for each in summaries)
    assert run.summary.train_seconds == pytest.approx(seconds)
    assert run.summary.wall_seconds > sum(each.wall_seconds for each in summaries)
    (row,) = rank_runs(list_runs(tmp_path)).rows
    assert (row["model"], row["ranked"], row["members"]) == (MODEL, True, ["a", "c"])
    assert row["timeline"] == "probabilities of 2 runs averaged"


@pytest.mark.slow("what a user does with it, after several combinations")
def test_it_predicts_and_is_exported_like_any_run(combined: Combine, tmp_path: Path) -> None:
    run = combined("ad")
    prediction = Predictor(run).predict_test_image(lambda numbers: numbers[3])
    found = load_predictions(run.directory).probabilities[3]
    assert prediction.classes[0][1] == pytest.approx(float(found.max()), abs=1e-5)
    for form, name in (("keras", "net.keras"), ("csv", "figures")):
        assert export_run(run, form, tmp_path / name).largest_difference < 1e-5


@pytest.mark.parametrize(
    "last",
    [
        "testing",
        *(
            pytest.param(phase, marks=pytest.mark.slow("other moments"))
            for phase in ("loading", "saving")
        ),
    ],
)
def test_an_interruption_leaves_nothing(combined: Combine, tmp_path: Path, last: str) -> None:
    reached: list[str] = []

    def interrupt(event: Event) -> None:
        if isinstance(event, PhaseChanged):
            reached.append(event.phase)
            if event.phase == last:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        combined("ac", on_event=interrupt)
    assert reached[-1] == last
    assert names_in(tmp_path) == set()
