"""An alarm overtakes a backlog, over a good link and over one of 64 kbit/s. The slow link is a pair of virtual
interfaces into a network namespace of the test's own: root and iproute2 are needed, and the test is skipped without.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
import unittest
from typing import Any, Dict, List, Optional

import harness
import records
import stage
from harness import NS, TOOLS
from publisher import Camera

ALARM = """
[[alarm]]
name     = "frozen"
class    = "camera"
metric   = "camera.fps"
below    = 0.5
severity = "critical"
"""


def setUpModule() -> None:
    if not harness.SERVERS:
        raise unittest.SkipTest("takes minutes: `make servers` runs it")


MILLION = 1_000_000
# Each is heard once and has a record for each window from then on.
CAMERAS = 10_000


class SlowLink(harness.Case):
    window_seconds = 1
    address = "127.0.0.1"

    def setUp(self) -> None:
        super().setUp()
        self.read: Dict[str, int] = {}
        self.count = 0

    def prepare(self) -> None:
        self.write_config(extra=ALARM)
        path = self.config
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = text.replace(f"http://127.0.0.1:{self.receiver_port}", f"http://{self.address}:{self.receiver_port}")
        self.stage.write("gateway.toml", text)
        self.start_broker()
        self.start_gateway()
        self.await_connected()
        self.line = self.publisher()
        dice = random.Random(3)
        cameras = [Camera(number, dice) for number in range(150)]

        def send() -> None:
            camera = dice.choice(cameras)
            self.line.publish(camera.topic, camera.report(time.time_ns()))

        self.pace(self.line, 200, time.time_ns() + 25 * NS, send)
        self.await_status("there is a backlog", lambda s: s["uplinks"][0]["pending_records"] > 1500)

    def alarms(self) -> int:
        """How many were received. The files are read on from where they were read to."""
        for path in self.received_files:
            if os.path.exists(path):
                with open(path, "rb") as file:
                    file.seek(self.read.get(path, 0))
                    for line in file:
                        if not line.endswith(b"\n"):
                            break
                        self.read[path] = self.read.get(path, 0) + len(line)
                        self.count += b'"raised"' in line
        return self.count

    def raise_alarms(self, seconds: float, pending_records: int = 100) -> None:
        """Raises five alarms while the backlog drains, each within the time."""
        taken: List[float] = []
        for number in range(5):
            self.await_status("it drains", lambda s: s["uplinks"][0]["delivered_batches"] > 0, 60)
            pending = self.status()
            assert pending is not None
            self.assertGreater(pending["uplinks"][0]["pending_records"], pending_records, "the backlog is through: nothing is proven")
            before = self.alarms()
            began = time.monotonic()
            self.line.publish(
                f"school/slow{number}/cctv/cam-1/telemetry",
                json.dumps({"ts": time.time_ns() // 1_000_000, "fps": 0}).encode())
            self.line.drain()
            stage.await_value("the alarm is there", lambda: self.alarms() > before or None, seconds + 20, every=0.02)
            taken.append(time.monotonic() - began)
            time.sleep(random.Random(number).random())
        print(f"\n{self.id().rpartition('.')[2]}: {', '.join(f'{t:.2f} s' for t in taken)}", file=sys.stderr)
        self.assertLess(max(taken), seconds)

    def test_over_a_good_link_an_alarm_overtakes_a_backlog_within_a_second(self) -> None:
        self.address = "127.0.0.1"
        self.prepare()
        # So that the backlog lasts. Alarms are not held to it.
        self.limit_rate("120kbit/s")
        self.start_receiver()
        self.raise_alarms(1)

    def test_an_alarm_overtakes_a_million_records_within_a_second(self) -> None:
        self.window_seconds = 2
        self.window = self.window_seconds * NS
        self.write_config(extra=ALARM)
        self.start_broker()
        self.start_gateway()
        self.await_connected()
        self.line = self.publisher()
        dice = random.Random(3)
        cameras = iter([Camera(number, dice) for number in range(CAMERAS)])

        def send() -> None:
            camera = next(cameras, None)
            if camera is not None:
                self.line.publish(camera.topic, camera.report(time.time_ns()))

        self.pace(self.line, 2000, time.time_ns() + 10 * NS, send)
        self.await_status("a million records wait", lambda s: s["uplinks"][0]["pending_records"] >= MILLION, 600)
        self.start_receiver()
        # The broker has closed the first connection, which was silent for minutes.
        self.line = self.publisher("alarms.ndjson")
        self.raise_alarms(1, pending_records=MILLION // 2)

    def limit_rate(self, rate: str) -> None:
        assert self.gateway is not None
        self.gateway.stop()
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        text = text.replace('name       = "central"\n', f'name       = "central"\nmax_rate = "{rate}"\n')
        self.stage.write("gateway.toml", text)
        self.start_gateway()
        self.await_connected()

    @unittest.skipUnless(
        os.geteuid() == 0 and shutil.which("ip") and shutil.which("tc"), "root, ip and tc are needed for a slow link")
    def test_over_64_kbit_an_alarm_overtakes_a_backlog_within_three_seconds(self) -> None:
        name = f"lb{os.getpid() % 100000}"
        net = f"10.{random.randrange(64, 127)}.{random.randrange(1, 250)}"
        self.address = f"{net}.2"

        def run(*words: str) -> None:
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        try:
            run("ip", "netns", "add", name)
        except subprocess.CalledProcessError:
            self.skipTest("network namespaces can't be made here")
        self.addCleanup(subprocess.run, ["ip", "netns", "del", name])
        run("ip", "link", "add", name + "a", "type", "veth", "peer", "name", name + "b")
        run("ip", "link", "set", name + "b", "netns", name)
        run("ip", "addr", "add", f"{net}.1/24", "dev", name + "a")
        run("ip", "link", "set", name + "a", "up")
        for words in (["addr", "add", f"{net}.2/24", "dev", name + "b"], ["link", "set", name + "b", "up"],
                      ["link", "set", "lo", "up"]):
            run("ip", "-n", name, *words)
        slow = ["root", "tbf", "rate", "64kbit", "burst", "2000", "latency", "10s"]
        run("tc", "qdisc", "add", "dev", name + "a", *slow)
        run("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", name + "b", *slow)
        self.prepare()
        path = self.stage.path("received-0.ndjson")
        self.received_files.append(path)
        self.stage.start("receiver", [
            "ip", "netns", "exec", name, sys.executable, os.path.join(TOOLS, "receiver.py"), "--listen",
            f"{self.address}:{self.receiver_port}", "--token-file", self.token_file, "--out", path])
        self.raise_alarms(3)


if __name__ == "__main__":
    unittest.main()
