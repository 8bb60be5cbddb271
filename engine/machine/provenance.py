"""Where a run comes from: host, process, versions, source revision."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.common.version import VERSION
from engine.config.dataset_names import package_of
from engine.keras_setup.loading import chosen_backend

PACKAGES = ("keras", "tensorflow", "jax", "numpy")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run came from, so that its record can be judged later."""

    host: str
    pid: int
    backend: str
    """By Keras' name; a run resumes on the same."""
    versions: dict[str, str]
    revision: str | None
    """Git revision of the program's source tree; None for an installed package."""
    dataset_package: str = ""
    """Name and version of the package that brings the run's data set; empty for all others."""


def find_origin(dataset: str = "") -> Origin:
    """Describe this process; reads package metadata only, loads nothing.

    Args:
        dataset: of the run, by its recorded name.
    """
    # Not before the first frame: these imports take 30 ms.
    import platform
    import socket
    from importlib import metadata

    versions = {"python": platform.python_version(), "cifar-tui": VERSION}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return Origin(
        host=socket.gethostname(),
        pid=os.getpid(),
        backend=chosen_backend(),
        versions=versions,
        revision=_git_revision(),
        dataset_package=package_of(dataset),
    )


def _git_revision() -> str | None:
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    import subprocess

    try:
        result = subprocess.run(
            ["git", "-C", str(source), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
