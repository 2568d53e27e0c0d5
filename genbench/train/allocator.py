"""Main memory under Linux: large blocks are kept for the next step instead of being given back."""

from __future__ import annotations

import ctypes
from functools import cache

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, from malloc.h
_LARGE = 2**31 - 1  # bytes; an int is all that mallopt takes


@cache
def keep_large_blocks() -> bool:
    """Have malloc keep what is freed, whatever its size, until ``give_back``; ``False`` where it cannot.

    By default glibc takes every block above 32 MiB from the system and gives it back at once, so a tensor of
    that size costs a page fault for every 4 KiB of it whenever it is made. With four lanes of a convolutional
    GAN that was a third of the time.
    """
    libc = _libc()
    if libc is None:
        return False
    return bool(libc.mallopt(_MMAP_THRESHOLD, _LARGE) and libc.mallopt(_TRIM_THRESHOLD, _LARGE))


def give_back(device: torch.device) -> None:
    """Return to the system, or to other processes on the device, what is kept and not in use."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif (libc := _libc()) is not None:
        libc.malloc_trim(0)


@cache
def _libc() -> ctypes.CDLL | None:
    """The C library, if it is one whose malloc can be told (glibc)."""
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt.argtypes, libc.mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
        libc.malloc_trim.argtypes, libc.malloc_trim.restype = (ctypes.c_size_t,), ctypes.c_int
    except (OSError, AttributeError, TypeError):
        return None  # musl, macOS, Windows
    return libc
