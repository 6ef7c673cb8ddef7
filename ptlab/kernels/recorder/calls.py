"""The system calls, through libc, and the numbers they take (x86-64)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

PAGE = 4096
MADV_POPULATE_READ, MADV_POPULATE_WRITE = 22, 23
MADV_DONTDUMP = 16
MCL_CURRENT = 1
_CLONE_VM, _CLONE_VFORK, _SIGCHLD, _STACK = 0x100, 0x4000, 17, 1 << 18
PR_SET_PDEATHSIG, PR_SET_MM, PR_SET_MM_MAP = 1, 35, 14


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

        def system_call(number: int, *arguments: Any) -> Callable[..., int]:
            """One that libc may not have, by its number on x86-64."""
            return partial(call("syscall", ctypes.c_long, *arguments, result=ctypes.c_long), number)

        self._vfork = ctypes.PyDLL(None, use_errno=True).clone
        self._child: Callable[[], int]
        entry = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
        self._entry = entry(lambda _: self._child())  # made once: its code is in a page of its own
        self._stacks = [ctypes.create_string_buffer(_STACK) for _ in range(3)]
        self.mmap = call("mmap", word, word, number, number, number, word, result=ctypes.c_ssize_t)
        self.munmap = call("munmap", word, word)
        self.mprotect = call("mprotect", word, word, number)
        self.madvise = call("madvise", word, word, number)
        self.mlock2 = call("mlock2", word, word, number)
        self.mlockall = call("mlockall", number)
        self.munlockall = call("munlockall")
        self.mseal = system_call(462, word, word, word)
        self.brk = system_call(12, word)
        self.process_madvise = system_call(440, number, word, word, number, number)
        self.pidfd_open = system_call(434, number, number)
        self.munlock = call("munlock", word, word)
        self.mremap = call("mremap", word, word, word, number, word, result=ctypes.c_ssize_t)
        self.fallocate = call("fallocate", number, number, word, word)
        self.prctl = call("prctl", number, word, word, word, word)
        self.pread = call("pread", number, word, word, word, result=ctypes.c_ssize_t)
        self.pwrite = call("pwrite", number, word, word, word, result=ctypes.c_ssize_t)

    def vfork(self, child: Callable[[], int]) -> int:
        """clone() with CLONE_VM and CLONE_VFORK: `child` runs in this memory until it exits or execs.

        PyDLL keeps the interpreter's lock: the child is the interpreter's one thread meanwhile.
        """
        self._child = child
        stack = self._stacks.pop()  # a child of the child takes another one
        top = ctypes.addressof(stack) + _STACK & -64
        flags = _CLONE_VM | _CLONE_VFORK | _SIGCHLD
        number: int = self._vfork(self._entry, ctypes.c_void_p(top), flags, None)
        self._stacks.append(stack)
        if number == -1:
            raise OSError(ctypes.get_errno(), "clone")
        return number
