"""Downloads against a real server that behaves and misbehaves."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from engine.download import check_reachable, download, file_hash, verify
from engine.errors import InputError
from engine.progress import Progress, ignore_progress

if TYPE_CHECKING:
    from tests.conftest import LoopbackServer, Route

BODY = bytes(range(256)) * 4096
HASH = "sha256:" + hashlib.sha256(BODY).hexdigest()


class Cancelled(Exception):
    """What a caller raises out of its progress."""


def fetch(
    url: str,
    folder: Path,
    *,
    progress: Progress = ignore_progress,
    timeout_seconds: float = 5.0,
    expected_bytes: int | None = len(BODY),
    expected_hash: str = HASH,
) -> Path:
    return download(
        url,
        folder / "cache" / "file.bin",
        expected_bytes=expected_bytes,
        expected_hash=expected_hash,
        progress=progress,
        timeout_seconds=timeout_seconds,
        option="--data",
    )


def refused(
    url: str,
    folder: Path,
    timeout_seconds: float = 5.0,
    expected_bytes: int | None = len(BODY),
    kept: bytes | None = None,
) -> str:
    """The line that a failing download ends with, once nothing but `kept` is seen to be left."""
    with pytest.raises(InputError) as caught:
        fetch(url, folder, timeout_seconds=timeout_seconds, expected_bytes=expected_bytes)
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    if kept is None:
        assert left == set()
    else:
        assert left == {"file.bin.part", "file.bin.part.json"}
        assert (folder / "cache" / "file.bin.part").read_bytes() == kept
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.fixture
def silent_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A resolver that never answers until the test ends."""
    answer = threading.Event()

    def never(*_: object, **__: object) -> list[object]:
        answer.wait()
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    yield answer
    answer.set()


def test_a_whole_file_arrives_with_progress(loopback: LoopbackServer, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None, str]] = []

    def note(done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
        seen.append((done, total, unit))

    path = fetch(loopback.serve("/file", BODY), tmp_path, progress=note)

    assert path.read_bytes() == BODY
    assert list(path.parent.iterdir()) == [path]
    assert seen[-1] == (len(BODY), len(BODY), "bytes")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_a_redirect_is_followed(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    loopback.serve("/there", BODY)
    url = loopback.serve("/here", route(status=302, location="/there"))
    assert fetch(url, tmp_path).read_bytes() == BODY
    assert loopback.requests == ["/here", "/there"]


def test_a_redirect_in_a_circle_is_one_line(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/here", route(status=302, location="/here"))
    assert "the server says 302" in refused(url, tmp_path)


def test_a_file_of_unknown_size_is_checked_by_its_hash(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(BODY, length=False))
    assert fetch(url, tmp_path, expected_bytes=None).read_bytes() == BODY


def test_without_a_published_hash_the_length_is_checked(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", BODY)
    assert fetch(url, tmp_path, expected_bytes=None, expected_hash="").read_bytes() == BODY
    loopback.serve("/file", route(BODY, cut_after=1000))
    with pytest.raises(InputError, match="cut at 1,000"):
        fetch(url, tmp_path, expected_bytes=None, expected_hash="")


@pytest.mark.parametrize("announced", [True, False])
def test_a_cut_connection_says_where(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, announced: bool
) -> None:
    url = loopback.serve("/file", route(BODY, cut_after=1000, length=announced))
    assert "cut at 1,000 of 1,048,576 bytes" in refused(url, tmp_path, kept=BODY[:1000])


def test_more_than_expected_is_not_read_to_its_end(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(BODY, length=False))
    assert "expected 1,000 bytes, the server sends more" in refused(
        url, tmp_path, expected_bytes=1000
    )


def test_another_size_is_refused_before_the_body(loopback: LoopbackServer, tmp_path: Path) -> None:
    url = loopback.serve("/file", b"<html>log in to this network</html>")
    assert "expected 1,048,576 bytes, the server offers 35" in refused(url, tmp_path)


def test_a_wrong_hash_names_both_and_the_ways_out(loopback: LoopbackServer, tmp_path: Path) -> None:
    wrong = bytes(len(BODY))
    line = refused(loopback.serve("/file", wrong), tmp_path)
    assert f"wrong hash: expected {HASH}" in line
    assert hashlib.sha256(wrong).hexdigest() in line
    assert f"put the file at {tmp_path}/cache/file.bin or name it with --data" in line


def test_a_missing_file_gives_the_servers_answer(loopback: LoopbackServer, tmp_path: Path) -> None:
    assert "the server says 404" in refused(loopback.url("/absent"), tmp_path)


def test_nobody_listening_is_refused(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, so nobody else's; not listening
        line = refused(f"http://127.0.0.1:{held.getsockname()[1]}/file", tmp_path)
    assert "refused" in line
    assert "check the network" in line


def test_no_answer_is_an_error_and_no_hang(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(silent=True))
    begin = time.monotonic()
    assert "no answer within 0.2 s" in refused(url, tmp_path, timeout_seconds=0.2)
    assert time.monotonic() - begin < 4


def test_a_body_that_stops_is_an_error_and_no_hang(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(BODY, stall_after=1000))
    line = refused(url, tmp_path, timeout_seconds=0.2, kept=BODY[:1000])
    assert "no answer within 0.2 s" in line


@pytest.mark.usefixtures("silent_names")
def test_a_name_lookup_that_hangs_is_bounded(tmp_path: Path) -> None:
    begin = time.monotonic()
    assert "no answer within 0.2 s" in refused(
        "http://nowhere.invalid/file", tmp_path, timeout_seconds=0.2
    )
    assert time.monotonic() - begin < 4


@pytest.mark.usefixtures("silent_names")
def test_cancelling_does_not_wait_for_the_network(tmp_path: Path) -> None:
    def cancel(done: int, total: int | None, unit: str) -> None:
        raise Cancelled

    begin = time.monotonic()
    with pytest.raises(Cancelled):
        fetch("http://nowhere.invalid/file", tmp_path, progress=cancel, timeout_seconds=60)
    assert time.monotonic() - begin < 10


def cancel_midway(done: int, total: int | None, unit: str) -> None:
    """Cancel once something has come."""
    if 0 < done < len(BODY):
        raise Cancelled


def test_cancelling_midway_keeps_what_came(loopback: LoopbackServer, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        fetch(loopback.serve("/file", BODY), tmp_path, progress=cancel_midway)
    kept = (tmp_path / "cache" / "file.bin.part").read_bytes()
    assert kept
    assert BODY.startswith(kept)
    assert not (tmp_path / "cache" / "file.bin").exists()


# Resumed


@pytest.fixture
def cut_short(loopback: LoopbackServer, route: type[Route], tmp_path: Path) -> str:
    """The address of a file of which 1,000 bytes have come."""
    url = loopback.serve("/file", route(BODY, cut_after=1000, etag='"a"'))
    refused(url, tmp_path, kept=BODY[:1000])
    return url


def only_the_file_is_there(folder: Path) -> bool:
    names = [path.name for path in (folder / "cache").iterdir()]
    return names == ["file.bin"] and (folder / "cache" / "file.bin").read_bytes() == BODY


def test_an_interrupted_download_goes_on(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str
) -> None:
    seen: list[int] = []

    def note(done: int, total: int | None, unit: str) -> None:
        seen.append(done)
        assert total == len(BODY)

    loopback.serve("/file", route(BODY, etag='"a"', ranges=True))
    fetch(cut_short, tmp_path, progress=note)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)
    assert seen[0] == 1000


def test_a_download_is_cut_again_and_goes_on_from_there(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", route(BODY, etag='"a"', ranges=True, cut_after=500))
    assert "cut at 1,500 of" in refused(cut_short, tmp_path, kept=BODY[:1500])
    loopback.serve("/file", route(BODY, etag='"a"', ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges[-1] == "bytes=1500-"
    assert only_the_file_is_there(tmp_path)


def test_a_server_without_ranges_sends_it_all_again(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", BODY)
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_a_file_that_changed_in_between_begins_anew(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str
) -> None:
    part = tmp_path / "cache" / "file.bin.part"
    part.write_bytes(bytes(1000))  # of another file than the one served now
    loopback.serve("/file", route(BODY, etag='"b"', ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_a_part_that_does_not_fit_is_found_by_the_hash_and_fetched_anew(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str
) -> None:
    (tmp_path / "cache" / "file.bin.part").write_bytes(bytes(1000))
    loopback.serve("/file", route(BODY, etag='"a"', ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]
    assert only_the_file_is_there(tmp_path)


@pytest.mark.parametrize("part", ["0-99/1048576", "1000-1048575/99", "nonsense"])
def test_a_part_that_nobody_asked_for_is_not_taken(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str, part: str
) -> None:
    loopback.serve("/file", route(BODY, etag='"a"', ranges=True, part=part))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]
    assert only_the_file_is_there(tmp_path)


def test_a_part_beyond_the_end_begins_anew(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", route(b"range not satisfiable", status=416))
    with pytest.raises(InputError, match="the server says 416"):
        fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]


PAGE = b"<html>log in to this network</html>"


@pytest.mark.parametrize(
    ("body", "content_type", "expected_bytes", "says"),
    [
        (PAGE, "text/html; charset=utf-8", len(BODY), "the server sends a web page"),
        (PAGE, "text/html", None, "the server sends a web page"),
        (PAGE, "", len(BODY), "the server offers 35"),
        (PAGE, "", None, "wrong hash"),
        (bytes(len(BODY)), "", len(BODY), "wrong hash"),
    ],
)
def test_what_came_is_kept_until_something_better_is_verified(
    loopback: LoopbackServer,
    route: type[Route],
    tmp_path: Path,
    cut_short: str,
    body: bytes,
    content_type: str,
    expected_bytes: int | None,
    says: str,
) -> None:
    loopback.serve("/file", route(body, content_type=content_type))
    assert says in refused(cut_short, tmp_path, expected_bytes=expected_bytes, kept=BODY[:1000])
    loopback.serve("/file", route(BODY, etag='"a"', ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges[-1] == "bytes=1000-"
    assert only_the_file_is_there(tmp_path)


def test_a_page_in_the_place_of_a_file_is_not_begun_with(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(PAGE, content_type="text/html"))
    assert "as a network does that wants a login" in refused(url, tmp_path)


@pytest.mark.parametrize("came", [500, 1500])
def test_what_came_further_is_gone_on_from(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str, came: int
) -> None:
    changed = BODY[::-1]
    digest = "sha256:" + hashlib.sha256(changed).hexdigest()
    loopback.serve("/file", route(changed, etag='"b"', cut_after=came, ranges=True))
    with pytest.raises(InputError, match="cut at"):
        fetch(cut_short, tmp_path, expected_hash=digest)
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {"file.bin.part", "file.bin.part.json"}
    loopback.serve("/file", route(changed, etag='"b"', ranges=True))
    assert fetch(cut_short, tmp_path, expected_hash=digest).read_bytes() == changed
    # the part of the old file is asked for by its own validator, and not taken
    assert loopback.asked_ranges[-1] == f"bytes={max(came, 1000)}-"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["file.bin"]


def test_cancelling_does_not_wait_for_a_server_that_stalls(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(BODY, stall_after=1000, etag='"a"'))

    def cancel(done: int, total: int | None, unit: str) -> None:
        if done == 1000:
            raise Cancelled

    begin = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(url, tmp_path, progress=cancel, timeout_seconds=60)
    loopback.serve("/file", route(BODY, etag='"a"', ranges=True))
    fetch(url, tmp_path)  # the first server thread stalls on
    assert time.monotonic() - begin < 10
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_a_stall_is_told_so_that_it_can_be_cancelled(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(BODY, stall_after=1000))
    told: list[int] = []

    def cancel(done: int, total: int | None, unit: str) -> None:
        told.append(done)
        if told.count(1000) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(url, tmp_path, progress=cancel, timeout_seconds=60)


def test_a_whole_part_is_not_asked_for(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    (tmp_path / "cache" / "file.bin.part").write_bytes(BODY)
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == [""]
    assert only_the_file_is_there(tmp_path)


def test_a_file_system_without_locks_goes_on_as_well(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("engine.partial_file.fcntl.flock", unsupported)
    url = loopback.serve("/file", route(BODY, cut_after=1000, etag='"a"'))
    refused(url, tmp_path, kept=BODY[:1000])
    loopback.serve("/file", route(BODY, etag='"a"', ranges=True))
    fetch(url, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_what_a_killed_process_left_of_its_own_is_removed(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    for name in ("file.bin.part-12-34", "file.bin.part-12-34.json", "file.bin.part-5-6"):
        (tmp_path / "cache" / name).write_text("{}")
    os.utime(tmp_path / "cache" / "file.bin.part-12-34", (1.7e9, 1.7e9))
    fetch(loopback.serve("/file", BODY), tmp_path)
    # the other may be at work yet
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {"file.bin", "file.bin.part-5-6"}


def test_without_hash_and_validator_nothing_is_gone_on_from(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path
) -> None:
    url = loopback.serve("/file", route(BODY, cut_after=1000))
    with pytest.raises(InputError, match="cut"):
        fetch(url, tmp_path, expected_bytes=None, expected_hash="")
    loopback.serve("/file", route(BODY, ranges=True))
    fetch(url, tmp_path, expected_bytes=None, expected_hash="")
    assert loopback.asked_ranges == ["", ""]
    assert only_the_file_is_there(tmp_path)


def test_a_part_from_elsewhere_is_not_gone_on_from(
    loopback: LoopbackServer, route: type[Route], tmp_path: Path, cut_short: str
) -> None:
    fetch(loopback.serve("/other", route(BODY, ranges=True)), tmp_path)
    assert loopback.asked_ranges == ["", ""]
    assert only_the_file_is_there(tmp_path)


def test_two_at_once_do_not_write_into_each_other(loopback: LoopbackServer, tmp_path: Path) -> None:
    url = loopback.serve("/file", BODY)
    names: set[str] = set()

    def fetch_within(done: int, total: int | None, unit: str) -> None:
        if 0 < done < len(BODY) and not names:
            names.update(path.name for path in (tmp_path / "cache").iterdir())
            fetch(url, tmp_path)
            assert only_the_file_is_there_beside_a_part(tmp_path)

    fetch(url, tmp_path, progress=fetch_within)
    assert names == {"file.bin.part", "file.bin.part.json"}
    assert only_the_file_is_there(tmp_path)


def only_the_file_is_there_beside_a_part(folder: Path) -> bool:
    names = {path.name for path in (folder / "cache").iterdir()}
    return names == {"file.bin", "file.bin.part", "file.bin.part.json"}


def test_a_file_on_this_machine_is_copied_and_checked(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(BODY)
    fetch(str(tmp_path / "source"), tmp_path)
    assert only_the_file_is_there(tmp_path)
    (tmp_path / "source").write_bytes(bytes(len(BODY)))
    (tmp_path / "cache" / "file.bin").unlink()
    with pytest.raises(InputError, match=r"copy of .*wrong hash: expected sha256"):
        fetch(str(tmp_path / "source"), tmp_path)
    with pytest.raises(InputError, match=r"copy of .*No such file"):
        fetch(str(tmp_path / "missing"), tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_gets_back_what_came(
    loopback: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(partial: object, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.partial_file.PartialFile.append", full)
    line = refused(loopback.serve("/file", BODY), tmp_path)
    assert "found No space left on device; make room" in line


def test_a_folder_that_cannot_be_made_is_named(loopback: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"cache/file\.bin: expected to write the download here"):
        fetch(loopback.serve("/file", BODY), tmp_path)


def test_hashes_are_those_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BODY)
    seen: list[int] = []

    def note(done: int, total: int | None, unit: str) -> None:
        seen.append(done)

    assert file_hash(path, "md5", note) == hashlib.md5(BODY).hexdigest()
    assert seen[-1] == len(BODY)
    assert verify(path, HASH)
    assert not verify(path, "md5:" + "0" * 32)


def test_what_can_be_had_is_asked_for_and_not_fetched(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/weights.h5", BODY)
    check_reachable(url, tmp_path / "weights.h5")
    assert loopback.requests == ["/weights.h5"]
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_had_is_said_with_the_place_to_put_it(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        check_reachable(loopback.url("/gone.h5"), tmp_path / "gone.h5")
    assert "the server says 404" in str(refused.value)
    assert f"put the file at {tmp_path / 'gone.h5'}" in str(refused.value)
