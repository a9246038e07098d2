"""Starts and stops the processes that a demonstration or an end-to-end test needs: on loopback, on free ports, in a
folder of their own, each ended by its own process id.
"""

from __future__ import annotations

import ctypes
import http.client
import itertools
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from typing import Callable, Dict, List, Optional, Sequence, TypeVar

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(HERE)

Value = TypeVar("Value")


class StageError(Exception):
    """What could not be brought about, and what is known of why."""


# Below those that the system gives to others meanwhile (from 32768, unless it was told otherwise), and from somewhere
# else in each process.
_LOWEST_PORT, _PORTS = 10_000, 20_000
_next_port = itertools.count(random.randrange(_PORTS))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now, that stays free until it is used, and that this process has not
    given out before."""
    for number in itertools.islice(_next_port, 100):
        port = _LOWEST_PORT + number % _PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise StageError("no free port on 127.0.0.1")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def await_value(what: str, probe: Callable[[], Optional[Value]], seconds: float, every: float = 0.1,
                explain: Optional[Callable[[], str]] = None) -> Value:
    """Asks until `probe` gives something; fails at the deadline with what was awaited and what is known instead."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value is not None and value is not False:
            return value
        if time.monotonic() >= deadline:
            known = f"\n{explain()}" if explain else ""
            raise StageError(f"not within {seconds:g} s: {what}{known}")
        time.sleep(every)


def program(name: str, variable: str) -> str:
    """The built executable: from the environment, else the release build, else the debug build."""
    chosen = os.environ.get(variable)
    candidates = [chosen] if chosen else [
        os.path.join(REPOSITORY, ".build", kind, name) for kind in ("release", "debug")
    ]
    for path in candidates:
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise StageError(f"{name} is not built (looked for {', '.join(map(str, candidates))}); run `make build`, "
                     f"or name it by {variable}")


def _end_with_parent() -> None:
    # PR_SET_PDEATHSIG: what we started goes when we go, even where we are killed.
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass


class Process:
    """One started program; its output goes to a log file."""

    def __init__(self, name: str, command: Sequence[str], log: str, env: Optional[Dict[str, str]] = None):
        self.name = name
        self.command = list(command)
        self.log = log
        self._end = signal.SIGTERM
        with open(log, "ab") as file:
            try:
                # A session of its own: Ctrl-C reaches us alone, and we stop the others in order.
                self.popen = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                    preexec_fn=_end_with_parent, env=env,
                )
            except OSError as error:
                raise StageError(f"{name}: {self.command[0]}: {error.strerror}") from None

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.running:
            self.popen.kill()
        self.popen.wait()

    def stop(self, seconds: float = 10) -> Optional[int]:
        """SIGTERM, then SIGKILL where that isn't heeded within `seconds`. The exit code."""
        if self.running:
            self.popen.send_signal(self._end)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.popen.returncode

    def wait(self, seconds: float) -> int:
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise StageError(f"{self.name} has not ended within {seconds:g} s\n{self.tail()}") from None

    def tail(self, lines: int = 25) -> str:
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                last = file.readlines()[-lines:]
        except OSError:
            return ""
        return f"--- {self.name} ({self.log})\n" + "".join(last)


class Stage:
    """A folder, and the processes that were started in it."""

    def __init__(self, folder: str):
        self.folder = folder
        self.processes: List[Process] = []

    def path(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    def write(self, name: str, text: str, mode: int = 0o644) -> str:
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def start(self, name: str, command: Sequence[str]) -> Process:
        process = Process(name, command, self.path(name + ".log"))
        self.processes.append(process)
        return process

    def start_listening(self, name: str, command: Sequence[str], port: int, seconds: float = 30) -> Process:
        """Started, and answering on its port."""
        process = self.start(name, command)

        def ready() -> bool:
            if not process.running:
                raise StageError(f"{name} ended with {process.popen.returncode} at once\n{process.tail()}")
            return listens(port)

        await_value(f"{name} listens on port {port}", ready, seconds, explain=process.tail)
        return process

    def stop_all(self) -> None:
        """The last that was started goes first."""
        for process in reversed(self.processes):
            process.stop()

    def tails(self) -> str:
        seen = set()
        parts = []
        for process in reversed(self.processes):
            if process.log not in seen:
                seen.add(process.log)
                parts.append(process.tail())
        return "\n".join(parts)


# The broker.

# What a private broker says for itself; our drop-in's word on these is left out.
_OWN_SETTINGS = (
    "listener", "port", "bind_address", "socket_domain", "persistence_location", "persistence_file", "pid_file", "user",
    "log_dest", "log_type", "log_timestamp", "include_dir", "allow_anonymous", "password_file", "acl_file",
    "per_listener_settings", "sys_interval", "cafile", "certfile", "keyfile", "require_certificate",
    "connection_messages",
)


def mosquitto() -> str:
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found:
        raise StageError("mosquitto is not installed; run `make install`")
    return found


def broker_settings(folder: str, port: int, base: Optional[str] = None) -> str:
    """Our drop-in's settings for a gateway's broker, with a port and a place of its own."""
    base = base or os.path.join(REPOSITORY, "Config", "mosquitto", "lumbung.conf")
    try:
        with open(base, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except OSError:
        lines = ["persistence true", "max_queued_messages 0", "max_inflight_messages 0"]
    kept = [line for line in lines if line and not line.startswith("#") and line.split()[0] not in _OWN_SETTINGS]
    own = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        f"persistence_location {folder}/",
        f"user {pwd.getpwuid(os.geteuid()).pw_name}",
        "log_dest stderr",
        "sys_interval 1",
    ]
    return "\n".join(kept + own) + "\n"


def start_broker(stage: Stage, port: int, name: str = "mosquitto") -> Process:
    folder = stage.path(name)
    os.makedirs(folder, exist_ok=True)
    config = stage.write(f"{name}.conf", broker_settings(folder, port))
    return stage.start_listening(name, [mosquitto(), "-c", config], port)


# Configuration.


def set_key(text: str, table: str, key: str, value: Optional[str]) -> str:
    """`key = value` in the first `[table]` or `[[table]]` of a TOML text, in place of what stood there; added where it
    did not stand, taken out where `value` is None. `value` is TOML already."""
    lines = text.splitlines()
    header = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]?\]\s*(#.*)?$")
    start = None
    end = len(lines)
    for index, line in enumerate(lines):
        match = header.match(line)
        if match is None:
            continue
        if start is not None:
            end = index
            break
        if match.group(1) == table:
            start = index
    if start is None:
        if value is None:
            return text
        return text.rstrip("\n") + f"\n\n[{table}]\n{key} = {value}\n"
    assignment = re.compile(rf"\s*{re.escape(key)}\s*=")
    body = lines[start + 1:end]
    places = [index for index, line in enumerate(body) if assignment.match(line)]
    if value is None:
        body = [line for line in body if not assignment.match(line)]
    elif places:
        body[places[0]] = f"{key} = {value}"
    else:
        body.insert(0, f"{key} = {value}")
    return "\n".join(lines[:start + 1] + body + lines[end:]) + "\n"


# HTTP.


def get(port: int, path: str, timeout: float = 5, headers: Optional[Dict[str, str]] = None) -> Optional[bytes]:
    """The body of a 200, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        body = response.read()
        return body if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
