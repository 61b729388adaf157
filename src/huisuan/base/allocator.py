"""Memory of large blocks goes back to the system when it is freed, so that what passes through leaves nothing behind.

The C library's allocator (glibc) raises its threshold for blocks of their own with every large block that is freed, to
32 MiB. Pieces of files of some megabytes then come from shared heaps, one a thread, whose gaps grow: moving 1 GiB in
pieces of 4 MiB an agent grew from 90 to 360 MiB, and stayed so.
"""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3  # of malloc.h
_BLOCK_BYTES = 512 * 1024


def return_large_blocks() -> bool:
    """Give blocks of 512 KiB and more their own mappings, from now on in this process. False: not with this libc."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES))
    except (AttributeError, OSError, TypeError):  # musl, macOS and Windows have none
        return False
