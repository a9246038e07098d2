"""Holds one thread of a process, as a disk or a lock that never answers would, while the others go on."""

from __future__ import annotations

import ctypes
import os

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_DETACH = 17
# __WALL: the thread is no child of ours.
WAIT_ALL = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def thread(process: int, name: str) -> int:
    """The one of this name."""
    folder = f"/proc/{process}/task"
    for number in os.listdir(folder):
        with open(f"{folder}/{number}/comm", encoding="ascii") as file:
            if file.read().strip() == name:
                return int(number)
    raise LookupError(f"process {process} has no thread {name}")


class Held:
    """Until `release`; at the latest until this process ends."""

    def __init__(self, thread: int):
        self.thread = thread
        self._ask(PTRACE_SEIZE)
        self.held = True
        self._ask(PTRACE_INTERRUPT)
        os.waitpid(thread, WAIT_ALL)

    def release(self) -> None:
        if self.held:
            self.held = False
            self._ask(PTRACE_DETACH)

    def _ask(self, request: int) -> None:
        if _libc.ptrace(request, self.thread, None, None) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"holding thread {self.thread}: {os.strerror(code)}")
