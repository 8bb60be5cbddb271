"""What screens remember from one start to the next, in one file of the user's config folder.

It is a convenience: a file that cannot be understood counts as missing, and one that cannot be
written only means that nothing is remembered.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from engine.common.atomic import written_whole
from engine.common.folders import config_folder
from engine.common.regular_file import read_regular
from engine.errors import InputError

FILE_NAME = "preferences.json"
MAX_BYTES = 2**20


def read_preferences(section: str) -> dict[str, Any]:
    """Read a section, unchecked: whoever uses a value checks its type.

    Args:
        section: the screen's name for it, such as "charts".
    """
    found = _read().get(section)
    return found if isinstance(found, dict) else {}


def write_preferences(section: str, values: dict[str, Any]) -> None:
    """Replace a section; the others stay.

    Args:
        section: as for reading.
        values: JSON values.
    """
    sections = {**_read(), section: values}
    path = config_folder() / FILE_NAME
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as aside:
            aside.write_text(json.dumps(sections, indent=1) + "\n", encoding="utf-8")


def _read() -> dict[str, Any]:
    try:
        found = json.loads(read_regular(config_folder() / FILE_NAME, MAX_BYTES))
    except (OSError, InputError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
