"""What a call must not change in its caller's process, which is a script or a notebook."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager

from engine.config.settings import SETTINGS
from engine.errors import InputError

KEYWORDS = {setting.flag: setting.field for setting in SETTINGS} | {
    "--seed": "seed",
    "--runs-dir": "runs_dir",
}
"""Keywords of the API by the command-line flags with which errors name the options."""


@contextmanager
def errors_by_keyword() -> Iterator[None]:
    """Make errors of bad input name the keywords of a call, not command-line flags."""
    try:
        yield
    except InputError as error:
        if error.field == "seeds":  # a call takes one
            error.field = "seed"
        said = by_keyword(str(error))
        if said == str(error):
            raise
        raise InputError(said) from error.__cause__


def by_keyword(text: str) -> str:
    """Return the text with keywords in place of flags; commands that it quotes stay."""
    return re.sub(
        r"`cifar-tui[^`]*`|--[a-z][a-z-]*", lambda found: KEYWORDS.get(found[0], found[0]), text
    )


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Restore the states of `random` and of NumPy's global generator, which every run seeds.

    Otherwise a caller that draws a rate for each training would draw the same one each time.
    """
    import numpy

    python, array = random.getstate(), numpy.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        numpy.random.set_state(array)
