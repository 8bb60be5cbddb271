"""What the launcher says of time and memory, where the time is known and where it is not."""

from __future__ import annotations

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.tools.speed_probe import Speed
from tui.screens.launcher.texts import expected_seconds, expected_text

SPEED = Speed(dense=188e9, separable=123e9, device="cpu:0")
IMAGES = (50_000, 10_000)


def plans(**options: str) -> list[RunSpec]:
    models = [find_backbone(name) for name in ("CustomCNN", "VGG16")]
    return plan_runs(models, Options(**options))  # type: ignore[arg-type]


def test_times_are_told_of_the_device_that_was_measured() -> None:
    runs = plans()
    assert expected_seconds({run.model: run for run in runs}, SPEED, IMAGES).keys() == {
        *("CustomCNN", "VGG16")
    }
    assert " here, ~" in expected_text(runs, SPEED, IMAGES)


def test_on_another_device_the_memory_alone_is_shown() -> None:
    runs = plans(device="gpu")
    assert expected_seconds({run.model: run for run in runs}, SPEED, IMAGES) == {}
    text = expected_text([*runs, *plans()], SPEED, IMAGES)
    assert text.startswith("~")
    assert text.endswith(" memory")
    assert "here" not in text
