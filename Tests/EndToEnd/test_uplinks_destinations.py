"""Several destinations, each with what it wants, its own numbering and its own health; and what a month may cost."""

from __future__ import annotations

import json
import sqlite3
import time
import unittest
from typing import Any, Dict, List, Set, Tuple

import outward
import pages
import records
import stage
from harness import NS

Key = Tuple[str, str, int]


class Destinations(outward.Outward):
    def table(self, name: str, port: int, more: str = "") -> str:
        return (f'name = "{name}"\ntype = "http"\nurl = "http://127.0.0.1:{port}"\n'
                f"token_file = {json.dumps(self.token_file)}\n{more}")

    @staticmethod
    def summaries(path: str) -> Dict[Key, Dict[str, Any]]:
        """What a receiver was given, by device, window and revision."""
        found = {}
        for item in records.received_file(path):
            record = item["record"]
            if record["type"] == "summary":
                found[record["device"], record["start"], record["revision"]] = {
                    name: value for name, value in record.items() if name != "seq"}
        return found

    @staticmethod
    def places(path: str) -> Dict[Key, int]:
        """Each summary's number."""
        items = [item["record"] for item in records.received_file(path)]
        return {(r["device"], r["start"], r["revision"]): r["seq"] for r in items if r["type"] == "summary"}

    @staticmethod
    def numberings(path: str) -> Dict[Tuple[str, str], List[int]]:
        found: Dict[Tuple[str, str], List[int]] = {}
        for item in records.received_file(path):
            numbers = found.setdefault((item.get("stream", ""), item["lane"]), [])
            record = item["record"]
            numbers += range(record["seq"], record.get("through", record["seq"]) + 1)
        return {numbering: sorted(numbers) for numbering, numbers in found.items()}

    def assert_without_holes(self, path: str) -> Set[str]:
        """Gives the streams."""
        numberings = self.numberings(path)
        for numbering, numbers in numberings.items():
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)), numbering)
        return {stream for stream, _ in numberings}

    def test_each_gets_what_it_wants_and_a_dead_one_holds_up_nobody(self) -> None:
        dead, spare, north, old, new = (stage.free_port() for _ in range(5))
        others = [
            self.table("dead", dead), self.table("spare", spare, "optional = true"),
            self.table("north", north, 'send = ["summary"]\nsites = ["sman1", "sman2"]'),
        ]
        self.configure(*others)
        self.start_broker()
        self.start_receiver()
        files = {"central": self.received_files[0], "north": self.start_another("north", north)}
        self.start_gateway()
        self.await_connected()
        self.publish_for(3, 25)
        self.await_sealed()
        # Two are dead, one of them needed: the others have everything, and what is wrong is said of the dead alone.
        self.await_delivered("central")
        report = self.await_delivered("north")
        for name in ("dead", "spare"):
            self.assertGreater(self.uplink(name, report)["pending_records"], 0)
            self.assertEqual(self.uplink(name, report)["state"], "waiting")
            self.assertTrue(self.uplink(name, report)["cure"])
        for name in ("central", "north"):
            self.assertNotIn("error", {key for key, value in self.uplink(name, report).items() if value})
        before = self.summaries(files["central"])
        self.assertGreater(len(before), 50)

        # Two that come later.
        wanted = 'send = ["summary"]\nsites = ["sman3"]\nstart = '
        self.configure(*others, self.table("old", old, wanted + '"oldest"'), self.table("new", new, wanted + '"now"'))
        files["old"], files["new"] = self.start_another("old", old), self.start_another("new", new)
        self.restart_gateway()
        self.publish_for(3, 25)
        self.await_sealed()
        for name in ("central", "north", "old", "new"):
            self.await_delivered(name)
        # The dead come to life, and have everything.
        files["dead"], files["spare"] = self.start_another("dead", dead), self.start_another("spare", spare)
        assert self.gateway is not None
        self.gateway.stop()
        self.start_gateway()
        # Windows go on to be sealed, of silent cameras too: what is compared is what all must have by then.
        until = records.format_time(time.time_ns() - (self.window_seconds + self.grace_seconds + 2) * NS)
        self.await_drained(120)
        self.gateway.stop()

        held = {name: {key: record for key, record in self.summaries(path).items() if record["end"] <= until}
                for name, path in files.items()}
        whole = held["central"]
        self.assertGreater(len(whole), len(before))
        self.assertEqual(held["dead"], whole)
        self.assertEqual(held["spare"], whole)
        self.assertEqual(held["north"], {k: v for k, v in whole.items() if v["site"] in ("sman1", "sman2")})
        sman3 = {key: value for key, value in whole.items() if value["site"] == "sman3"}
        self.assertEqual(held["old"], sman3)
        # The one that began later has what was sealed from some moment on, which lies after what was there before.
        places = self.places(files["central"])
        self.assertFalse(set(held["new"]) & set(before))
        began = min(places[key] for key in held["new"])
        self.assertEqual(held["new"], {key: value for key, value in sman3.items() if places[key] >= began})
        self.assertLess(len(held["new"]), len(held["old"]))
        streams = {name: self.assert_without_holes(path) for name, path in files.items()}
        self.assertEqual(streams, {"central": {""}, "dead": {""}, "spare": {""}, "north": {"north"}, "old": {"old"},
                                   "new": {"new"}})
        self.assertEqual({lane for _, lane in self.numberings(files["north"])}, {"summary"})
        self.assertIn(("", "status"), self.numberings(files["central"]))

    def test_what_is_left_of_a_month_is_told_and_kept_and_when_it_is_used_up_alarms_go_on(self) -> None:
        alarm = '\n[[alarm]]\nname = "frozen"\nclass = "camera"\nmetric = "camera.fps"\nbelow = 0.5\nseverity = "critical"\n'
        self.configure(central='monthly_budget = "2MiB"\nlive_share = 0.25\n', extra=alarm)
        self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()
        self.publish_for(2, 25)
        self.await_sealed()
        report = self.uplink("central", self.await_drained())
        self.assertEqual(report["budget_bytes"], 2 << 20)
        left = report["budget_left_bytes"]
        self.assertEqual(left, (2 << 20) - report["wire_bytes"])
        self.assertLess(left, (2 << 20) - 2000)
        self.assertIsNone(report.get("held_back"))
        told = self.run_lumbung("status", "--config", self.config)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("of this month's 2.0 MiB left", told.stdout)

        # Kept over a restart; then the month is as good as over.
        assert self.gateway is not None
        self.gateway.stop()
        with sqlite3.connect(self.stage.path("store", "outbox.db")) as database:
            self.assertGreaterEqual((2 << 20) - database.execute("SELECT spent FROM outbox_budget").fetchone()[0], left - 5000)
            self.assertIsNotNone(database.execute("SELECT month FROM outbox_budget").fetchone()[0])
            database.execute("UPDATE outbox_budget SET spent=?", ((2 << 20) - 3000,))
        database.close()
        pages.seal(self.stage.path("store", "outbox.db"))
        self.start_gateway()
        self.await_connected()
        self.publish_for(4, 25)
        report = self.await_status(
            "summaries are held back", lambda s: self.uplink("central", s).get("held_back"), 60)
        self.assertIn("budget", self.uplink("central", report)["held_back"])
        self.assertEqual(self.uplink("central", report)["budget_left_bytes"], 0)
        before = self.raised()
        self.publish_one(
            "school/sman9/cctv/cam-9/telemetry", json.dumps({"ts": time.time_ns() // 1_000_000, "fps": 0}).encode())
        stage.await_value("the alarm has arrived", lambda: self.raised() > before, 20)
        self.await_sealed()
        report = self.uplink("central")
        self.assertEqual(report["state"], "held")
        self.assertGreater(report["pending_records"], 20)
        # With a larger allowance everything goes.
        self.configure(central='monthly_budget = "4MiB"\n', extra=alarm)
        self.restart_gateway()
        self.await_drained()

    def raised(self) -> int:
        return sum(item["record"].get("transition") == "raised" for item in self.received())


if __name__ == "__main__":
    unittest.main()
