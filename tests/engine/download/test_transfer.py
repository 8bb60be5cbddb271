"""Downloads against a real server that behaves and misbehaves."""

from __future__ import annotations

import errno
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from engine.download.transfer import Download, file_hash
from engine.errors import InputError
from tests.support.download_cases import (
    BODY,
    HASH,
    Cancelled,
    fetch,
    refused,
)
from tests.support.loopback import LoopbackServer, Route


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


def test_a_redirect_is_followed(loopback: LoopbackServer, tmp_path: Path) -> None:
    loopback.serve("/there", BODY)
    url = loopback.serve("/here", Route(status=302, location="/there"))
    assert fetch(url, tmp_path).read_bytes() == BODY
    assert loopback.requests == ["/here", "/there"]


def test_a_redirect_in_a_circle_is_one_line(loopback: LoopbackServer, tmp_path: Path) -> None:
    url = loopback.serve("/here", Route(status=302, location="/here"))
    assert "found HTTP status 302" in refused(url, tmp_path)


def test_a_file_of_unknown_size_is_checked_by_its_hash(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, length=False))
    assert fetch(url, tmp_path, expected_bytes=None).read_bytes() == BODY


def test_without_a_published_hash_the_length_is_checked(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", BODY)
    path = fetch(url, tmp_path, expected_bytes=None, expected_hash="")
    assert path.read_bytes() == BODY
    path.unlink()
    loopback.serve("/file", Route(BODY, cut_after=1000))
    with pytest.raises(InputError, match="cut after 1,000"):
        fetch(url, tmp_path, expected_bytes=None, expected_hash="")


@pytest.mark.parametrize("announced", [True, False])
def test_a_cut_connection_says_where(
    loopback: LoopbackServer, tmp_path: Path, announced: bool
) -> None:
    url = loopback.serve("/file", Route(BODY, cut_after=1000, length=announced))
    assert "expected 1,048,576 bytes, found the connection cut after 1,000;" in refused(
        url, tmp_path, kept=BODY[:1000]
    )


def test_more_than_expected_is_not_read_to_its_end(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, length=False))
    assert "expected 1,000 bytes, found more" in refused(url, tmp_path, expected_bytes=1000)


def test_another_size_is_refused_before_the_body(loopback: LoopbackServer, tmp_path: Path) -> None:
    url = loopback.serve("/file", b"<html>log in to this network</html>")
    assert "expected 1,048,576 bytes, found 35 offered" in refused(url, tmp_path)


def test_a_wrong_hash_names_both_and_the_ways_out(loopback: LoopbackServer, tmp_path: Path) -> None:
    wrong = bytes(len(BODY))
    line = refused(loopback.serve("/file", wrong), tmp_path)
    assert f"/file: expected {HASH}, found sha256:" in line
    assert hashlib.sha256(wrong).hexdigest() in line
    assert f"put the file at {tmp_path}/cache/file.bin or name it with `data_path`" in line


def test_a_missing_file_gives_the_servers_answer(loopback: LoopbackServer, tmp_path: Path) -> None:
    assert "found HTTP status 404 Not Found" in refused(loopback.url("/absent"), tmp_path)


def test_nobody_listening_is_refused(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, so nobody else's; not listening
        line = refused(f"http://127.0.0.1:{held.getsockname()[1]}/file", tmp_path)
    assert "refused" in line
    assert "check the network" in line


def test_no_answer_is_an_error_and_no_hang(loopback: LoopbackServer, tmp_path: Path) -> None:
    url = loopback.serve("/file", Route(silent=True))
    begin = time.monotonic()
    assert "expected to download the data, found no answer within 0.2 s" in refused(
        url, tmp_path, timeout_seconds=0.2
    )
    assert time.monotonic() - begin < 4


def test_a_body_that_stops_is_an_error_and_no_hang(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, stall_after=1000))
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


def test_a_full_disk_gets_back_what_came(
    loopback: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(partial: object, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.download.transfer._write", full)
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

    assert file_hash(path, "md5:0", note) == f"md5:{hashlib.md5(BODY).hexdigest()}"
    assert file_hash(path, "") == ""
    assert seen[-1] == len(BODY)


def test_what_can_be_had_is_asked_for_and_not_fetched(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/weights.h5", BODY)
    Download(url, tmp_path / "weights.h5", "the weights", "").check_reachable()
    assert loopback.requests == ["/weights.h5"]
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_had_is_said_with_the_place_to_put_it(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        Download(
            loopback.url("/gone.h5"), tmp_path / "gone.h5", "the weights", ""
        ).check_reachable()
    assert "found HTTP status 404 Not Found" in str(refused.value)
    assert f"put the file at {tmp_path / 'gone.h5'}" in str(refused.value)
