"""What command line and screen say of runs that are combined."""

from __future__ import annotations

from engine.protocol.events import PhaseChanged, PhaseProgressed
from tests.support.ensembles import write_ensemble
from tests.support.runs import RunWriter
from tui.panels.ensemble_text import doing, how_far, made_lines


def test_what_is_done_and_how_far_it_is() -> None:
    assert doing(PhaseChanged(phase="testing", detail="a, validation")) == "testing a, validation"
    images = PhaseProgressed(done=1_024, total=5_000, unit="images")
    assert how_far(images) == "1,024 of 5,000 images"
    assert how_far(PhaseProgressed(done=2**20, total=2**21, unit="bytes")) == "1.00 MB of 2.00 MB"


def test_an_ensemble_is_its_members_its_accuracy_and_its_cost(write_run: RunWriter) -> None:
    run = write_ensemble(write_run)
    run.directory.model.write_bytes(bytes(2_048))
    ensemble = run.file.spec.ensemble
    assert ensemble is not None
    one, other = ensemble.run_ids
    assert list(made_lines(run)) == [
        f"{run.run_id}: probabilities of 2 runs averaged",
        f"   50 %  {one}",
        f"   50 %  {other}",
        "      –  left-out, left out",
        "validation accuracy 0.9600 on 130 images that no member trained on",
        "test accuracy 0.9500 on 500 test images",
        "train 0:20, that of its members added up",
        "60 parameters, 200 M FLOPs per image",
        f"model: {run.directory.model.resolve()}, 2.00 KB",
    ]
