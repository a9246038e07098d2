"""What the demonstration counts and shows."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from typing import Any, Dict, List, Optional, Tuple

import records
import stage


def count(number: Any) -> str:
    return f"{number:,.0f}" if isinstance(number, (int, float)) else "–"


def size(number: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return ""


class Tally:
    """Reads the publisher's record file as it grows."""

    def __init__(self, path: str):
        self.path = path
        self.offset = 0
        self.rest = b""
        self.published = 0
        self.acknowledged = 0
        self.latest: Optional[int] = None  # the greatest event time, or publication

    def update(self) -> None:
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read()
        except OSError:
            return
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "ack" in entry:
                self.acknowledged += 1
            elif "n" in entry:
                self.published += 1
                for name in ("time", "published_at"):
                    if isinstance(entry.get(name), str):
                        self.latest = max(self.latest or 0, records.parse_time(entry[name]))


class Rates:
    """What a growing count grew by, per second, over the last few seconds."""

    def __init__(self) -> None:
        self.points: Dict[str, List[Tuple[float, float]]] = {}

    def rate(self, name: str, value: Optional[float]) -> float:
        if value is None:
            return 0
        points = self.points.setdefault(name, [])
        points.append((time.monotonic(), value))
        del points[:-12]
        (t0, v0), (t1, v1) = points[0], points[-1]
        return max(0.0, (v1 - v0) / (t1 - t0)) if t1 > t0 else 0


class Gateway:
    """The gateway's own report, with counts that go on over its restarts."""

    def __init__(self, port: int):
        self.port = port
        self.report: Optional[Dict[str, Any]] = None
        self.answering = False
        self._started = ""
        self._base: Dict[str, float] = {}
        self._last: Dict[str, float] = {}

    def update(self) -> None:
        body = stage.get(self.port, "/api/status", timeout=2)
        self.answering = body is not None
        if body is None:
            return
        try:
            self.report = json.loads(body)
        except ValueError:
            return
        if self.report.get("started", "") != self._started:
            self._started = self.report.get("started", "")
            for name, value in self._last.items():
                self._base[name] = self._base.get(name, 0) + value
            self._last = {}
        for part, name in (
            ("broker", "received"), ("broker", "redelivered"), ("journal", "commits"), ("derive", "sealed_windows"),
            ("derive", "revisions"), ("derive", "quarantined"), ("derive", "observations"),
        ):
            self._last[name] = self.value(part, name, 0)
        self._last["delivered"] = sum(uplink.get("delivered_records", 0) for uplink in self.uplinks)

    def value(self, part: str, name: str, default: Any = None) -> Any:
        return ((self.report or {}).get(part) or {}).get(name, default)

    def total(self, name: str) -> float:
        return self._base.get(name, 0) + self._last.get(name, 0)

    @property
    def uplinks(self) -> List[Dict[str, Any]]:
        return (self.report or {}).get("uplinks") or []

    @property
    def pending(self) -> int:
        return sum(uplink.get("pending_records", 0) for uplink in self.uplinks)


class Screen:
    """Lines in place on a terminal; else a short line now and then."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.height = 0
        self.last_plain = 0.0

    def show(self, lines: List[str], plain: str, force: bool = False) -> None:
        if self.live:
            width = shutil.get_terminal_size().columns
            up = f"\x1b[{self.height}A" if self.height else ""
            body = "".join(f"\r\x1b[K{line[: width - 1]}\n" for line in lines)
            sys.stdout.write(up + body + "\x1b[J")
            self.height = len(lines)
        elif force or time.monotonic() - self.last_plain >= 3:
            self.last_plain = time.monotonic()
            sys.stdout.write(plain + "\n")
        sys.stdout.flush()

    def say(self, line: str) -> None:
        """A line that stays, above the live part."""
        if self.live and self.height:
            sys.stdout.write(f"\x1b[{self.height}A\r\x1b[J")
            self.height = 0
        print(line, flush=True)
