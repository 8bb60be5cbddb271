"""Which runs can be combined, and one clear line about those that cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from engine.errors import InputError
from engine.protocol.facts import SampleRange
from engine.runs.listing import RunRecord, load_run
from engine.tools.ensemble_candidates import can_average_weights, find_candidates
from tests.support.ensembles import NAMES, exported_run, write_ensemble
from tests.support.runs import RunWriter


def pair(write_run: RunWriter, **of_second: Any) -> list[RunRecord]:
    """Two finished runs, the second of which differs in something."""
    return [exported_run(write_run), exported_run(write_run, **of_second)]


def test_runs_of_one_data_set_fit_together_whatever_trained(write_run: RunWriter) -> None:
    runs = pair(write_run, model="MobileNetV2", image_size=96, seed=1, train_limit=500)
    found = find_candidates(runs)
    assert [each.run_id for each in found] == [run.run_id for run in runs]
    assert found[0].started.data.class_names == NAMES
    assert not can_average_weights(found)


def test_weights_belong_together_by_model_size_and_precision(write_run: RunWriter) -> None:
    assert can_average_weights(find_candidates(pair(write_run, seed=3), "weights"))
    others: Sequence[dict[str, Any]] = (
        {"model": "VGG16"},
        {"image_size": 16},
        {"precision": "mixed_bfloat16"},
    )
    for other in others:
        runs = pair(write_run, **other)
        assert not can_average_weights(find_candidates(runs))
        with pytest.raises(InputError) as rejected:
            find_candidates(runs, "weights")
        line = str(rejected.value)
        assert line.startswith("by: expected runs of one network, to average weights, found ")
        assert all(run.run_id in line for run in runs)
        assert line.endswith("; give `by` probabilities, which takes any")


@pytest.mark.parametrize(
    ("differs", "words"),
    [
        ({"dataset": "cifar10"}, "expected runs of one data set, found digits in {} and cifar10"),
        ({"class_names": NAMES[:9]}, "found 10 classes in {} and 9 classes in {}"),
        (
            {"class_names": ("nought", *NAMES[1:])},
            "runs of the same classes, found class 0 as 'digit 0' in {} and as 'nought' in {}",
        ),
        ({"test_images": 400}, "found 500 test images in {} and 400 test images in {}"),
        ({"test_fingerprint": "ab"}, "found other test images in {} than in {}; train one of"),
        ({"ranges": (SampleRange("float", 0.0, 2.0),)}, "samples scaled otherwise in {} than in"),
    ],
)
def test_two_runs_that_do_not_fit_are_both_named(
    write_run: RunWriter, differs: dict[str, Any], words: str
) -> None:
    runs = pair(write_run, **differs)
    with pytest.raises(InputError) as rejected:
        find_candidates(runs)
    assert words.format(*(run.run_id for run in runs)) in str(rejected.value)


def stopped(write_run: RunWriter) -> RunRecord:
    return exported_run(write_run, status="stopped")


def without_model(write_run: RunWriter) -> RunRecord:
    run = exported_run(write_run)
    run.directory.model.unlink()
    return run


def interrupted(write_run: RunWriter) -> RunRecord:
    return load_run(write_run.runs_dir / write_run(status="interrupted", dataset="digits"))


def without_record(write_run: RunWriter) -> RunRecord:
    run = exported_run(write_run)
    run.directory.events.unlink()
    return run


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (stopped, "expected a finished run, found one that is stopped; `cifar-tui resume 2"),
        (without_model, "its model.keras, found one that is completed and has none; its model"),
        (interrupted, "its model.keras, found one that is interrupted and has none; `cifar-tui r"),
        (without_record, "expected a record of what it was trained on, found none in events.jsonl"),
        (write_ensemble, "expected runs of one network each, found the ensemble 2"),
    ],
)
def test_a_run_that_cannot_be_a_member_is_named(
    write_run: RunWriter, make: Callable[[RunWriter], RunRecord], words: str
) -> None:
    runs = [exported_run(write_run), make(write_run)]
    with pytest.raises(InputError) as rejected:
        find_candidates(runs)
    line = str(rejected.value)
    assert words in line
    assert runs[1].run_id in line


def test_the_members_of_an_ensemble_are_named_to_be_given_instead(write_run: RunWriter) -> None:
    ensemble = write_ensemble(write_run)
    assert ensemble.file.spec.ensemble is not None
    with pytest.raises(InputError, match=" ".join(ensemble.file.spec.ensemble.run_ids)):
        find_candidates([ensemble, exported_run(write_run)])


def test_one_run_or_the_same_twice_is_no_ensemble(write_run: RunWriter) -> None:
    run = exported_run(write_run)
    with pytest.raises(InputError, match=f"expected two runs or more, found {run.run_id} alone"):
        find_candidates([run])
    with pytest.raises(InputError, match=f"expected each run once, found {run.run_id} twice"):
        find_candidates([run, exported_run(write_run), run])
