"""The version of the program, in this one place: the package's metadata are built from it."""

from __future__ import annotations

VERSION = "0.1.0"
