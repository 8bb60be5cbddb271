"""What came of a download is gone on from, and kept until something better is verified."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from pathlib import Path

import pytest

from engine.errors import InputError
from tests.support.download_cases import (
    BODY,
    Cancelled,
    fetch,
    only_the_file_is_there,
    refused,
)
from tests.support.loopback import LoopbackServer, Route


@pytest.fixture
def cut_short(loopback: LoopbackServer, tmp_path: Path) -> str:
    """The address of a file of which 1,000 bytes have come."""
    url = loopback.serve("/file", Route(BODY, cut_after=1000, etag='"a"'))
    refused(url, tmp_path, kept=BODY[:1000])
    return url


def test_an_interrupted_download_goes_on(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    seen: list[int] = []

    def note(done: int, total: int | None, unit: str) -> None:
        seen.append(done)
        assert total == len(BODY)

    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True))
    fetch(cut_short, tmp_path, progress=note)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)
    assert seen[0] == 1000


def test_a_download_is_cut_again_and_goes_on_from_there(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True, cut_after=500))
    assert "cut at 1,500 of" in refused(cut_short, tmp_path, kept=BODY[:1500])
    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True))
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
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    part = tmp_path / "cache" / "file.bin.part"
    part.write_bytes(bytes(1000))  # of another file than the one served now
    loopback.serve("/file", Route(BODY, etag='"b"', ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_a_part_that_does_not_fit_is_found_by_the_hash_and_fetched_anew(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    (tmp_path / "cache" / "file.bin.part").write_bytes(bytes(1000))
    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]
    assert only_the_file_is_there(tmp_path)


@pytest.mark.parametrize("part", ["0-99/1048576", "1000-1048575/99", "nonsense"])
def test_a_part_that_nobody_asked_for_is_not_taken(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str, part: str
) -> None:
    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True, part=part))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]
    assert only_the_file_is_there(tmp_path)


def test_a_part_beyond_the_end_begins_anew(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", Route(b"range not satisfiable", status=416))
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
    tmp_path: Path,
    cut_short: str,
    body: bytes,
    content_type: str,
    expected_bytes: int | None,
    says: str,
) -> None:
    loopback.serve("/file", Route(body, content_type=content_type))
    assert says in refused(cut_short, tmp_path, expected_bytes=expected_bytes, kept=BODY[:1000])
    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges[-1] == "bytes=1000-"
    assert only_the_file_is_there(tmp_path)


def test_a_page_in_the_place_of_a_file_is_not_begun_with(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(PAGE, content_type="text/html"))
    assert "as a network does that wants a login" in refused(url, tmp_path)


@pytest.mark.parametrize("came", [500, 1500])
def test_what_came_further_is_gone_on_from(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str, came: int
) -> None:
    changed = BODY[::-1]
    digest = "sha256:" + hashlib.sha256(changed).hexdigest()
    loopback.serve("/file", Route(changed, etag='"b"', cut_after=came, ranges=True))
    with pytest.raises(InputError, match="cut at"):
        fetch(cut_short, tmp_path, expected_hash=digest)
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {"file.bin.part", "file.bin.part.json"}
    loopback.serve("/file", Route(changed, etag='"b"', ranges=True))
    assert fetch(cut_short, tmp_path, expected_hash=digest).read_bytes() == changed
    # the part of the old file is asked for by its own validator, and not taken
    assert loopback.asked_ranges[-1] == f"bytes={max(came, 1000)}-"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["file.bin"]


def test_cancelling_does_not_wait_for_a_server_that_stalls(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, stall_after=1000, etag='"a"'))

    def cancel(done: int, total: int | None, unit: str) -> None:
        if done == 1000:
            raise Cancelled

    begin = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(url, tmp_path, progress=cancel, timeout_seconds=60)
    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True))
    fetch(url, tmp_path)  # the first server thread stalls on
    assert time.monotonic() - begin < 10
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_a_stall_is_told_so_that_it_can_be_cancelled(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, stall_after=1000))
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
    loopback: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("engine.common.locks.fcntl.flock", unsupported)
    url = loopback.serve("/file", Route(BODY, cut_after=1000, etag='"a"'))
    refused(url, tmp_path, kept=BODY[:1000])
    loopback.serve("/file", Route(BODY, etag='"a"', ranges=True))
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
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, cut_after=1000))
    with pytest.raises(InputError, match="cut"):
        fetch(url, tmp_path, expected_bytes=None, expected_hash="")
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(url, tmp_path, expected_bytes=None, expected_hash="")
    assert loopback.asked_ranges == ["", ""]
    assert only_the_file_is_there(tmp_path)


def test_a_part_from_elsewhere_is_not_gone_on_from(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    fetch(loopback.serve("/other", Route(BODY, ranges=True)), tmp_path)
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
