"""What the end-to-end tests share: a broker, a gateway and a receiver of their own, and ways to wait for what must
come about. A wait always has a deadline and says at its end what it saw instead.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "..", "Tools")
for _folder in (HERE, TOOLS):
    if _folder not in sys.path:
        sys.path.insert(0, _folder)

import oracle  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402
from publisher import Camera, Publisher, Record  # noqa: E402
from records import NS  # noqa: E402
from stage import Process, Stage, await_value  # noqa: E402
from tap import Tap  # noqa: E402

LONG = os.environ.get("LONG", "") not in ("", "0")
# Tests that take minutes each and need more than the gateway's own packages: `make servers`.
SERVERS = os.environ.get("SERVERS", "") not in ("", "0")

WINDOW_SECONDS = 5
GRACE_SECONDS = 1
LATENESS_SECONDS = 86_400

CAMERAS = {
    "name": "school-cctv",
    "topic": "school/{site}/cctv/{cam}/telemetry",
    "format": "json",
    "class": "camera",
    "device": "{site}/{cam}",
    "site": "{site}",
    "interval_s": 1,
    "time": {"path": "/ts", "unit": "ms"},
    "metrics": [
        {"name": "camera.fps", "path": "/fps", "unit": "1/s", "kind": "gauge"},
        {"name": "optical.input-power", "path": "/rx", "unit": "dBm", "kind": "gauge"},
        {"name": "hw.network.io", "path": "/io", "unit": "By", "kind": "counter"},
        {"name": "camera.frames", "path": "/frames", "unit": "1", "kind": "counter"},
        {"name": "availability", "path": "/st", "unit": "1", "kind": "state"},
        {"name": "motion", "path": "/mot", "unit": "1", "kind": "event"},
    ],
}

PANELS = {
    "name": "panels",
    "topic": "panel/{rest...}",
    "format": "json",
    "class": "videotron",
    "device": "panel/{rest}",
    "time": {"path": "/at", "unit": "iso"},
}

UPS = {
    "name": "ups",
    "topic": "ups/{id}/load",
    "format": "scalar",
    "class": "fiber-node",
    "device": "ups-{id}",
    "interval_s": 2,
    "metrics": [{"name": "load", "path": "", "unit": "%", "kind": "gauge"}],
}


def publisher_camera(number: int) -> Camera:
    return Camera(number, random.Random(number))


def toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def source_toml(source: Dict[str, Any]) -> str:
    lines = ["[[source]]"]
    for key, value in source.items():
        if key == "interval_s":
            lines.append(f'interval = "{value}s"')
        elif key != "metrics":
            lines.append(f"{key} = {toml_value(value)}")
    for metric in source.get("metrics", []):
        lines.append("\n[[source.metric]]")
        lines += [f"{key} = {toml_value(value)}" for key, value in metric.items() if not (key == "path" and not value)]
    return "\n".join(lines) + "\n"


class Case(unittest.TestCase):
    """A test with a folder of its own, kept where it fails, and processes that end with it."""

    sources: List[Dict[str, Any]] = [CAMERAS]
    window_seconds = WINDOW_SECONDS
    longer_seconds: List[int] = []
    grace_seconds = GRACE_SECONDS

    def run(self, result: Optional[unittest.TestResult] = None) -> Optional[unittest.TestResult]:
        self.folder = tempfile.mkdtemp(prefix="lumbung-test-")
        self.stage = Stage(self.folder)
        if result is None:
            return super().run(result)
        before = len(result.failures) + len(result.errors)
        try:
            return super().run(result)
        finally:
            self.stage.stop_all()
            if len(result.failures) + len(result.errors) > before:
                print(f"\n{self.id()}: kept {self.folder}\n{self.stage.tails()}", file=sys.stderr, flush=True)
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    def setUp(self) -> None:
        self.lumbung = stage.program("lumbung", "LUMBUNG_BIN")
        self.broker_port, self.receiver_port, self.admin_port = (stage.free_port() for _ in range(3))
        self.token_file = self.stage.write("token", "a-token-of-the-tests\n", 0o600)
        self.received_files: List[str] = []
        self.gateway: Optional[Process] = None
        self.receiver: Optional[Process] = None
        self.window = self.window_seconds * NS

    # Players.

    def write_config(self, broker_port: Optional[int] = None, extra: str = "") -> str:
        text = f"""\
[gateway]
id       = "bench"
timezone = "Asia/Jakarta"

[broker]
url = "mqtt://127.0.0.1:{broker_port or self.broker_port}"

[store]
path            = {json.dumps(self.stage.path("store"))}
max_size        = "256MiB"
commit_interval = "200ms"

[summary]
window   = {json.dumps([f"{length}s" for length in [self.window_seconds, *self.longer_seconds]])}
grace    = "{self.grace_seconds}s"
lateness = "{LATENESS_SECONDS}s"

[time]
trust = "always"

[[uplink]]
name       = "central"
type       = "http"
url        = "http://127.0.0.1:{self.receiver_port}"
token_file = {json.dumps(self.token_file)}

[admin]
listen = "127.0.0.1:{self.admin_port}"

"""
        text += "\n".join(source_toml(source) for source in self.sources) + extra
        return self.stage.write("gateway.toml", text)

    @property
    def config(self) -> str:
        return self.stage.path("gateway.toml")

    def description(self) -> Dict[str, Any]:
        return {
            "window_s": self.window_seconds, "grace_s": self.grace_seconds, "lateness_s": LATENESS_SECONDS,
            "trust": "always",
            "sources": self.sources,
        }

    def start_broker(self) -> Process:
        return stage.start_broker(self.stage, self.broker_port)

    def start_gateway(self) -> Process:
        self.gateway = self.stage.start_listening(
            "lumbung", [self.lumbung, "run", "--config", self.config], self.admin_port
        )
        return self.gateway

    def start_receiver(self, faults: Optional[str] = None) -> Process:
        path = self.stage.path(f"received-{len(self.received_files)}.ndjson")
        self.received_files.append(path)
        command = [sys.executable, os.path.join(TOOLS, "receiver.py"), "--listen", f"127.0.0.1:{self.receiver_port}",
                   "--token-file", self.token_file, "--out", path]
        if faults:
            command += ["--faults", faults]
        self.receiver = self.stage.start_listening("receiver", command, self.receiver_port)
        return self.receiver

    def start_all(self) -> None:
        self.write_config()
        self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()

    def publisher(self, name: str = "published.ndjson") -> Publisher:
        """A connection whose record is `name` in the test's folder."""
        record = Record(self.stage.path(name))
        self.addCleanup(record.close)
        publisher = Publisher(self.broker_port, self.id().rpartition(".")[2][:20], record)
        self.addCleanup(publisher.socket.close)
        return publisher

    # What they say.

    def status(self) -> Optional[Dict[str, Any]]:
        body = stage.get(self.admin_port, "/api/status")
        return None if body is None else json.loads(body)

    def stats(self) -> Dict[str, Any]:
        return json.loads(records.fetch(f"http://127.0.0.1:{self.receiver_port}/stats"))

    def run_lumbung(self, *arguments: str, seconds: float = 60, **more: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.lumbung, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, text=True, **more
        )

    def journal(self) -> List[Dict[str, Any]]:
        """All messages in the journal, by `lumbung messages`."""
        result = self.run_lumbung("messages", "--config", self.config, "--format", "ndjson")
        self.assertEqual(result.returncode, 0, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def pace(self, publisher: Publisher, rate: float, until: int, send: Callable[[], None]) -> None:
        """Calls `send` `rate` times a second until a moment (nanoseconds since the epoch), and waits for the
        acknowledgements."""
        start = time.monotonic()
        sent = 0
        while time.time_ns() < until:
            while sent < (time.monotonic() - start) * rate:
                send()
                sent += 1
            publisher.pump(0)
            time.sleep(min(0.5 / rate, 0.02))
        publisher.drain()

    # Waiting.

    def await_status(self, what: str, condition: Any, seconds: float = 30) -> Dict[str, Any]:
        """Until the gateway's report fulfils `condition`."""
        seen: Dict[str, Any] = {}

        def probe() -> Optional[Dict[str, Any]]:
            if self.gateway is not None and not self.gateway.running:
                raise stage.StageError(f"the gateway ended: {self.gateway.popen.returncode}\n{self.gateway.tail()}")
            report = self.status()
            seen["report"] = report
            return report if report is not None and condition(report) else None

        return await_value(what, probe, seconds, explain=lambda: json.dumps(seen.get("report"), indent=1)[:4000])

    def await_connected(self) -> Dict[str, Any]:
        return self.await_status("the gateway is connected", lambda s: s["broker"]["state"] == "connected")

    def await_journal(self, messages: int, seconds: float = 30) -> Dict[str, Any]:
        """Until the journal holds so many messages."""
        return self.await_status(
            f"{messages} messages are in the journal", lambda s: s["journal"]["messages"] >= messages, seconds
        )

    def await_drained(self, seconds: float = 60) -> Dict[str, Any]:
        """Nothing left to derive, nothing left to deliver."""
        return self.await_status(
            "everything is derived and delivered",
            lambda s: s["derive"]["lag_segments"] == 0 and all(u["pending_records"] == 0 for u in s["uplinks"]),
            seconds,
        )

    def is_idle(self, tap: Tap) -> bool:
        """The broker's queue is empty: all that it sent was acknowledged, and nothing moves."""
        connection = tap.current
        if connection is None or connection.closed or connection.unacknowledged:
            return False
        before = connection.published
        time.sleep(1.5)
        return connection.published - before <= 60  # $SYS alone

    def await_time(self, nanoseconds: int) -> None:
        """Until the wall clock has passed a moment: a window's end, with its grace."""
        left = (nanoseconds - time.time_ns()) / NS
        await_value("the clock moves on", lambda: time.time_ns() >= nanoseconds, max(left, 0) + 5)

    # Proof.

    def received(self) -> Iterator[Dict[str, Any]]:
        for path in self.received_files:
            if os.path.exists(path):
                yield from records.received_file(path)

    def window_after(self, nanoseconds: int) -> int:
        """The end of the window that holds a moment."""
        return (nanoseconds // self.window + 1) * self.window

    def differences(self, truth: oracle.Oracle, through: int) -> Tuple[List[str], int]:
        held, faults = records.highest(self.received())
        return faults + [str(found) for found in oracle.compare(truth, held, through)], len(held)

    def assert_summaries_equal(self, truth: oracle.Oracle, through: int, seconds: float = 60) -> int:
        """Waits until every record that ends by `through` is there and right (revisions for late readings come a
        little later), and gives how many records are held. What differs at the deadline is the failure."""
        self.assertTrue(truth.devices, "the oracle has heard nothing: the comparison would prove nothing")
        last: Dict[str, Any] = {}

        def probe() -> Optional[int]:
            found, count = self.differences(truth, through)
            last["found"] = found
            return None if found else count

        try:
            return await_value("summaries equal the oracle's", probe, seconds, every=0.5)
        except stage.StageError:
            found = last["found"]
            self.fail(f"{len(found)} differences from the oracle after {seconds:g} s:\n" + "\n".join(found[:25]))

    def oracle_of_journal(self) -> oracle.Oracle:
        """What `lumbung messages` gives, thought through again."""
        path = self.stage.path("messages.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            result = subprocess.run(
                [self.lumbung, "messages", "--config", self.config, "--format", "ndjson"], stdout=file,
                stderr=subprocess.PIPE, timeout=120, text=True,
            )
        self.assertEqual(result.returncode, 0, result.stderr)
        truth = oracle.Oracle(self.description())
        for message in oracle.journal_messages(path):
            truth.feed(message)
        return truth

    def oracle_of_record(self, name: str = "published.ndjson") -> oracle.Oracle:
        """What the publisher says that it published, thought through."""
        messages, uncertain = oracle.published_messages(self.stage.path(name))
        self.assertEqual(uncertain, 0, "messages that were never acknowledged could be counted or not")
        truth = oracle.Oracle(self.description())
        for message in messages:
            truth.feed(message)
        return truth
