"""Data sets that are added, as the page for contributors adds them, under the real trainer."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import dataset_names
from engine.config.dataset_names import DatasetRow, known_names, title
from engine.config.stage import Stage
from engine.protocol.events import FeaturesReady, PhaseProgressed, RunEnded, RunStarted, TestEnded
from tests.support.data_sets import report_on
from tests.support.packages import BIRDS, installed_in, page_files, write_dots, write_package
from tests.support.small_net import narrow_custom_cnn, small_spec
from tests.support.training import SCRATCH, Train

ONE_EPOCH = dataclasses.replace(SCRATCH, stages=(Stage("all", 1, 1e-2, None),), train_limit=None)


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """A narrow CustomCNN."""
    with narrow_custom_cnn():
        yield


@pytest.fixture
def stripes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set of the page among those that are built in."""
    files = page_files()
    row = eval(files["engine/config/dataset_names.py"], {"DatasetRow": DatasetRow})
    name = row.source.partition(":")[0]
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(files[f"{name.replace('.', '/')}.py"], module.__dict__)
    monkeypatch.setattr(dataset_names, "BUILT_IN", (*dataset_names.BUILT_IN, row))


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Path]:
    """The folder in which this process finds packages as well."""
    folder = tmp_path / "packages"
    folder.mkdir()
    with installed_in(folder):
        yield folder


@pytest.mark.usefixtures("stripes")
def test_a_class_and_a_row_are_a_data_set(train: Train) -> None:
    assert known_names()[-2:] == ("digits", "stripes")
    assert title("stripes") == "stripes"
    report = report_on("stripes")
    assert sum(each.train for each in report.classes) == 80
    run = train(dataclasses.replace(ONE_EPOCH, dataset="stripes"))
    assert run.status == "completed"
    (started,) = run.all(RunStarted)
    data = started.data
    assert (data.train_images, data.validation_images, data.test_images) == (64, 16, 20)
    assert data.class_names == ("across", "down")
    assert (data.fingerprint, data.test_fingerprint) == ("", "")
    assert [event.images for event in run.all(TestEnded)] == [20]


@pytest.mark.slow("that features of a package's images are kept, and found by their content")
@pytest.mark.usefixtures("small_net")
def test_features_of_a_packages_images_are_found_again(train: Train, packages: Path) -> None:
    write_dots(packages)
    spec = small_spec(1, dataset="dots", train_limit=None)
    first, second = train(spec), train(spec)
    for run, source in ((first, "extracted"), (second, "cache")):
        assert run.status == "completed"
        assert [event.source for event in run.all(FeaturesReady)] == [source]
        assert any(event.done == 100 for event in run.all(PhaseProgressed))
    assert first.losses == second.losses
    (one,), (other,) = first.all(RunStarted), second.all(RunStarted)
    assert len(one.data.test_fingerprint) == 64
    assert one.data == other.data


def test_a_package_that_returns_wrong_arrays_fails_the_run_in_one_line(
    train: Train, packages: Path
) -> None:
    text = f"{BIRDS}\nBirds.load = lambda *_: arrays(train_labels=np.arange(30))\n"
    write_package(packages, {"birds": "birds_data:Birds"}, {"birds_data.py": text})
    run = train(dataclasses.replace(ONE_EPOCH, dataset="birds"))
    assert run.status == "failed"
    (ended,) = run.all(RunEnded)
    assert ended.error.startswith("`dataset`: birds-data 1.2, entry point 'birds': expected labels")
    assert "found 0 to 29" in ended.error
