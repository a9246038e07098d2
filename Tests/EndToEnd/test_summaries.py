"""Windows of several lengths, groups and late bursts, and the commands that look at them."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import unittest
from typing import Any, Dict, List, Tuple

import harness
import pages
from harness import CAMERAS, NS
from records import format_time, parse_time

SHORT, LONG = 5, 15
ROLLUP = '\n[[rollup]]\nby = ["site"]\n'


class Summaries(harness.Case):
    sources = [CAMERAS]
    window_seconds = SHORT
    longer_seconds = [LONG]

    def setUp(self) -> None:
        super().setUp()
        # A frame of the longer length that is over for good.
        self.base = (time.time_ns() // NS - 60) // LONG * LONG * NS
        self.write_config(extra=ROLLUP)
        self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()

    def report(self, camera: int, second: float, fps: float) -> None:
        payload = {"ts": (self.base + int(second * NS)) // 1_000_000, "fps": fps, "st": "online"}
        self.cameras.publish(f"school/sman1/cctv/cam-{camera}/telemetry", json.dumps(payload).encode())

    def publish_frame(self) -> None:
        """Two cameras, a report a second, over one frame of the longer length."""
        self.cameras = self.publisher()
        for second in range(LONG):
            self.report(1, second + 0.25, 20 + second)
            self.report(2, second + 0.5, 10)
        self.cameras.drain()

    def versions(self) -> Dict[Tuple[str, int, int], List[Dict[str, Any]]]:
        """All records that were received, by who, start and length in seconds; in the order in which they came."""
        found: Dict[Tuple[str, int, int], List[Dict[str, Any]]] = {}
        for item in self.received():
            record = item["record"]
            if record["type"] == "summary":
                start, end = parse_time(record["start"]), parse_time(record["end"])
                who = record.get("device") or "[" + record["group"] + "]"
                found.setdefault((who, (start - self.base) // NS, (end - start) // NS), []).append(record)
        return found

    def await_version(self, who: str, start: int, length: int, revision: int) -> Dict[str, Any]:
        def probe() -> Any:
            records = self.versions().get((who, start, length), [])
            return next((record for record in records if record["revision"] == revision), None)

        return harness.await_value(f"revision {revision} of {who} at {start} over {length} s", probe, 40)

    def recompute(self, *more: str) -> Dict[str, Any]:
        result = self.run_lumbung("summaries", "--config", self.config, "--recompute", "--json", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_longer_windows_and_groups_are_made_of_the_shorter_and_a_late_burst_gives_one_revision_each(self) -> None:
        self.publish_frame()
        whole = self.await_version("sman1/cam-1", 0, LONG, 0)
        self.assertEqual((whole["received"], whole["expected"]), (15, 15))
        fps = whole["metrics"]["camera.fps"]
        self.assertEqual((fps["count"], fps["min"], fps["max"], fps["sum"], fps["first"], fps["last"]),
                         (15, 20, 34, sum(range(20, 35)), 20, 34))
        group = self.await_version("[site=sman1]", 0, LONG, 0)
        self.assertEqual((group["devices"], group["reporting"], group["received"]), (2, 2, 30))
        self.assertEqual(group["metrics"]["camera.fps"]["min"], 10)
        self.assertEqual(group["metrics"]["availability"]["devices"], {"online": 2})

        # A camera dumps what it kept, over several commits, into two of the three windows.
        for part in range(4):
            for number in range(25):
                self.report(1, part * 2.4 + number * 0.09, 50)
            self.cameras.drain()
            time.sleep(0.3)
        revised = self.await_version("sman1/cam-1", 0, LONG, 1)
        self.assertEqual(revised["received"], 115)
        self.assertEqual(revised["metrics"]["camera.fps"]["max"], 50)
        self.await_version("[site=sman1]", 0, LONG, 1)
        self.await_drained()
        time.sleep(3)
        numbers = {key: [record["revision"] for record in records] for key, records in self.versions().items()}
        for start in (0, 5, 10):
            expected = [0, 1] if start < 10 else [0]
            self.assertEqual(numbers["sman1/cam-1", start, SHORT], expected, start)
            self.assertEqual(numbers["[site=sman1]", start, SHORT], expected, start)
            self.assertEqual(numbers["sman1/cam-2", start, SHORT], [0], start)
        for who in ("sman1/cam-1", "[site=sman1]"):
            self.assertEqual(numbers[who, 0, LONG], [0, 1], who)
        self.assertEqual(numbers["sman1/cam-2", 0, LONG], [0])

    def test_what_was_sent_is_what_the_stored_messages_come_to_and_a_difference_is_shown(self) -> None:
        self.publish_frame()
        self.await_version("[site=sman1]", 0, LONG, 0)
        self.await_drained()
        # While it runs: nothing that was sent comes out differently.
        self.assertEqual(self.recompute("--since", format_time(self.base))["differences"], [])
        assert self.gateway is not None
        self.gateway.stop()

        result = self.run_lumbung("summaries", "--config", self.config)
        self.assertEqual(result.returncode, 0, result.stderr)
        shown = [json.loads(line) for line in result.stdout.splitlines()]
        sent = {(who, start, length) for who, start, length in self.versions()}
        told = {(record.get("device") or "[" + record["group"] + "]", (parse_time(record["start"]) - self.base) // NS,
                 (parse_time(record["end"]) - parse_time(record["start"])) // NS) for record in shown}
        self.assertTrue(sent <= told, sent - told)
        self.assertTrue(all("metrics" in record for record in shown), "the records themselves are still there")
        only = self.run_lumbung("summaries", "--config", self.config, "--json", "--device", "[[]site=*")
        self.assertTrue(all("group" in record for record in json.loads(only.stdout)["records"]))

        found = self.recompute("--all")
        self.assertEqual((found["different"], found["gone"], found["differences"]), (0, 0, []))
        self.assertGreater(found["same"], 8)
        self.assertEqual(len(found["records"]), found["same"] + found["unsent"])

        # What was written down is not what the messages say: it must be seen.
        with sqlite3.connect(self.stage.path("store", "outbox.db")) as database:
            changed = database.execute(
                "UPDATE derive_window SET digest = digest + 1 WHERE length = ? AND start = ? AND device > 0"
                " AND device = (SELECT id FROM derive_device WHERE name = 'sman1/cam-2')", (LONG * NS, self.base),
            ).rowcount
            database.execute("DELETE FROM outbox_batch")
        database.close()
        pages.seal(self.stage.path("store", "outbox.db"))
        self.assertEqual(changed, 1)
        heads = self.run_lumbung("summaries", "--config", self.config, "--json")
        self.assertTrue(all(record["deleted"] for record in json.loads(heads.stdout)["records"]))
        found = self.recompute()
        self.assertEqual((found["different"], len(found["differences"])), (1, 1))
        self.assertEqual(found["differences"][0]["computed"]["device"], "sman1/cam-2")
        lines = self.run_lumbung("summaries", "--config", self.config, "--recompute").stdout.splitlines()
        self.assertEqual([line[:2] for line in lines], ["- ", "+ "])

    def test_another_configuration_is_rehearsed_on_the_stored_messages(self) -> None:
        self.publish_frame()
        self.await_version("[site=sman1]", 0, LONG, 0)
        before = self.store_bytes()
        same = self.rehearse(self.config)
        self.assertEqual((same["summaries"]["different"], same["summaries"]["gone"], same["alarms"]["new"]), (0, 0, 0))
        self.assertGreater(same["summaries"]["same"], 8)

        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        self.assertIn('name = "camera.fps"', text)
        text = text.replace('name = "camera.fps"', 'name = "camera.rate"').replace(ROLLUP, "")
        text += '\n[[alarm]]\nname = "fast"\nclass = "camera"\nmetric = "camera.rate"\nabove = 30.0\nclear = 25.0\n'
        new = self.stage.write("new.toml", text)
        found = self.rehearse(new)
        self.assertGreater(found["summaries"]["different"], 5)
        # No groups any more.
        self.assertGreater(found["summaries"]["gone"], 3)
        self.assertEqual(found["alarms"], {"gone": 0, "new": 1})
        kinds = [("camera.fps" in json.dumps(d.get("now")), "camera.rate" in json.dumps(d.get("then")))
                 for d in found["differences"] if "now" in d and "then" in d and d["now"]["received"]]
        self.assertTrue(kinds and all(kind == (True, True) for kind in kinds), kinds)
        self.assertEqual(self.store_bytes(), before)

        broken = self.stage.write("broken.toml", text + "\n[[rollup]]\nby = []\n")
        result = self.run_lumbung("rehearse", "--config", broken, "--present", self.config)
        self.assertEqual(result.returncode, 78)
        self.assertIn("rollup", result.stderr)

    def rehearse(self, config: str) -> Dict[str, Any]:
        result = self.run_lumbung(
            "rehearse", "--config", config, "--present", self.config, "--since", "24h", "--json", "--limit", "1000",
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def store_bytes(self) -> List[str]:
        """What lies in the store's folder: nothing is added to it."""
        return sorted(os.listdir(self.stage.path("store")))

    def test_the_commands_explain_themselves(self) -> None:
        for command in ("summaries", "rehearse"):
            result = self.run_lumbung(command, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("--json", result.stdout)
        self.assertEqual(self.run_lumbung("summaries", "--all", "--config", self.config).returncode, 64)


if __name__ == "__main__":
    unittest.main()
