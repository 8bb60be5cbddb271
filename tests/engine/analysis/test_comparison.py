"""McNemar's test against values computed by hand, and the settings that differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.analysis.comparison import (
    McNemar,
    chance_in_words,
    differing_settings,
    mcnemar,
    p_text,
    p_value,
)
from engine.analysis.predictions import Predictions
from engine.errors import InputError
from engine.runs.listing import list_runs

MakePredictions = Callable[..., Predictions]


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 2 / 2**5),
        (0, 5, 2 / 2**5),
        (8, 2, 2 * (1 + 10 + 45) / 2**10),
        (6, 6, 1.0),
        # Chi-square of one degree of freedom from here on: (|40 - 20| - 1)² / 60 = 6.01667.
        (40, 20, 0.014171),
        # (|13 - 12| - 1)² / 25 = 0.
        (13, 12, 1.0),
        # McNemar's own kind of table: (|121 - 59| - 1)² / 180 = 20.672.
        (121, 59, 5.450095e-06),
    ],
)
def test_p_values_by_hand(only_a: int, only_b: int, p: float) -> None:
    assert p_value(only_a, only_b) == pytest.approx(p, rel=1e-4)


def test_the_test_counts_what_only_one_got_right(predictions: MakePredictions) -> None:
    labels = [0, 1, 2, 0, 1, 2]
    a = predictions(labels, [0, 1, 2, 0, 0, 0])
    b = predictions(labels, [0, 1, 0, 1, 1, 0])
    assert mcnemar(a, b) == McNemar(only_a=2, only_b=1, p_value=1.0, images=6)
    assert mcnemar(a, a).p_value == 1.0


@pytest.mark.parametrize(("labels", "classes"), [([0, 1, 1], 3), ([0, 1], 3), ([0, 1, 2], 4)])
def test_other_test_images_are_refused(
    predictions: MakePredictions, labels: list[int], classes: int
) -> None:
    a = predictions([0, 1, 2], [0, 1, 2])
    b = predictions(labels, labels, classes=classes)
    with pytest.raises(InputError, match="tested on the same images"):
        mcnemar(a, b)


def test_a_folder_that_changed_in_between_is_refused(predictions: MakePredictions) -> None:
    a = predictions([0, 1, 2], [0, 1, 2])
    assert mcnemar(a, a, ("as it was", "as it was")).images == 3
    with pytest.raises(InputError, match="a folder of images that changed"):
        mcnemar(a, a, ("as it was", "as it is"))


def test_the_verdict_in_words() -> None:
    sure = chance_in_words(McNemar(1_966, 230, 1e-300, 10_000), "A", "B")
    assert sure == (
        "On the same 10,000 test images, only A was right on 1,966 and only B on 230: the "
        "difference is statistically significant (McNemar's test, p < 0.001)."
    )
    unsure = chance_in_words(McNemar(40, 33, 0.4825, 500), "A", "B")
    assert "is not statistically significant (McNemar's test, p = 0.482)" in unsure
    same = chance_in_words(McNemar(0, 0, 1.0, 500), "A", "B")
    assert same == "On the same 500 test images, A and B were right on exactly the same ones."


def test_p_values_as_text() -> None:
    assert [p_text(p) for p in (0.00099, 0.001, 0.05, 1.0)] == [
        "p < 0.001",
        "p = 0.001",
        "p = 0.050",
        "p = 1.000",
    ]


def test_only_the_settings_that_differ_are_listed(
    write_run: Callable[..., str], tmp_path: Path
) -> None:
    write_run("EfficientNetLite0", test=0.9, seed=1)
    write_run("CustomCNN", test=0.7, seed=1, image_size=32, weights="none", train_limit=5_000)
    runs = list_runs(tmp_path / "runs").runs
    assert differing_settings(runs) == [
        ("model", ("CustomCNN", "EfficientNetLite0")),
        ("image size", ("32 px", "96 px")),
        ("training images", ("5,000", "all")),
        ("weights", ("none", "imagenet")),
    ]
    assert differing_settings(runs[:1]) == []
