"""Where published files come from: their own servers, or a folder or address as a mirror.

A mirror holds `weights/<file>`, `datasets/<file>` and `manifest.json`, which names each file with
its bytes and SHA-256; `cifar-tui fetch --to DIR` makes one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.common.atomic import written_whole
from engine.common.progress import Progress
from engine.errors import InputError

MIRROR_VARIABLE = "CIFAR_TUI_MIRROR"
MANIFEST = "manifest.json"
_FORMAT = 1
_MOST_MANIFEST_BYTES = 2**20
_PATH = re.compile(r"(weights|datasets)/[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HOW_TO_MAKE = "`cifar-tui fetch --to DIR` on a machine with a network makes one"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a manifest lists it."""

    name: str
    """Name of the model or data set."""
    path: str
    """Path inside the mirror: `weights/<file>` or `datasets/<file>`."""
    bytes: int
    sha256: str


def use_mirror(where: str) -> None:
    """Take published files from here, in this process and those that it starts.

    Args:
        where: a folder, or an http or https address that serves one.

    Raises:
        InputError: no folder with a manifest; an address is only used once a file is needed.
    """
    if _is_address(where):
        os.environ[MIRROR_VARIABLE] = where
        return
    folder = _folder(where)
    read_manifest(str(folder))
    os.environ[MIRROR_VARIABLE] = str(folder)


def chosen_mirror() -> str | None:
    """Return the folder or address that `use_mirror` or the environment sets; None without one."""
    where = os.environ.get(MIRROR_VARIABLE)
    if not where:
        return None
    return where if _is_address(where) else str(_folder(where))


def _folder(where: str) -> Path:
    return Path(os.path.expanduser(where)).absolute()


def obtain(
    path: str,
    url: str,
    destination: Path,
    *,
    expected_bytes: int | None,
    expected_hash: str,
    progress: Progress,
    option: str = "",
    arguments: str = "",
) -> Path:
    """Fetch a published file from the mirror where there is one, else from its own address.

    Args:
        path: inside a mirror.
        url: where it is published.
        destination: see `engine.download.transfer.download`, also for the others.
        expected_bytes: as published.
        expected_hash: as published.
        progress: called with the bytes.
        option: for the error.
        arguments: those by which `cifar-tui fetch` gets the file into a mirror, for the error.

    Raises:
        InputError: it is not available, or is not the expected file.
    """
    # Here and below: the command line imports this module, and needs no network.
    from engine.download.transfer import download

    mirror = chosen_mirror()
    listed = None if mirror is None else _listed(mirror, path, arguments)
    return download(
        url if mirror is None else _place(mirror, path),
        destination,
        expected_bytes=listed.bytes if listed else expected_bytes,
        expected_hash=expected_hash,
        listed_hash=f"sha256:{listed.sha256}" if listed else "",
        progress=progress,
        option=option,
    )


def check_source(path: str, url: str, destination: Path, arguments: str = "") -> None:
    """Reject what `obtain` could not get, without getting it; takes the same arguments.

    Raises:
        InputError: the mirror lacks it, or the network or the server is not as expected.
    """
    from engine.download.transfer import check_reachable

    mirror = chosen_mirror()
    if mirror is None:
        check_reachable(url, destination)
        return
    _listed(mirror, path, arguments)


def read_manifest(mirror: str) -> dict[str, Listed]:
    """Return the files that a mirror lists, by path.

    Raises:
        InputError: the manifest is missing, not available, or not one of this program.
    """
    try:
        if _is_address(mirror):
            from engine.download.transfer import read_small

            content = read_small(_place(mirror, MANIFEST), _MOST_MANIFEST_BYTES)
        else:
            with (Path(mirror) / MANIFEST).open("rb") as file:
                content = file.read(_MOST_MANIFEST_BYTES)
        return _parse(content)
    except OSError as error:
        raise InputError(
            f"--mirror {mirror}: expected a folder with {MANIFEST}, found "
            f"{error.strerror or error}; {_HOW_TO_MAKE}"
        ) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            f"--mirror {mirror}: expected {MANIFEST} to list files with bytes and sha256, found "
            f"something else; {_HOW_TO_MAKE}"
        ) from error
    except InputError as error:
        raise InputError(f"--mirror {mirror}: {error}") from error


def add_to_manifest(folder: Path, files: Iterable[Listed]) -> None:
    """Write these files into a folder's manifest, replacing older entries for them.

    Raises:
        InputError: the manifest there is not one of this program.
        OSError: it cannot be written.
    """
    listed = read_manifest(str(folder)) if os.path.exists(folder / MANIFEST) else {}
    listed |= {file.path: file for file in files}
    entries = [asdict(listed[path]) for path in sorted(listed)]
    text = json.dumps({"format": _FORMAT, "files": entries}, indent=1)
    with written_whole(folder / MANIFEST) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def _listed(mirror: str, path: str, arguments: str) -> Listed:
    listed = read_manifest(mirror)
    if path not in listed:
        command = " ".join(filter(None, ("cifar-tui fetch", arguments, "--to DIR")))
        raise InputError(
            f"--mirror {mirror}: expected {path}, found it not listed there; fetch it into the "
            f"mirror with `{command}` on a machine with a network"
        )
    return listed[path]


def _parse(content: bytes) -> dict[str, Listed]:
    plain = json.loads(content)
    if plain["format"] != _FORMAT:
        raise ValueError("another format")
    files = [_file(entry) for entry in plain["files"]]
    return {file.path: file for file in files}


def _file(entry: dict[str, Any]) -> Listed:
    file = Listed(entry["name"], entry["path"], entry["bytes"], entry["sha256"])
    is_whole = isinstance(file.bytes, int) and file.bytes >= 0
    if not (_PATH.fullmatch(file.path) and _SHA256.fullmatch(file.sha256) and is_whole):
        raise ValueError("not a file of a mirror")
    if not isinstance(file.name, str):
        raise TypeError("a name is a text")
    return file


def _place(mirror: str, path: str) -> str:
    if _is_address(mirror):
        return f"{mirror.rstrip('/')}/{path}"
    return str(Path(mirror) / path)


def _is_address(where: str) -> bool:
    return where.startswith(("http://", "https://"))
