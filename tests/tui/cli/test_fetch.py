"""`cifar-tui fetch`: what it prints, and its exit status."""

from __future__ import annotations

import io
import json
from pathlib import Path

import h5py
import pytest

from tests.support.loopback import LoopbackServer
from tui.__main__ import main
from tui.cli import fetch

BUILT_IN = ["fetch", "EfficientNetLite0", "customcnn", "--dataset", "digits"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_what_is_built_in_has_not_to_be_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(BUILT_IN) == 0
    assert capsys.readouterr().out.splitlines() == [
        "EfficientNetLite0  bundled",
        "CustomCNN  from scratch",
        "digits  built in",
    ]
    assert main([*BUILT_IN, "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [file["state"] for file in files] == ["bundled", "from scratch", "built in"]


@pytest.mark.usefixtures("published_here")
def test_what_cannot_be_had_is_named_and_the_rest_is_done(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "VGG16", "CustomCNN", "--dataset", "cifar100"]) == 1
    said = capsys.readouterr()
    assert said.out == "CustomCNN  from scratch\n"
    vgg, data = said.err.splitlines()
    assert vgg.startswith("cifar-tui: VGG16: https://storage.googleapis.com/")
    assert "expected to download the ImageNet weights of VGG16, found HTTP status 404" in vgg
    assert f"or in {home}/keras/models, name another with --weights, or train from" in vgg
    assert data.startswith("cifar-tui: cifar100: https://www.cs.toronto.edu/~kriz/cifar-100-binary")
    assert "expected to download CIFAR-100, found HTTP status 404 Not Found; check the" in data
    assert " and try again, train on cifar10-mini, which is built in, or put the file at " in data
    assert data.endswith("cifar-100-binary.tar.gz or name it with --data")


def test_what_was_fetched_is_named_with_its_size(
    home: Path, published_here: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "mobilenet_1_0_128_tf_no_top.h5"
    content = io.BytesIO()
    h5py.File(content, "w").close()
    published_here.serve(f"/tensorflow/keras-applications/mobilenet/{name}", content.getvalue())
    place = home / "cache" / "cifar-tui" / "weights" / name
    for state in ("fetched", "here"):
        assert main(["fetch", "MobileNet", "--image-size", "128"]) == 0
        assert capsys.readouterr().out == f"MobileNet  {state}: 800 B {place}\n"
    assert main(["fetch", "MobileNet", "--image-size", "128", "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file == {
        "name": "MobileNet",
        "kind": "weights",
        "state": "here",
        "path": str(place),
        "error": None,
    }


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ([], "expected MODEL or --dataset, found neither; see `cifar-tui fetch --help`"),
        (["VGG61"], "did you mean VGG19?"),
        (["--dataset", "mnist"], "found 'mnist'"),
    ],
)
def test_bad_input_is_one_line(
    asked: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", *asked]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_an_interruption_says_how_to_go_on(
    extra: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "fetch_all", interrupted)
    assert main([*BUILT_IN, *extra]) == 130
    words = "interrupted; run the same command again to resume the download"
    line = json.dumps({"note": words}) if extra else f"cifar-tui: {words}"
    assert capsys.readouterr() == ("", f"{line}\n")
