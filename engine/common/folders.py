"""Where a program keeps what is a user's own: settings, caches, Keras' files.

All of it is found from the home folder. Where HOME is not set, empty or relative, the system's
entry for the user says where that is; a process whose user has no entry, as in many a container,
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
"""Where nothing can be written: what would be kept is not."""
_BASES = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")


def config_folder() -> Path:
    """Of recipes and of what screens remember; `CIFAR_TUI_CONFIG` names another. May be missing."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return expanded(named)
    settle_home()
    import platformdirs

    return platformdirs.user_config_path(_NAME)


def cache_folder() -> Path:
    """Of downloads, in any case the user's own. May be missing."""
    settle_home()
    import platformdirs

    return platformdirs.user_cache_path(_NAME)


def features_root() -> Path:
    """Of the features of frozen layers: `CIFAR_TUI_CACHE`, else the cache. May be missing."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else cache_folder()


def keras_folder(environment: Mapping[str, str]) -> Path:
    """Keras' own, of weights and of data sets, as an environment has it. May be missing."""
    named = environment.get("KERAS_HOME")
    return Path(named) if named else home() / ".keras"


def home() -> Path:
    """The user's home folder, by an absolute path; a temporary one where there is none."""
    settle_home()
    return Path.home()


def expanded(path: str) -> Path:
    """A path as a user types it, with a leading `~` or `~name`."""
    settle_home()
    return Path(os.path.expanduser(path))  # Path's own raises where there is no such user


def settle_home() -> str:
    """Have HOME name the home folder, for this process, its libraries and its children.

    Returns:
        One line for the user where the folder is only temporary, or there is none; else "".
    """
    for base in _BASES:  # a relative one is to be ignored, says their standard
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
    """See that temporary files can be written, without which no backend loads.

    Raises:
        InputError: they cannot.
    """
    import tempfile

    try:
        tempfile.gettempdir()
    except OSError as error:
        raise InputError(
            "expected a folder for temporary files, found that neither "
            f"{' nor '.join(_TEMPORARY)} can be written; {SET_TEMPORARY}"
        ) from error


def _registered_home() -> Path | None:
    """As the system has it for the user of this process; None where it has none."""
    import pwd

    try:
        found = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None
    return Path(found) if os.path.isabs(found) else None


def _temporary_home() -> Path | None:
    """A folder of this user alone, the same at every start; None where none can be had."""
    for base in (os.environ.get("TMPDIR", ""), *_TEMPORARY):
        if not os.path.isabs(base):
            continue
        folder = Path(base, f"{_NAME}-{os.getuid()}")
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
        except OSError:
            continue
        # What another user has put there is not to be trusted.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            return folder
    return None
