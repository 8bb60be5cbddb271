"""`cifar-tui cache`: list or clear the cached features of frozen prefixes."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict

from engine.common.folders import features_root
from engine.common.text import aligned, byte_size, printable
from engine.features.store import Entry, FeatureStore
from tui.cli.output import print_json

COLUMNS = {
    "model": "model",
    "frontier": "after layer",
    "image_size": "px",
    "images": "images",
    "split": "split",
    "view": "view",
    "precision": "precision",
}
"""The fields of an entry, and the titles of their columns."""
TITLES = (*COLUMNS.values(), "size", "last used")
NUMBERS = {"px", "images", "size"}


def run(arguments: argparse.Namespace) -> int:
    """List the cached features, or remove all of them; a missing folder is an empty cache."""
    store = FeatureStore(features_root(), limit_bytes=0)
    if arguments.action == "clear":
        _clear(store, arguments.json)
    else:
        _list(store, arguments.json)
    return 0


def _clear(store: FeatureStore, as_json: bool) -> None:
    entries, size = store.clear()
    if as_json:
        print_json({"folder": str(store.folder), "entries_removed": entries, "bytes_removed": size})
    else:
        print(f"removed {_entries(entries)}, {byte_size(size)}, from {store.folder}")


def _list(store: FeatureStore, as_json: bool) -> None:
    entries = store.entries()
    total = sum(entry.bytes for entry in entries)
    if as_json:
        plain = [asdict(entry) for entry in entries]
        print_json({"folder": str(store.folder), "bytes": total, "entries": plain})
        return
    if entries:
        right = [title in NUMBERS for title in TITLES]
        print("\n".join(aligned([TITLES, *map(_cells, entries)], right)))
    print(f"{_entries(len(entries))}, {byte_size(total)}")
    print(f"folder: {store.folder}")


def _cells(entry: Entry) -> tuple[str, ...]:
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_used))
    about = (printable(str(entry.about.get(name, "-"))) for name in COLUMNS)
    return (*about, byte_size(entry.bytes), used)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"
