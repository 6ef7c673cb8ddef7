"""The system calls, through libc, and the numbers they take (x86-64)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

PAGE = 4096
MADV_POPULATE_READ, MADV_POPULATE_WRITE = 22, 23
PR_SET_PDEATHSIG = 1


class Calls:
    """Each returns its result or raises OSError."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        word, number = ctypes.c_size_t, ctypes.c_int

        def call(name: str, *arguments: Any, result: Any = number) -> Callable[..., int]:
            function = libc[name]
            function.argtypes, function.restype = arguments, result

            def checked(*values: int) -> int:
                result: int = function(*values)
                if result == -1:
                    raise OSError(ctypes.get_errno(), name)
                return result

            return checked

        self.mmap = call("mmap", word, word, number, number, number, word, result=ctypes.c_ssize_t)
        self.munmap = call("munmap", word, word)
        self.mprotect = call("mprotect", word, word, number)
        self.madvise = call("madvise", word, word, number)
        self.mlock = call("mlock", word, word)
        self.munlock = call("munlock", word, word)
        self.mremap = call("mremap", word, word, word, number, word, result=ctypes.c_ssize_t)
        self.fallocate = call("fallocate", number, number, word, word)
        self.prctl = call("prctl", number, word)
        self.pread = call("pread", number, word, word, word, result=ctypes.c_ssize_t)
        self.pwrite = call("pwrite", number, word, word, word, result=ctypes.c_ssize_t)
