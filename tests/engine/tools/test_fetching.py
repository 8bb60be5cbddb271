"""Weights and data fetched from a server on this machine."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone, WeightsFile
from engine.common.progress import Progress, ignore_progress
from engine.datasets.archives import CIFAR10
from engine.datasets.cifar import Cifar10
from engine.datasets.loading import load_dataset
from engine.datasets.published import Archive
from engine.errors import InputError
from engine.tools.fetching import (
    Fetched,
    FetchStep,
    Needed,
    PaceMeter,
    PublishedFile,
    fetch_all,
    list_needed,
    needed_weights,
)
from engine.weights.locate import locate_weights
from tests.support.images import SmallCifar10
from tests.support.loopback import LoopbackServer, Route

FILE = "small.h5"
Publish = Callable[[str, bytes], None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home" / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def content() -> bytes:
    """An HDF5 file."""
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5["weights"] = list(range(5000))
    return file.getvalue()


@pytest.fixture
def archive(small_cifar10: SmallCifar10, tmp_path: Path) -> bytes:
    """Images in the layout of CIFAR-10's binary archive."""
    folder = small_cifar10.write_binary(tmp_path / "made")
    with tarfile.open(tmp_path / "made.tar.gz", "w:gz") as tar:
        tar.add(folder, folder.name)
    return (tmp_path / "made.tar.gz").read_bytes()


def entry_of(url: str, content: bytes, digest: str | None = None, name: str = FILE) -> Backbone:
    """MobileNetV2 with one published file of this content."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if digest is None else digest
    file = WeightsFile(name, url, len(content), digest)
    return dataclasses.replace(find_backbone("MobileNetV2"), weights=(file,))


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Has CIFAR-10 be published at an address."""

    def publish(url: str, archive: bytes) -> None:
        digest = f"md5:{hashlib.md5(archive).hexdigest()}"
        small = Archive(url, CIFAR10.archives[0].file, digest, len(archive))
        cifar = dataclasses.replace(CIFAR10, archives=(small, CIFAR10.archives[1]))
        monkeypatch.setattr(Cifar10, "published", cifar)

    return publish


def states(outcomes: list[Fetched]) -> list[str]:
    return [outcome.state for outcome in outcomes]


# What is needed


def test_what_models_and_data_sets_need() -> None:
    names = ("resnet50v2", "CustomCNN", "EfficientNetLite0", "ResNet50V2")
    wanted = list_needed(names, ("cifar10", "cifar100", "digits"))
    assert [(needed.name, needed.built_in) for needed in wanted] == [
        ("ResNet50V2", ""),
        ("CustomCNN", "from scratch"),
        ("EfficientNetLite0", "bundled"),
        ("cifar10", ""),
        ("cifar100", ""),
        ("digits", "built in"),
    ]
    files = [each.file.destination.name for each in wanted if each.file is not None]
    assert files[0] == "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert files[1:] == ["cifar-10-binary.tar.gz", "cifar-100-binary.tar.gz"]


def test_the_file_depends_on_the_input_size() -> None:
    for size in (96, 160):
        (needed,) = list_needed(["MobileNetV2"], image_size=size)
        assert needed.file is not None
        assert f"_{size}_" in needed.file.destination.name


@pytest.mark.parametrize(("models", "data"), [(["nope"], []), ([], ["nope"])])
def test_what_nobody_knows_is_refused(models: list[str], data: list[str]) -> None:
    with pytest.raises(InputError, match="found 'nope'"):
        list_needed(models, data)


# Into the cache


def test_what_is_missing_is_fetched_once(loopback: LoopbackServer, content: bytes) -> None:
    wanted = [needed_weights(entry_of(loopback.serve("/w", content), content))]
    seen: list[FetchStep] = []

    def note(needed: Needed, step: FetchStep) -> None:
        seen.append(step)

    first = list(fetch_all(wanted, on_step=note))
    assert states(first) == ["fetched"]
    assert first[0].path is not None
    assert first[0].path.read_bytes() == content
    assert (seen[-1].done_bytes, seen[-1].total_bytes) == (len(content), len(content))
    assert states(list(fetch_all(wanted))) == ["here"]
    assert loopback.requests == ["/w"]


def test_one_that_fails_does_not_keep_the_rest(loopback: LoopbackServer, content: bytes) -> None:
    good = needed_weights(entry_of(loopback.serve("/w", content), content))
    bad = needed_weights(entry_of(loopback.url("/gone"), b"other", name="gone.h5"))
    outcomes = list(fetch_all([bad, good, Needed("digits", "dataset", "built in")]))
    assert states(outcomes) == ["failed", "fetched", "here"]
    assert (
        "expected to download the ImageNet weights of MobileNetV2, found HTTP status 404"
        in outcomes[0].error
    )
    assert "\n" not in outcomes[0].error


def test_what_may_not_be_read_does_not_keep_the_rest(
    unprivileged: Path, monkeypatch: pytest.MonkeyPatch, loopback: LoopbackServer, content: bytes
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(unprivileged / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(unprivileged / "cache"))
    (unprivileged / "keras" / "models").mkdir(parents=True)
    (unprivileged / "keras" / "models" / FILE).touch(mode=0)
    wanted = needed_weights(entry_of(loopback.serve("/w", content), content))
    other = needed_weights(entry_of(loopback.serve("/o", content), content, name="other.h5"))
    outcomes = list(fetch_all([wanted, other]))
    assert states(outcomes) == ["failed", "fetched"]
    assert "Permission denied" in outcomes[0].error
    (unprivileged / "keras" / "models").chmod(0)
    assert states(list(fetch_all([wanted]))) == ["fetched"]


def test_what_is_damaged_here_is_named(home: Path, loopback: LoopbackServer) -> None:
    wanted = needed_weights(entry_of(loopback.url("/w"), b"whole"))
    folder = home / "keras" / "models"
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(b"damaged")
    (outcome,) = fetch_all([wanted])
    assert outcome.state == "failed"
    assert str(folder / FILE) in outcome.error


def test_cancelling_keeps_what_came_for_the_next_time(
    loopback: LoopbackServer, content: bytes
) -> None:
    backbone = entry_of(loopback.serve("/w", Route(content, stall_after=1000)), content)
    cancel = threading.Event()

    def cancel_midway(needed: Needed, step: FetchStep) -> None:
        if step.done_bytes:
            cancel.set()
            loopback.closing.set()

    outcomes = list(
        fetch_all(
            [needed_weights(backbone), needed_weights(backbone)],
            on_step=cancel_midway,
            cancel=cancel,
        )
    )
    assert states(outcomes) == ["cancelled", "cancelled"]
    loopback.serve("/w", Route(content, ranges=True))
    assert states(list(fetch_all([needed_weights(backbone)]))) == ["fetched"]
    assert loopback.asked_ranges == ["", "bytes=1000-"]


def test_a_disk_without_room_is_refused_before_anything_is_asked(
    loopback: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    publish: Publish,
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    wanted = [needed_weights(entry_of(loopback.url("/w"), bytes(2000)))]
    with pytest.raises(InputError, match=r"expected 1\.95 KB of free disk.*found 1000 B"):
        list(fetch_all(wanted))
    assert loopback.requests == []


def test_the_needs_of_one_disk_are_added_up(
    loopback: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    publish: Publish,
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=3000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    weights = needed_weights(entry_of(loopback.url("/w"), bytes(2000)))
    publish(loopback.url("/d"), bytes(2000))
    data = list_needed([], ["cifar10"])
    with pytest.raises(InputError, match=r"expected 3\.91 KB of free disk"):
        list(fetch_all([weights, *data]))
    assert loopback.requests == []


@pytest.mark.parametrize("place", ["weights", "datasets"])
def test_room_is_looked_for_where_a_link_leads(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, publish: Publish, place: str
) -> None:
    (tmp_path / "other").mkdir()
    (home / "cache" / "cifar-tui").mkdir(parents=True)
    (home / "cache" / "cifar-tui" / place).symlink_to(tmp_path / "other")
    room, none = (shutil.disk_usage("/")._replace(free=free) for free in (10**9, 1000))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: none if path.samefile(tmp_path / "other") else room
    )
    publish("http://127.0.0.1:9/d", bytes(2000))
    weights = needed_weights(entry_of("http://127.0.0.1:9/w", bytes(2000)))
    wanted = [weights] if place == "weights" else list_needed([], ["cifar10"])
    with pytest.raises(InputError, match=rf"cifar-tui/{place}: expected 1\.95 KB of free disk"):
        list(fetch_all(wanted))


def test_the_needs_of_two_disks_are_not_added_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, publish: Publish
) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    (home / "cache" / "cifar-tui").mkdir(parents=True)
    (home / "cache" / "cifar-tui" / "weights").symlink_to(other)
    usage = shutil.disk_usage("/")._replace(free=3000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    weights = needed_weights(entry_of("http://127.0.0.1:9/w", bytes(2000)))
    publish("http://127.0.0.1:9/d", bytes(2000))
    cancel = threading.Event()
    outcomes = fetch_all([weights, *list_needed([], ["cifar10"])], cancel=cancel)
    cancel.set()
    assert states(list(outcomes)) == ["cancelled", "cancelled"]


def test_a_part_that_another_download_has_just_renamed_counts_as_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "cache" / "cifar-tui" / "weights").mkdir(parents=True)
    (home / "cache" / "cifar-tui" / "weights" / f"{FILE}.part").write_bytes(bytes(500))
    whole = Path.stat

    def renamed(path: Path, **options: Any) -> Any:
        if path.suffix == ".part":
            raise FileNotFoundError
        return whole(path, **options)

    monkeypatch.setattr(Path, "stat", renamed)
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InputError, match=r"expected 1\.95 KB of free disk"):
        list(fetch_all([needed_weights(entry_of("http://127.0.0.1:9/w", bytes(2000)))]))


def test_what_is_here_is_verified_without_looking_like_a_download(
    home: Path, archive: bytes, publish: Publish
) -> None:
    publish("http://127.0.0.1:9/d", archive)
    wanted = list_needed([], ["cifar10"])
    assert wanted[0].file is not None
    place = wanted[0].file.destination
    place.parent.mkdir(parents=True)
    place.write_bytes(archive)
    seen: list[FetchStep] = []
    outcomes = list(fetch_all(wanted, on_step=lambda _, step: seen.append(step)))
    assert (states(outcomes), seen) == (["here"], [])


def test_verifying_what_is_here_can_be_cancelled() -> None:
    cancel = threading.Event()

    def obtain(progress: Progress, begin: object) -> Path:
        progress(1, 2, "bytes")
        cancel.set()
        progress(2, 2, "bytes")
        return Path("whole")

    file = PublishedFile(2, Path("absent"), lambda: Path("here"), obtain)
    outcomes = list(fetch_all([Needed("x", "dataset", file=file)], cancel=cancel))
    assert states(outcomes) == ["cancelled"]


def test_what_is_here_needs_no_room(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_cifar10: SmallCifar10,
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    small_cifar10.write_python(home / "keras" / "datasets")
    assert states(list(fetch_all(list_needed([], ["cifar10"])))) == ["here"]


def test_speed_and_time_left_are_of_the_last_seconds() -> None:
    steps: list[FetchStep] = []
    times = iter([0.0, 1.0, 2.0, 12.0, 13.0, 14.0])

    def note(needed: Needed, step: FetchStep) -> None:
        steps.append(step)

    meter = PaceMeter(Needed("x", "weights"), note, threading.Event(), clock=lambda: next(times))
    for done in (500, 600, 700, 800, 1000, 0):
        meter(done, 2000, "bytes")
    # What was there before it went on is no speed; a beginning anew has none yet.
    assert [step.bytes_per_second for step in steps] == [None, 100, 100, 10, 200, None]
    assert [step.seconds_left for step in steps[:3]] == [None, 14, 13]


def test_how_far_a_file_has_come_is_a_line() -> None:
    step = FetchStep(12 * 2**20, 95 * 2**20, 3.1 * 2**20, 27.0)
    assert step.text == "12.0 MB of 95.0 MB  3.10 MB/s  ETA 0:27"
    assert FetchStep(0, None, None, None).text == "0 B"


def test_copied_folders_serve_a_machine_without_a_network(
    home: Path,
    loopback: LoopbackServer,
    content: bytes,
    archive: bytes,
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backbone = entry_of(loopback.serve("/w", content), content)
    publish(loopback.serve("/d", archive), archive)
    wanted = [needed_weights(backbone), *list_needed([], ["cifar10"])]
    assert states(list(fetch_all(wanted))) == ["fetched", "fetched"]
    assert loopback.requests == ["/w", "/d"]
    shutil.copytree(home, home.with_name("copy"))
    shutil.rmtree(home)
    monkeypatch.setenv("KERAS_HOME", str(home.with_name("copy") / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home.with_name("copy") / "cache"))

    path = locate_weights(backbone, 96, "imagenet", ignore_progress)
    data = load_dataset("cifar10", None, ignore_progress)

    assert path is not None
    assert path.read_bytes() == content
    assert len(data.train_images) == 100
    assert loopback.requests == ["/w", "/d"]


def test_a_page_in_place_of_weights_is_not_kept(home: Path, loopback: LoopbackServer) -> None:
    page = b"<html>log in</html>"
    wanted = [needed_weights(entry_of(loopback.serve("/w", page), page, digest=""))]
    (outcome,) = fetch_all(wanted)
    assert outcome.state == "failed"
    assert "one that begins with b'<html>lo'" in outcome.error
    assert [path for path in home.rglob("*") if path.is_file()] == []
