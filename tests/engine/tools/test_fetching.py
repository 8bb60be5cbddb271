"""Weights and data gathered from a server on this machine, here and into mirrors."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import Backbone, WeightsFile
from engine.common.progress import ignore_progress
from engine.datasets.archives import CIFAR10
from engine.datasets.cifar import Cifar10
from engine.datasets.loading import load_dataset
from engine.datasets.published import Archive
from engine.download.mirror import MIRROR_VARIABLE, read_manifest, use_mirror
from engine.errors import InputError
from engine.tools.fetching import Fetched, FetchStep, Needed, PaceMeter, fetch_all, list_needed
from engine.weights.locate import locate_weights
from tests.support.images import SmallCifar10
from tests.support.loopback import LoopbackServer, Route

FILE = "small.h5"
Publish = Callable[[str, bytes], None]
Gather = Callable[[Path], Backbone]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, and no mirror; what `use_mirror` sets is undone."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home" / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setenv(MIRROR_VARIABLE, "")
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


def entry_of(url: str, content: bytes, digest: str | None = None) -> Backbone:
    """MobileNetV2 with one published file of this content."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if digest is None else digest
    file = WeightsFile(FILE, url, len(content), digest)
    return dataclasses.replace(find_backbone("MobileNetV2"), weights=(file,))


def needs(backbone: Backbone) -> Needed:
    file = backbone.weights[0]
    return Needed(backbone.name, "weights", bytes=file.bytes, backbone=backbone, file=file)


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
    assert wanted[0].path.startswith("weights/resnet50v2")
    assert wanted[3].path == "datasets/cifar-10-binary.tar.gz"


def test_the_file_depends_on_the_input_size() -> None:
    paths = [list_needed(["MobileNetV2"], image_size=size)[0].path for size in (96, 160)]
    assert ["96" in paths[0], "160" in paths[1]] == [True, True]


@pytest.mark.parametrize(("models", "data"), [(["nope"], []), ([], ["nope"])])
def test_what_nobody_knows_is_refused(models: list[str], data: list[str]) -> None:
    with pytest.raises(InputError, match="found 'nope'"):
        list_needed(models, data)


# Into the cache


def test_what_is_missing_is_fetched_once(loopback: LoopbackServer, content: bytes) -> None:
    wanted = [needs(entry_of(loopback.serve("/w", content), content))]
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
    good = needs(entry_of(loopback.serve("/w", content), content))
    bad = needs(entry_of(loopback.url("/gone"), b"other"))
    assert bad.file is not None
    bad = dataclasses.replace(bad, file=dataclasses.replace(bad.file, file="gone.h5"))
    outcomes = list(fetch_all([bad, good, Needed("digits", "dataset", "built in")]))
    assert states(outcomes) == ["failed", "fetched", "here"]
    assert "the server says 404" in outcomes[0].error
    assert "\n" not in outcomes[0].error


def test_what_may_not_be_read_does_not_keep_the_rest(
    unprivileged: Path, monkeypatch: pytest.MonkeyPatch, loopback: LoopbackServer, content: bytes
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(unprivileged / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(unprivileged / "cache"))
    (unprivileged / "keras" / "models").mkdir(parents=True)
    (unprivileged / "keras" / "models" / FILE).touch(mode=0)
    wanted = needs(entry_of(loopback.serve("/w", content), content))
    other = needs(entry_of(loopback.serve("/o", content), content))
    assert other.file is not None
    other = dataclasses.replace(other, file=dataclasses.replace(other.file, file="other.h5"))
    outcomes = list(fetch_all([wanted, other]))
    assert states(outcomes) == ["failed", "fetched"]
    assert "Permission denied" in outcomes[0].error
    (unprivileged / "keras" / "models").chmod(0)
    assert states(list(fetch_all([wanted]))) == ["fetched"]


def test_what_is_damaged_here_is_named(home: Path, loopback: LoopbackServer) -> None:
    wanted = needs(entry_of(loopback.url("/w"), b"whole"))
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
        fetch_all([needs(backbone), needs(backbone)], on_step=cancel_midway, cancel=cancel)
    )
    assert states(outcomes) == ["cancelled", "cancelled"]
    loopback.serve("/w", Route(content, ranges=True))
    assert states(list(fetch_all([needs(backbone)]))) == ["fetched"]
    assert loopback.asked_ranges == ["", "bytes=1000-"]


def test_a_disk_without_room_is_refused_before_anything_is_asked(
    loopback: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    publish: Publish,
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    wanted = [needs(entry_of(loopback.url("/w"), bytes(2000)))]
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
    weights = needs(entry_of(loopback.url("/w"), bytes(2000)))
    publish(loopback.url("/d"), bytes(2000))
    data = list_needed([], ["cifar10"])
    with pytest.raises(InputError, match=r"expected 3\.91 KB of free disk"):
        list(fetch_all([weights, *data]))
    assert loopback.requests == []


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


# Into a mirror, and from it


@pytest.fixture
def gather(loopback: LoopbackServer, content: bytes, archive: bytes, publish: Publish) -> Gather:
    """Gathers weights and data that a server publishes, which then goes."""

    def gather(to: Path) -> Backbone:
        backbone = entry_of(loopback.serve("/w", content), content)
        publish(loopback.serve("/d", archive), archive)
        wanted = [needs(backbone), *list_needed([], ["cifar10"])]
        assert states(list(fetch_all(wanted, to=to))) == ["fetched", "fetched"]
        assert states(list(fetch_all(wanted, to=to))) == ["here", "here"]
        assert loopback.requests == ["/w", "/d"]
        loopback.routes.clear()
        loopback.requests.clear()
        return backbone

    return gather


def serve_folder(server: LoopbackServer, folder: Path) -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            server.serve(f"/mirror/{path.relative_to(folder).as_posix()}", path.read_bytes())
    return server.url("/mirror")


def test_how_far_a_file_has_come_is_a_line() -> None:
    step = FetchStep(12 * 2**20, 95 * 2**20, 3.1 * 2**20, 27.0)
    assert step.text == "12.0 MB of 95.0 MB  3.10 MB/s  ETA 0:27"
    assert FetchStep(0, None, None, None).text == "0 B"


@pytest.mark.parametrize("way", ["folder", "address"])
def test_a_mirror_serves_a_machine_without_a_network(
    way: str,
    loopback: LoopbackServer,
    content: bytes,
    archive: bytes,
    gather: Gather,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "usb stick"
    backbone = gather(folder)
    listed = read_manifest(str(folder))
    assert {path: (entry.name, entry.bytes) for path, entry in listed.items()} == {
        f"weights/{FILE}": ("MobileNetV2", len(content)),
        "datasets/cifar-10-binary.tar.gz": ("cifar10", len(archive)),
    }
    assert listed[f"weights/{FILE}"].sha256 == hashlib.sha256(content).hexdigest()
    use_mirror(str(folder) if way == "folder" else serve_folder(loopback, folder))

    path = locate_weights(backbone, 96, "imagenet", ignore_progress)
    data = load_dataset("cifar10", None, ignore_progress)

    assert path is not None
    assert path.read_bytes() == content
    assert len(data.train_images) == 100
    assert all(asked.startswith("/mirror/") for asked in loopback.requests)


def test_what_is_here_already_is_copied_into_a_mirror(
    loopback: LoopbackServer, content: bytes, tmp_path: Path
) -> None:
    wanted = [needs(entry_of(loopback.serve("/w", content), content))]
    list(fetch_all(wanted))
    outcomes = list(fetch_all(wanted, to=tmp_path / "mirror"))
    assert states(outcomes) == ["fetched"]
    assert loopback.requests == ["/w"]
    assert (tmp_path / "mirror" / "weights" / FILE).read_bytes() == content


def test_a_mirror_cut_off_before_its_manifest_is_made_good(
    loopback: LoopbackServer, content: bytes, tmp_path: Path
) -> None:
    wanted = [needs(entry_of(loopback.serve("/w", content), content))]
    list(fetch_all(wanted, to=tmp_path))
    (tmp_path / "manifest.json").unlink()
    assert states(list(fetch_all(wanted, to=tmp_path))) == ["here"]
    assert loopback.requests == ["/w"]
    listed = read_manifest(str(tmp_path))[f"weights/{FILE}"]
    assert listed.sha256 == hashlib.sha256(content).hexdigest()


def test_a_damaged_file_of_a_mirror_is_gathered_again(
    loopback: LoopbackServer, content: bytes, tmp_path: Path
) -> None:
    wanted = [needs(entry_of(loopback.serve("/w", content), content))]
    list(fetch_all(wanted, to=tmp_path))
    (tmp_path / "weights" / FILE).write_bytes(b"damaged")
    assert states(list(fetch_all(wanted, to=tmp_path))) == ["fetched"]
    assert (tmp_path / "weights" / FILE).read_bytes() == content


def test_a_page_in_place_of_weights_is_not_gathered(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    page = b"<html>log in</html>"
    wanted = [needs(entry_of(loopback.serve("/w", page), page, digest=""))]
    (outcome,) = fetch_all(wanted, to=tmp_path)
    assert outcome.state == "failed"
    assert not (tmp_path / "manifest.json").exists()
    assert list((tmp_path / "weights").iterdir()) == []


@pytest.mark.parametrize("published", [True, False])
def test_a_mirror_is_believed_only_as_far_as_the_hashes_go(
    published: bool, content: bytes, gather: Gather, tmp_path: Path
) -> None:
    backbone = gather(tmp_path / "mirror")
    if not published:
        file = dataclasses.replace(backbone.weights[0], hash="")
        backbone = dataclasses.replace(backbone, weights=(file,))
    (tmp_path / "mirror" / "weights" / FILE).write_bytes(content[:-1] + b"x")
    use_mirror(str(tmp_path / "mirror"))
    with pytest.raises(InputError, match="wrong hash: expected sha256"):
        locate_weights(backbone, 96, "imagenet", ignore_progress)


def test_a_mirror_without_the_file_says_how_to_get_it_there(
    loopback: LoopbackServer, gather: Gather, tmp_path: Path
) -> None:
    gather(tmp_path / "mirror")
    use_mirror(str(tmp_path / "mirror"))
    (outcome,) = fetch_all(list_needed(["VGG16"]))
    assert outcome.state == "failed"
    assert "not listed there; fetch it into the mirror with `cifar-tui fetch VGG16 --to DIR`" in (
        outcome.error
    )
    (outcome,) = fetch_all(list_needed(["MobileNetV2"], image_size=160))
    assert "`cifar-tui fetch MobileNetV2 --image-size 160 --to DIR`" in outcome.error
    (outcome,) = fetch_all(list_needed([], ["cifar100"]))
    assert "`cifar-tui fetch --dataset cifar100 --to DIR`" in outcome.error
    assert loopback.requests == []


@pytest.mark.parametrize(
    ("route", "says"),
    [
        (Route(b"nothing", 404), "the server says 404"),
        (Route(status=302, location="/mirror/manifest.json"), "the server says 302"),
        (Route(bytes(2**20 + 1)), "expected at most 1,048,576 bytes"),
    ],
    ids=["404", "redirect loop", "endless"],
)
def test_an_address_that_is_no_mirror_is_one_line(
    route: Route, says: str, loopback: LoopbackServer
) -> None:
    loopback.serve("/mirror/manifest.json", route)
    use_mirror(loopback.url("/mirror"))
    (outcome,) = fetch_all(list_needed(["VGG16"]))
    assert outcome.state == "failed"
    assert says in outcome.error
    assert f"{loopback.url('/mirror/manifest.json')}: " in outcome.error
    assert "DIR/manifest.json" not in outcome.error
