"""A Debian box with a real systemd, booted in namespaces from a file system in a file, whose power can be cut.

Everything lives in the mount, network and process namespaces that `run.py` made, and in a control group of its own,
by which it ends. The box shares that network: its broker is on 127.0.0.1 for the test, too, and for nobody else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import time
from typing import Callable, Dict, List, Optional

# The file system stops at once. Of what was written and not synced it keeps nothing: its own log is not flushed.
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
CONTROL_GROUPS = "/sys/fs/cgroup"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class BoxError(Exception):
    pass


class Box:
    """Not booted when it is made. Use `close` whatever happened."""

    count = 0

    def __init__(self, image: str, folder: str):
        """A box of its own, with a copy of `image`."""
        Box.count += 1
        self.name = f"lumbung-box-{os.environ['LUMBUNG_BOX']}-{Box.count}"
        self.image = os.path.join(folder, f"{self.name}.img")
        self.root = os.path.join(folder, self.name)
        self.console = os.path.join(folder, f"{self.name}.log")
        self.group = os.path.join(CONTROL_GROUPS, self.name)
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.leader = 0
        self.is_mounted = False
        subprocess.run(["cp", "--sparse=always", image, self.image], check=True)
        os.makedirs(self.root)

    # Power.

    def mount(self) -> None:
        if not self.is_mounted:
            subprocess.run(["mount", "-o", "loop", self.image, self.root], check=True)
            self.is_mounted = True

    def boot(self, seconds: float = 60) -> None:
        """Until its systemd says that it is up."""
        self.mount()
        os.makedirs(self.group, exist_ok=True)
        command = ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", "--register=no", "--keep-unit",
                   "--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off"]
        with open(self.console, "ab") as console:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
                preexec_fn=self._join_group)
        deadline = time.monotonic() + seconds
        state = "not there yet"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BoxError(f"the box ended while booting\n{self.console_tail()}")
            self.leader = self._find_leader()
            if self.leader:
                state = self.run("systemctl", "is-system-running", check=False)
                if state in ("running", "degraded"):
                    return
            time.sleep(0.05)
        raise BoxError(f"the box has not come up within {seconds:g} s: {state}\n{self._what_it_does()}")

    def _what_it_does(self) -> str:
        """What is known of a box that doesn't come up."""
        if not self.leader:
            return self.console_tail()
        asked = ("systemctl list-jobs --no-pager; systemctl status --no-pager lumbung lumbung-central mosquitto; "
                 "journalctl --no-pager --boot --lines=60; ps -eo pid,ppid,stat,wchan:30,args")
        return self.run("sh", "-c", asked, check=False) + self.console_tail()

    def cut_power(self) -> None:
        """What was not on the disk is gone, and everything stops."""
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)
        self._kill()
        self._unmount()

    def power_off(self, seconds: float = 60) -> float:
        """In order; how long it took."""
        began = time.monotonic()
        assert self.process is not None
        self.run("systemctl", "--no-block", "poweroff", check=False)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BoxError(f"the box has not shut down within {seconds:g} s\n{self.console_tail()}") from None
        self._kill()
        self._unmount()
        return time.monotonic() - began

    def close(self) -> None:
        """Whatever state it is in: nothing is left."""
        self._kill()
        self._unmount()
        shutil.rmtree(self.root, ignore_errors=True)
        os.unlink(self.image)
        if os.path.isdir(self.group):
            remove_group(self.group)

    def _join_group(self) -> None:
        with open(os.path.join(self.group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def _find_leader(self) -> int:
        """The box's first process: the child of systemd-nspawn that is a process 1."""
        assert self.process is not None
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
                children = [int(word) for word in file.read().split()]
            for child in children:
                with open(f"/proc/{child}/status", encoding="ascii") as file:
                    fields = dict(line.split(":", 1) for line in file if ":" in line)
                if fields["NSpid"].split()[-1] == "1" and fields["Name"].strip() == "systemd":
                    return child
        except (OSError, ValueError, KeyError):
            pass
        return 0

    def _kill(self) -> None:
        self.leader = 0
        if os.path.isdir(self.group):
            with open(os.path.join(self.group, "cgroup.kill"), "w", encoding="ascii") as file:
                file.write("1")
        if self.process is not None:
            self.process.wait()
            self.process = None
        await_true("all processes of the box are gone", lambda: not self._is_populated())

    def _is_populated(self) -> bool:
        try:
            with open(os.path.join(self.group, "cgroup.events"), encoding="ascii") as file:
                return "populated 1" in file.read()
        except FileNotFoundError:
            return False

    def _unmount(self) -> None:
        if not self.is_mounted:
            return
        await_true("the file system is not busy", lambda: subprocess.run(
            ["umount", self.root], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0)
        self.is_mounted = False
        # The box's own mounts of it may outlive ours by a moment. Until they are gone, mounting again would only show
        # the file system that was shut down.
        await_true("the loop device is free", lambda: not subprocess.run(
            ["losetup", "--associated", self.image], stdout=subprocess.PIPE, text=True).stdout)

    def console_tail(self, lines: int = 30) -> str:
        with open(self.console, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    # Inside.

    def start(self, *command: str, **more: object) -> "subprocess.Popen[str]":
        """A command in the box, as root."""
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd",
             *command], text=True, env={"PATH": PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            **{"stdin": subprocess.DEVNULL, **more})

    def run(self, *command: str, check: bool = True, seconds: float = 120) -> str:
        """What it prints, without the white space around it."""
        process = self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise BoxError(f"{' '.join(command)}: not done within {seconds:g} s") from None
        if check and process.returncode != 0:
            raise BoxError(f"{' '.join(command)}: {process.returncode}\n{output}")
        return output.strip()

    def exit_code(self, *command: str) -> int:
        return self.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait()

    def path(self, inside: str) -> str:
        return self.root + inside

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        """As root, from outside. Replaces the text of a file that is there, and leaves its owner."""
        path = self.path(inside)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def read(self, inside: str) -> str:
        with open(self.path(inside), encoding="utf-8") as file:
            return file.read()

    def unit(self, name: str, *properties: str) -> Dict[str, str]:
        """What systemd says of a unit."""
        output = self.run("systemctl", "show", name, *(f"--property={p}" for p in properties))
        return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

    def main_pid(self, name: str) -> int:
        return int(self.unit(name, "MainPID")["MainPID"])

    def signal(self, unit: str, number: signal.Signals) -> None:
        """To the unit's main process alone."""
        self.run("systemctl", "kill", "--kill-who=main", f"--signal={number.name}", unit)

    def log(self, unit: str) -> List[str]:
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").splitlines()


def await_true(what: str, holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise BoxError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


def remove_group(path: str) -> None:
    """A control group and those below it, once nothing lives there."""
    deadline = time.monotonic() + 10
    while True:
        try:
            for folder, _, _ in os.walk(path, topdown=False):
                os.rmdir(folder)
            return
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
