"""What came of a download is gone on from, where a hash can tell that it is of the same file."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path

import pytest

from engine.errors import InputError
from tests.support.download_cases import (
    BODY,
    HASH,
    Cancelled,
    fetch,
    only_the_file_is_there,
    refused,
)
from tests.support.loopback import LoopbackServer, Route


@pytest.fixture
def cut_short(loopback: LoopbackServer, tmp_path: Path) -> str:
    """The address of a file of which 1,000 bytes have come."""
    url = loopback.serve("/file", Route(BODY, cut_after=1000))
    refused(url, tmp_path, kept=BODY[:1000])
    return url


def test_an_interrupted_download_goes_on(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    seen: list[int] = []

    def note(done: int, total: int | None, unit: str) -> None:
        seen.append(done)
        assert total == len(BODY)

    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(cut_short, tmp_path, progress=note)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)
    assert seen[0] == 1000


def test_a_download_is_cut_again_and_goes_on_from_there(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", Route(BODY, ranges=True, cut_after=500))
    assert "cut after 1,500" in refused(cut_short, tmp_path, kept=BODY[:1500])
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges[-1] == "bytes=1500-"
    assert only_the_file_is_there(tmp_path)


def test_a_server_without_ranges_sends_it_all_again(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", BODY)
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]
    assert only_the_file_is_there(tmp_path)


def test_a_part_that_does_not_fit_is_found_by_the_hash_and_fetched_anew(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    (tmp_path / "cache" / "file.bin.part").write_bytes(bytes(1000))
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]
    assert only_the_file_is_there(tmp_path)


def test_a_part_of_another_length_is_not_taken(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", Route(BODY + b"x", ranges=True))
    assert "found 1,048,577 offered" in refused(cut_short, tmp_path, kept=BODY[:1000])
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]


def test_a_part_that_nobody_asked_for_is_not_taken(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, status=206))
    assert "found HTTP status 206" in refused(url, tmp_path)


def test_a_part_beyond_the_end_begins_anew(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    loopback.serve("/file", Route(b"range not satisfiable", status=416))
    with pytest.raises(InputError, match="HTTP status 416"):
        fetch(cut_short, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-", ""]


PAGE = b"<html>log in to this network</html>"


@pytest.mark.parametrize(
    ("body", "content_type", "expected_bytes", "says"),
    [
        (PAGE, "text/html; charset=utf-8", len(BODY), "found a web page"),
        (PAGE, "text/html", None, "found a web page"),
        (PAGE, "", len(BODY), "found 35 offered"),
    ],
)
def test_what_came_is_kept_when_something_else_is_sent(
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
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges[-1] == "bytes=1000-"
    assert only_the_file_is_there(tmp_path)


def test_a_page_in_the_place_of_a_file_is_not_begun_with(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(PAGE, content_type="text/html"))
    assert "as a network sends that wants a login" in refused(url, tmp_path)


@pytest.mark.parametrize(
    ("route", "expected_bytes", "says"),
    [
        (Route(bytes(len(BODY))), len(BODY), f"expected {HASH}, found sha256:"),
        (Route(bytes(len(BODY)), ranges=True), len(BODY), f"expected {HASH}, found sha256:"),
        (Route(b'{"error": "log in first"}', content_type="application/json"), None, "sha256:"),
        (Route(BODY + b"x", ranges=True, length=False), len(BODY), "found more"),
        (Route(BODY + b"x", length=False), len(BODY), "found more"),
    ],
)
def test_what_came_is_kept_when_another_file_is_sent(
    loopback: LoopbackServer,
    tmp_path: Path,
    cut_short: str,
    route: Route,
    expected_bytes: int | None,
    says: str,
) -> None:
    loopback.serve("/file", route)
    assert says in refused(cut_short, tmp_path, expected_bytes=expected_bytes, kept=BODY[:1000])
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(cut_short, tmp_path)
    assert loopback.asked_ranges[-1] == "bytes=1000-"
    assert only_the_file_is_there(tmp_path)


@pytest.mark.parametrize(("came", "kept"), [(500, 1000), (2000, 2000)])
def test_of_what_came_anew_and_what_was_kept_the_longer_stays(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str, came: int, kept: int
) -> None:
    loopback.serve("/file", Route(BODY, cut_after=came))
    assert f"cut after {came:,}" in refused(cut_short, tmp_path, kept=BODY[:kept])


def test_what_a_killed_download_left_does_not_stay(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    (tmp_path / "cache" / "file.bin.part.anew").write_bytes(bytes(2 * len(BODY)))
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(cut_short, tmp_path)
    assert only_the_file_is_there(tmp_path)


def test_cancelling_does_not_wait_for_a_server_that_stalls(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", Route(BODY, stall_after=1000))

    def cancel(done: int, total: int | None, unit: str) -> None:
        if done == 1000:
            raise Cancelled

    begin = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(url, tmp_path, progress=cancel, timeout_seconds=60)
    loopback.serve("/file", Route(BODY, ranges=True))
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
    url = loopback.serve("/file", Route(BODY, cut_after=1000))
    refused(url, tmp_path, kept=BODY[:1000])
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(url, tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_without_hash_nothing_is_gone_on_from(loopback: LoopbackServer, tmp_path: Path) -> None:
    url = loopback.serve("/file", Route(BODY, cut_after=1000))
    with pytest.raises(InputError, match="cut"):
        fetch(url, tmp_path, expected_bytes=None, expected_hash="")
    loopback.serve("/file", Route(BODY, ranges=True))
    fetch(url, tmp_path, expected_bytes=None, expected_hash="")
    assert loopback.asked_ranges == ["", ""]
    assert only_the_file_is_there(tmp_path)


def test_a_part_from_elsewhere_is_gone_on_from(
    loopback: LoopbackServer, tmp_path: Path, cut_short: str
) -> None:
    fetch(loopback.serve("/other", Route(BODY, ranges=True)), tmp_path)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_of_two_at_once_one_waits_for_the_other(loopback: LoopbackServer, tmp_path: Path) -> None:
    url = loopback.serve("/file", Route(BODY, stall_after=1000))
    has_some, waits = threading.Event(), threading.Event()

    def note(done: int, total: int | None, unit: str) -> None:
        if done == 1000:
            has_some.set()

    def go_on(done: int, total: int | None, unit: str) -> None:
        waits.set()

    def lead() -> None:
        with pytest.raises(InputError, match="cut after 1,000"):
            fetch(url, tmp_path, progress=note)

    def follow() -> None:
        assert has_some.wait(10)
        fetch(url, tmp_path, progress=go_on)

    first, second = threading.Thread(target=lead), threading.Thread(target=follow)
    first.start()
    second.start()
    assert waits.wait(10)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["file.bin.part"]
    loopback.serve("/file", Route(BODY, ranges=True))
    loopback.closing.set()  # the first is cut, and the second goes on from there
    first.join(10)
    second.join(10)
    assert loopback.asked_ranges == ["", "bytes=1000-"]
    assert only_the_file_is_there(tmp_path)


def test_what_another_has_brought_meanwhile_is_taken(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    url = loopback.serve("/file", BODY)
    fetch(url, tmp_path)
    fetch(url, tmp_path)
    assert loopback.requests == ["/file"]
    assert only_the_file_is_there(tmp_path)
