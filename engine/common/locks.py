"""Locks on open files, which the system releases when their process ends, however it ends."""

from __future__ import annotations

import errno
import fcntl


def try_lock(descriptor: int, *, shared: bool = False, where_unsupported: bool = True) -> bool:
    """Lock an open file for as long as it is open, unless another open file locks it.

    Args:
        descriptor: of the file.
        shared: whether others may hold a shared lock too; to see whether anyone holds it alone.
        where_unsupported: the result where the file system has no locks.

    Returns:
        Whether it is locked now.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        is_in_use = error.errno in (errno.EWOULDBLOCK, errno.EAGAIN)
        return where_unsupported and not is_in_use
    return True
