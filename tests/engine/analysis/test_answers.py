"""The three answers: from runs on disk, and where there is little to answer from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.analysis.answers import QUESTIONS, answer, answers_from
from engine.analysis.comparison import McNemar, p_value
from engine.analysis.evidence import Evidence, Measured, Pair, gather, select
from engine.analysis.predictions import Predictions
from engine.runs.directory import RunDirectory
from tests.support.ensembles import write_ensemble
from tests.support.evidence import CUSTOM, LITE0, row, two_models
from tests.support.runs import RunWriter

WriteRun = Callable[..., str]
MakePredictions = Callable[..., Predictions]


def test_a_folder_without_runs_is_a_clear_sentence(tmp_path: Path) -> None:
    found = answer(tmp_path / "nowhere")
    assert [entry.question for entry in found.questions] == list(QUESTIONS)
    (sentence,) = found.questions[0].measured
    assert sentence.startswith("No run has been tested yet, so there is nothing to compare. ")
    assert found.warnings == ()


def test_runs_that_never_reached_their_test_are_counted(
    write_run: WriteRun, tmp_path: Path
) -> None:
    write_run("CustomCNN", status="failed", error="no data")
    write_run("VGG16", status="interrupted")
    (sentence,) = answer(tmp_path / "runs").questions[0].measured
    assert ": two runs have started, but none reached its test. " in sentence


def test_the_best_run_of_each_model_counts(
    write_run: WriteRun,
    tmp_path: Path,
    predictions: MakePredictions,
    write_predictions: Callable[[Path, Predictions], None],
) -> None:
    write_run("CustomCNN", test=0.60, weights="none", image_size=32, train_seconds=50)
    best = write_run("EfficientNetLite0", test=0.9, train_seconds=100)
    write_run("EfficientNetLite0", test=0.8, train_seconds=60, seed=1)
    other = write_run("CustomCNN", test=0.7, weights="none", image_size=32, train_seconds=40)
    labels = [0, 1, 2] * 10
    for run_id, right in ((best, 30), (other, 15)):
        predicted = [label if i < right else 1 - label // 2 for i, label in enumerate(labels)]
        made = predictions(labels, predicted)
        write_predictions(RunDirectory(tmp_path / "runs" / run_id).predictions, made)
    found = answer(tmp_path / "runs")
    accuracies, speeds, _ = (" ".join(entry.measured) for entry in found.questions)
    assert "EfficientNetLite0 achieved the highest test accuracy, 0.9000" in accuracies
    assert "CustomCNN followed with 0.7000, 20.0 percentage points behind." in accuracies
    assert "CustomCNN trained faster: 0:40 (min:s), against 1:40 for EfficientNetLite0" in speeds
    assert "(2.5 times as long)" in speeds
    wrong = sum(label != 1 - label // 2 for label in labels[15:])
    assert f"only EfficientNetLite0 was right on {wrong} and only CustomCNN on 0" in accuracies
    assert any("sizes differ (96 px for EfficientNetLite0; 32 px for" in w for w in found.warnings)


def test_predictions_of_other_images_are_not_tested_against(
    write_run: WriteRun, tmp_path: Path
) -> None:
    for model, count in (("VGG16", 4), ("ResNet50", 6)):
        run_id = write_run(model, test=0.9)
        np.savez(
            tmp_path / "runs" / run_id / "predictions.npz",
            labels=np.zeros(count, np.int64),
            probabilities=np.full((count, 2), 0.5, np.float32),
        )
    (pair,) = gather(tmp_path / "runs").pairs
    assert pair.test is None
    words = " ".join(answer(tmp_path / "runs").questions[0].measured)
    assert "cannot be tested for significance: predictions for the same test" in words


def test_cifar10_is_chosen_before_other_data(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("VGG16", test=0.99, dataset="digits")
    write_run("VGG19", test=0.98, dataset="digits")
    write_run("CustomCNN", test=0.70)
    found = gather(tmp_path / "runs")
    assert (found.dataset, found.other_datasets) == ("cifar10", ("digits",))
    assert [run.row["model"] for run in found.contenders] == ["CustomCNN"]
    assert any(
        w.startswith("Runs on digits are left out") for w in answer(found_dir(tmp_path)).warnings
    )


def test_a_data_set_with_runs_can_be_asked_for(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("VGG16", test=0.99, dataset="digits")
    write_run("CustomCNN", test=0.70)
    assert gather(tmp_path / "runs", "digits").dataset == "digits"
    assert gather(tmp_path / "runs", "cifar100").dataset == "cifar10"


def test_only_some_runs_can_be_asked_for(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("VGG16", test=0.99)
    chosen = [write_run("VGG16", test=0.7), write_run("CustomCNN", test=0.6, dataset="cifar10")]
    found = gather(tmp_path / "runs", only=chosen)
    assert [run.row["run_id"] for run in found.contenders] == chosen
    assert len(found.rows) == 2


def found_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_recipes_of_a_single_model_are_compared() -> None:
    rows = [
        row("VGG16", 0.9, 60, recipe="recommended"),
        row("VGG16", 0.8, 50),
        row("VGG16", 0.7, 40),
    ]
    first, beside = select(rows)
    assert [label for label, _ in first] == ["VGG16 (recommended)", "VGG16 (notebook)"]
    assert [chosen["test_accuracy"] for _, chosen in first] == [0.9, 0.8]
    assert beside == []


def test_random_weights_are_in_the_name_unless_there_are_no_others() -> None:
    rows = [row("VGG16", 0.9, 60, weights="none"), row("CustomCNN", 0.8, 50, weights="none")]
    assert [label for label, _ in select(rows)[0]] == ["VGG16 (random weights)", "CustomCNN"]


def test_an_equal_accuracy_is_shared() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    equal = replace(other, row=dict(other.row) | {"test_accuracy": 0.93321})
    answers = answers_from(replace(evidence, contenders=(equal, best), pairs=()))
    assert answers.questions[0].measured[0] == (
        "CustomCNN and EfficientNetLite0 share the highest test accuracy, 0.9332 on 10,000 test "
        "images."
    )


def test_runs_of_one_recipe_stand_side_by_side_where_the_best_are_of_several() -> None:
    accuracies, speeds, _ = answers_from(two_models()).questions
    assert (
        "With the notebook recipe, EfficientNetLite0 reached 0.8539 after 4:25 of training and "
        "CustomCNN 0.7596 after 13:03."
    ) in accuracies.measured
    assert speeds.measured[1].startswith(
        "EfficientNetLite0 (notebook) was faster still, and more accurate than CustomCNN: it "
    )


def test_time_to_an_accuracy_falls_back_to_80_percent() -> None:
    evidence = two_models()
    runs = tuple(
        replace(run, row=dict(run.row) | {"to_85": None, "to_80": 60.0})
        for run in evidence.contenders
    )
    speeds = answers_from(replace(evidence, contenders=runs, others=())).questions[1]
    words = " ".join(speeds.measured)
    assert (
        "EfficientNetLite0 (recommended) reached a validation accuracy of 0.80 after 1:00 and "
        "CustomCNN after 1:00." in words
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "stopped"}, "CustomCNN was stopped before the end of the recipe"),
        ({"validation": "test"}, "CustomCNN used the test split for validation"),
        ({"test_time_flip": True}, "CustomCNN was tested with mirror images, too"),
        ({"train_limit": 5_000}, "CustomCNN used only the first 5,000; the others used all"),
        ({"epochs": 3}, "EfficientNetLite0 8 and CustomCNN 3"),
        ({"test_images": 500}, "10,000 for EfficientNetLite0; 500 for CustomCNN"),
        ({"model": "VGG16"}, "CustomCNN was trained from random weights although"),
        ({"batch_size": 16}, "64 images for EfficientNetLite0; 16 images for CustomCNN"),
    ],
)
def test_what_makes_a_comparison_unfair_is_said(change: dict[str, object], words: str) -> None:
    evidence = two_models()
    best, other = (
        replace(run, row=dict(run.row) | {"batch_size": 64}) for run in evidence.contenders
    )
    changed = replace(other, row=dict(other.row) | change)
    warnings = answers_from(replace(evidence, contenders=(best, changed))).warnings
    assert sum(words in warning for warning in warnings) == 1


def test_other_machines_devices_and_kept_features_are_said() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    changed = replace(other, machine="pc", device="gpu:0", read_features=True)
    warnings = " ".join(answers_from(replace(evidence, contenders=(best, changed))).warnings)
    assert (
        "not trained on the same machine (vm for EfficientNetLite0; pc for CustomCNN)" in warnings
    )
    assert "(cpu for EfficientNetLite0; gpu for CustomCNN)" in warnings
    assert "CustomCNN reused the features that an earlier run had extracted" in warnings


def test_a_fair_comparison_has_no_warning() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    same = {"recipe": "notebook", "image_size": 96}
    runs = tuple(replace(run, row=dict(run.row) | same) for run in (best, other))
    rows = tuple(dict(run.row) | {"seed": seed} for run in runs for seed in (0, 1))
    assert answers_from(Evidence("cifar10", runs, (), rows)).warnings == ()


def test_equal_accuracies_are_not_explained_as_a_lead() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    accuracy = {"test_accuracy": best.row["test_accuracy"]}
    tied = replace(evidence, contenders=(best, replace(other, row=dict(other.row) | accuracy)))
    words = " ".join(
        sentence
        for question in answers_from(tied).questions
        for sentence in (*question.measured, *question.explanation)
    )
    assert "share the highest test accuracy" in words
    assert "no difference to explain" in words
    assert "the most accurate model" not in words
    assert "ahead" not in words


def test_a_run_whose_curve_is_not_on_record_is_not_said_to_have_missed_an_accuracy() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    for curve, never in (([], False), ([[10.0, 0.5]], True)):
        runs = (
            replace(best, row=dict(best.row) | {"to_85": 60.0}),
            replace(other, row=dict(other.row) | {"to_85": None, "curve": curve}),
        )
        speeds = answers_from(replace(evidence, contenders=runs, others=())).questions[1]
        assert ("CustomCNN never did" in " ".join(speeds.measured)) == never


def small_photographs(images: int | None = 1_000) -> Evidence:
    """The exercise on a thousand photographs: the pretrained network is far ahead."""
    rows = (
        row("EfficientNetLite0", 0.74, 40, recipe="recommended", dataset="cifar10-mini"),
        row("CustomCNN", 0.41, 30, recipe="recommended", weights="none", dataset="cifar10-mini"),
    )
    best = Measured("EfficientNetLite0", rows[0], LITE0, train_images=images)
    other = Measured("CustomCNN", rows[1], replace(CUSTOM, image_size=96), train_images=images)
    return Evidence("cifar10-mini", (best, other), (), rows)


def test_each_question_is_answered_by_its_first_sentence() -> None:
    first = [one.measured[0] for one in answers_from(small_photographs()).questions]
    assert first == [
        "EfficientNetLite0 achieved the highest test accuracy, 0.7400 (95 % interval 0.7313 to "
        "0.7485) on 10,000 test images.",
        "CustomCNN trained faster: 0:30 (min:s), against 0:40 for EfficientNetLite0 (1.3 times as "
        "long).",
        "EfficientNetLite0, the most accurate model, differs from CustomCNN in depth (50 layers "
        "against 6), size (3.43 M parameters against 160 K) and starting weights (ImageNet against "
        "random).",
    ]


def test_that_pretraining_wins_on_few_images_is_explained_so_that_it_can_be_repeated() -> None:
    why = answers_from(small_photographs()).questions[2].explanation
    assert why[0].startswith(
        "Pretraining is probably the main reason. EfficientNetLite0 started from weights trained "
        "on ImageNet, more than a million photographs: "
    )
    assert why[1] == (
        "CustomCNN had no such start: from random weights, every filter had to be learned from "
        "only 1,000 training images. The fewer the training images, the more pretraining helps."
    )
    assert why[-1].startswith("These runs differ in several things at once, so none of these")


@pytest.mark.parametrize("images", [45_000, None])
def test_many_training_images_are_not_called_few(images: int | None) -> None:
    why = answers_from(small_photographs(images)).questions[2].explanation
    assert why[1].endswith("every filter had to be learned from the images here alone.")


def test_hours_of_training_are_not_called_minutes() -> None:
    evidence = two_models()
    runs = tuple(
        replace(run, row=dict(run.row) | {"train_seconds": seconds})
        for run, seconds in zip(evidence.contenders, (3_862.0, 7_000.0), strict=True)
    )
    speeds = answers_from(replace(evidence, contenders=runs, others=())).questions[1]
    assert speeds.measured[0].startswith("EfficientNetLite0 trained faster: 1:04:22 (h:min:s), ")
    assert speeds.measured[0].endswith(" It was also the more accurate.")


def test_the_main_reason_is_named_below_the_first_question() -> None:
    evidence = small_photographs(900)
    assert answers_from(evidence).questions[0].explanation[0] == (
        "Pretraining is probably the main reason: EfficientNetLite0 started from filters learned "
        "on ImageNet, CustomCNN from random ones on only 900 training images. The third question "
        "says more."
    )


def test_other_runs_have_other_main_reasons() -> None:
    best, other = small_photographs().contenders

    def reason(first: Measured, second: Measured) -> str:
        found = answers_from(Evidence("cifar10", (first, second), (), (first.row, second.row)))
        return found.questions[0].explanation[0]

    custom, lite = (
        replace(run, row=dict(run.row) | {"test_accuracy": figure})
        for run, figure in ((other, 0.9), (best, 0.8))
    )
    assert reason(custom, lite).startswith("CustomCNN learned all of its filters from the images")
    vgg = replace(best, label="VGG16", name="VGG16", row=dict(best.row) | {"model": "VGG16"})
    vgg = replace(vgg, row=dict(vgg.row) | {"test_accuracy": 0.5}, architecture=CUSTOM)
    assert reason(best, vgg).startswith("The larger input of EfficientNetLite0 may be the main")
    same = replace(vgg, row=dict(vgg.row) | {"model": "EfficientNetLite0"})
    assert reason(best, same).startswith("These runs share one architecture, so the recipe is")


def test_a_difference_by_chance_has_no_main_reason() -> None:
    evidence = small_photographs()
    best, other = evidence.contenders
    pairs = (Pair(best, other, McNemar(12, 10, p_value(12, 10), 10_000)),)
    why = answers_from(replace(evidence, pairs=pairs)).questions[0].explanation
    assert not any("Pretraining" in sentence for sentence in why)


@pytest.mark.parametrize(
    ("training", "reads", "extraction", "largest"),
    [
        (7.0, False, "Extracting the features of the frozen layers, a single pass", "the training"),
        (0.6, False, "Extracting the features of the frozen layers, a single pass", "extraction"),
        (7.0, True, "Reading the features of the frozen layers took 10 % of", "the training steps"),
        (0.6, True, "Reading the features of the frozen layers took 10 % of", "reading the feat"),
    ],
)
def test_where_the_training_time_went_is_read_from_the_phases(
    training: float, reads: bool, extraction: str, largest: str
) -> None:
    evidence = two_models()
    best, other = evidence.contenders
    spent = {"train_seconds": 10.0, "extracting_seconds": 1.0, "training_seconds": training}
    best = replace(best, row=dict(best.row) | spent, read_features=reads)
    speeds = answers_from(replace(evidence, contenders=(best, other), pairs=())).questions[1]
    assert any(sentence.startswith(extraction) for sentence in speeds.measured)
    parts = f"The largest part of the training time went into {largest}"
    assert speeds.measured[-1].startswith(parts)
    assert "most of the time" not in " ".join(speeds.explanation)
    kept = "as an earlier run on this machine had extracted them."
    assert any(sentence.endswith(kept) for sentence in speeds.measured) == reads


def test_the_faster_of_two_equally_accurate_models_is_not_called_more_accurate() -> None:
    evidence = two_models()
    best, other = evidence.contenders
    equal = replace(other, row=dict(other.row) | {"test_accuracy": best.accuracy})
    tied = replace(evidence, contenders=(equal, best), pairs=())
    assert "It was also" not in answers_from(tied).questions[1].measured[0]
    third = replace(best, label="VGG16", name="VGG16")
    many = replace(tied, contenders=(equal, best, third))
    assert "one of the most accurate" in answers_from(many).questions[1].measured[0]


def test_an_ensemble_is_no_model_of_its_own(write_run: RunWriter) -> None:
    run = write_ensemble(write_run)
    found = gather(write_run.runs_dir, "digits")
    assert {it.row["model"] for it in found.contenders} == {"CustomCNN", "MobileNetV2"}
    assert all(row["run_id"] != run.run_id for row in found.rows)
    assert found.ensembles == 1
    assert "One ensemble is left out: it combines the models of other runs." in (
        answer(write_run.runs_dir, "digits").warnings
    )


def test_ensembles_alone_answer_nothing(write_run: RunWriter) -> None:
    run = write_ensemble(write_run)
    found = gather(write_run.runs_dir, only=[run.run_id])
    assert (found.contenders, found.ensembles, found.unranked) == ((), 1, 0)
    (sentence,) = answer(write_run.runs_dir, only=[run.run_id]).questions[0].measured
    assert sentence.startswith("Only ensembles have been tested here, so there is no model to ")
