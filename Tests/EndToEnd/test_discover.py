"""`lumbung discover` against a real broker and the simulated district: what it proposes reads every device."""

from __future__ import annotations

import json
import os
import subprocess
import unittest
from typing import Dict, Set

import harness
import stage

# Squeezed, so that all kinds of messages come within seconds.
RATE = "300"
SECONDS = 30 if harness.LONG else 15


class Discover(harness.Case):
    def setUp(self) -> None:
        self.lumbung = stage.program("lumbung", "LUMBUNG_BIN")
        self.port = stage.free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"

    def run_lumbung(self, *arguments: str, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.lumbung, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, text=True
        )

    def decodes(self, config: str, message: Dict[str, str]) -> Set[str]:
        """The devices that `lumbung decode` finds in a message."""
        path = self.stage.write("payload", message["payload"])
        result = self.run_lumbung(
            "decode", "--config", config, "--topic", message["topic"], "--at", message["published_at"], path
        )
        return {json.loads(line)["device"] for line in result.stdout.splitlines()}

    def test_every_simulated_device_is_read_by_what_is_proposed(self) -> None:
        stage.start_broker(self.stage, self.port)
        record = self.stage.path("record.ndjson")
        self.stage.start(
            "simulate",
            [self.lumbung, "simulate", "--broker", self.url, "--rate", RATE, "--for", f"{SECONDS + 20}s", "--record", record],
        )
        stage.await_value("the district speaks", lambda: os.path.exists(record) and os.path.getsize(record) > 0, 20)
        config = self.stage.path("proposed.toml")
        result = self.run_lumbung(
            "discover", "--broker", self.url, "--for", f"{SECONDS}s", "--write", config, "--json"
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertGreater(found["messages"], 100)

        check = self.run_lumbung("check", "--config", config)
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertEqual(found["read"]["unrouted"], 0, found["not_read"][:5])

        # One good message of each device is decoded with the file, as the daemon would, under the device's own name.
        messages: Dict[str, Dict[str, str]] = {}
        with open(record, encoding="utf-8") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # The line that is just being written.
                for device in entry.get("devices", []):
                    if "payload" in entry:
                        messages.setdefault(device, entry)
        self.assertGreater(len(messages), 100)
        missing = [device for device, message in sorted(messages.items()) if device not in self.decodes(config, message)]
        self.assertEqual(missing, [])

        # Without the sources there is nothing to decode with: the comparison can fail.
        with open(config, encoding="utf-8") as file:
            bare = self.stage.write("bare.toml", file.read().split("[[source]]")[0])
        some = next(iter(messages.values()))
        self.assertEqual(self.decodes(bare, some), set())

        # A file that is there is not written over.
        again = self.run_lumbung("discover", "--broker", self.url, "--for", "1s", "--write", config)
        self.assertEqual(again.returncode, 64)
        self.assertIn("--force", again.stderr)

        # With the file as the configuration in use, nothing is left to propose.
        covered = self.run_lumbung("discover", "--config", config, "--for", "3s", "--json")
        self.assertEqual(covered.returncode, 0, covered.stderr)
        self.assertEqual(json.loads(covered.stdout)["sources"], [])

    def test_a_silent_broker_gives_a_hint_and_no_error(self) -> None:
        stage.start_broker(self.stage, self.port)
        result = self.run_lumbung("discover", "--broker", self.url, "--for", "500ms")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Nothing was heard", result.stdout)

    def test_a_broker_that_is_not_there_is_an_error_with_a_cure(self) -> None:
        result = self.run_lumbung("discover", "--broker", self.url, "--for", "1s")
        self.assertEqual(result.returncode, 69)
        self.assertIn("is the broker running", result.stderr)


if __name__ == "__main__":
    unittest.main()
