"""Locks on open files, which the system lets go of when their process ends, however it does."""

from __future__ import annotations

import errno
import fcntl


def try_lock(descriptor: int, *, shared: bool = False, where_unsupported: bool = True) -> bool:
    """Lock an open file for as long as it is open, unless it is locked through another opening.

    Args:
        descriptor: of the file.
        shared: whether others may hold it so too; to look whether anyone holds it alone.
        where_unsupported: what to take for true where there are no locks.

    Returns:
        Whether it is locked now, or `where_unsupported` where there are no locks.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        is_in_use = error.errno in (errno.EWOULDBLOCK, errno.EAGAIN)
        return where_unsupported and not is_in_use
    return True
