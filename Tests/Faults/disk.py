"""A small ext4 file system in an image file, mounted by loop, whose power can be cut and which can be filled.

Needs root, and the packages mount and e2fsprogs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import subprocess
import time

# The file system stops at once. Of what was written and not synced it keeps nothing: its own log is not flushed.
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


class DiskError(Exception):
    pass


def run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise DiskError(f"{' '.join(command)}: {done.stdout.strip()}")


class Disk:
    def __init__(self, image: str, folder: str, mebibytes: int = 64):
        if os.geteuid() != 0:
            raise DiskError("mounting a file system needs root")
        self.image = image
        self.folder = folder
        self.is_mounted = False
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        # No blocks kept for root: full is full.
        run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        os.makedirs(folder, exist_ok=True)
        self.mount()

    def mount(self) -> None:
        run("mount", "-o", "loop", self.image, self.folder)
        self.is_mounted = True

    def unmount(self) -> None:
        """Waits a little for a process that was killed to let go."""
        for _ in range(200):
            try:
                run("umount", self.folder)
                self.is_mounted = False
                return
            except DiskError as error:
                last = error
                time.sleep(0.02)
        raise last

    def cut_power(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def close(self) -> None:
        if self.is_mounted:
            self.unmount()

    # Full.

    @property
    def _ballast(self) -> str:
        return os.path.join(self.folder, "ballast")

    def fill(self) -> None:
        """Takes every byte that is left."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            end = os.fstat(descriptor).st_size
            step = 1 << 22
            while step >= 1024:
                try:
                    os.posix_fallocate(descriptor, end, step)
                    end += step
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2
        finally:
            os.close(descriptor)

    def free(self) -> None:
        os.unlink(self._ballast)

    @property
    def free_bytes(self) -> int:
        figures = os.statvfs(self.folder)
        return figures.f_bfree * figures.f_frsize
