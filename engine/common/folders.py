"""Where the program keeps a user's settings, caches and Keras' files.

All of them are found from the home folder. Where HOME is not set, empty or relative, the system's
entry for the user says where that is; a process whose user has no entry, as in many containers,
gets a temporary folder of its own. Nothing is ever kept in a folder called `~`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from engine.errors import InputError

CONFIG_VARIABLE = "CIFAR_TUI_CONFIG"
CACHE_VARIABLE = "CIFAR_TUI_CACHE"
SET_TEMPORARY = "set TMPDIR to a folder that can be written"
_NAME = "cifar-tui"
_TEMPORARY = ("/tmp", "/var/tmp")
_NOWHERE = Path("/nonexistent")
"""A folder that cannot be written, so that nothing is kept."""
_BASES = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")


def config_folder() -> Path:
    """Return the folder of recipes and preferences, or `CIFAR_TUI_CONFIG`; may be missing."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return expanded(named)
    settle_home()
    import platformdirs

    return platformdirs.user_config_path(_NAME)


def cache_folder() -> Path:
    """Return the user's own folder of downloads; may be missing."""
    settle_home()
    import platformdirs

    return platformdirs.user_cache_path(_NAME)


def features_root() -> Path:
    """Return the folder of features: `CIFAR_TUI_CACHE`, else the cache; may be missing."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else cache_folder()


def keras_folder(environment: Mapping[str, str]) -> Path:
    """Return Keras' folder of weights and data sets in an environment; may be missing."""
    named = environment.get("KERAS_HOME")
    return Path(named) if named else home() / ".keras"


def home() -> Path:
    """Return the user's home folder as an absolute path; a temporary one where there is none."""
    settle_home()
    return Path.home()


def expanded(path: str) -> Path:
    """Return a path as a user types it, with a leading `~` or `~name`."""
    settle_home()
    return Path(os.path.expanduser(path))  # Path's own raises where there is no such user


def settle_home() -> str:
    """Set HOME to the home folder, for this process, its libraries and its children.

    Returns:
        One line for the user where the folder is only temporary, or there is none; else "".
    """
    for base in _BASES:  # the XDG standard says to ignore a relative one
        if not os.path.isabs(os.environ.get(base, "/")):
            del os.environ[base]
    named = os.environ.get("HOME")
    if named is not None and os.path.isabs(named):
        return ""
    registered = _registered_home()
    if registered is not None:
        os.environ["HOME"] = str(registered)
        return ""
    temporary = _temporary_home()
    os.environ["HOME"] = str(temporary or _NOWHERE)
    found = "none" if named is None else repr(named)
    kept = f"{temporary} stands in for it" if temporary else "nothing is kept between two starts"
    return f"expected HOME to be the path of a folder, found {found}: {kept}; set HOME"


def check_temporary_folder() -> None:
    """Check that temporary files can be written, without which no backend loads.

    Raises:
        InputError: they cannot.
    """
    import tempfile

    try:
        tempfile.gettempdir()
    except OSError as error:
        found = f"that neither {' nor '.join(_TEMPORARY)} can be written"
        raise InputError("", "a folder for temporary files", found, SET_TEMPORARY) from error


def _registered_home() -> Path | None:
    """Return the home folder in the system's entry for this user; None without one."""
    import pwd

    try:
        found = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None
    return Path(found) if os.path.isabs(found) else None


def _temporary_home() -> Path | None:
    """Return a folder of this user alone, the same at every start; None where none can be made."""
    for base in (os.environ.get("TMPDIR", ""), *_TEMPORARY):
        if not os.path.isabs(base):
            continue
        folder = Path(base, f"{_NAME}-{os.getuid()}")
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
        except OSError:
            continue
        # Do not trust what another user has put there.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            return folder
    return None
