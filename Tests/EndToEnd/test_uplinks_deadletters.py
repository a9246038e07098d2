"""A record that the server refuses for good: the rest goes on without it, and someone decides what becomes of it."""

from __future__ import annotations

import json
import time
import unittest
from typing import Any, Dict, List

import outward
from harness import NS
from stage import await_value

POISON = 666


def is_poison(record: Dict[str, Any]) -> bool:
    return record.get("metrics", {}).get("camera.fps", {}).get("max") == POISON


class DeadLetters(outward.Outward):
    def setUp(self) -> None:
        super().setUp()
        self.front = self.start_front()
        self.front.refuse = lambda batch: (422, "fps too good") if any(map(is_poison, batch["records"])) else None
        self.configure()
        self.start_broker()
        self.start_gateway()
        self.await_connected()

    def letters(self) -> List[Dict[str, Any]]:
        result = self.run_lumbung("deadletters", "list", "--json", "--config", self.config)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def command(self, *words: str, status: int = 0) -> str:
        result = self.run_lumbung("deadletters", *words, "--config", self.config)
        self.assertEqual(result.returncode, status, result.stderr + result.stdout)
        return result.stdout + result.stderr

    def poison(self, *devices: str) -> None:
        """A reading of each device in whose summary the server finds something to refuse, among many others."""
        self.publish_for(1, 20)
        for device in devices:
            payload = {"ts": time.time_ns() // 1_000_000, "fps": POISON}
            self.publish_one(f"school/{device}/cctv/cam-1/telemetry", json.dumps(payload).encode())
        self.publish_for(1, 20)
        self.await_sealed()
        self.await_drained()

    def missing(self) -> List[int]:
        lanes = [lane for lane in self.central_report()["lanes"] if lane["lane"] == "summary"]
        return [number for lane in lanes for low, high in lane["missing"] for number in range(low, high + 1)]

    def poison_held(self) -> List[str]:
        return sorted(record["site"] for record in self.central_summaries() if is_poison(record))

    def test_what_is_refused_is_listed_shown_sent_again_and_dropped(self) -> None:
        # Without poison there is nothing to see.
        self.publish_for(1, 20)
        self.await_sealed()
        self.await_drained()
        self.assertEqual(self.letters(), [])
        self.assertIn("no dead letters", self.command("list"))
        self.assertEqual(self.missing(), [])

        self.poison("rot1", "rot2")
        letters = self.letters()
        self.assertEqual(sorted(letter["record"]["site"] for letter in letters), ["rot1", "rot2"])
        self.assertEqual({(letter["uplink"], letter["lane"]) for letter in letters}, {("central", "summary")})
        numbers = sorted(letter["first"] for letter in letters)
        self.assertEqual(numbers, [letter["record"]["seq"] for letter in sorted(letters, key=lambda item: item["first"])])
        self.assertTrue(all("fps too good" in letter["reason"] for letter in letters), letters)
        self.assertEqual(self.command("list").count("fps too good"), 2)
        one, other = letters
        shown = self.command("show", str(one["id"]))
        self.assertIn("fps too good", shown)
        self.assertIn(f'"site":"{one["record"]["site"]}"', shown)
        # The rest is there, and the server was told what is not.
        self.assertEqual(self.missing(), numbers)
        self.assertEqual(self.central_report()["refused"], 2)
        self.assertEqual(self.poison_held(), [])
        status = self.status()
        assert status is not None
        self.assertEqual(status["store"]["dead_letters"], 2)

        # Still poison: it stays.
        before = len(self.front.refused)
        self.command("retry", str(one["id"]))
        await_value("it was tried again", lambda: len(self.front.refused) > before, 30)
        await_value("it waits no more", lambda: not any(letter["retrying"] for letter in self.letters()), 30)
        self.assertEqual(len(self.letters()), 2)
        self.assertEqual(self.central_report()["refused"], 2, "one record is told of once")

        # The server has learnt: under its old number it fills the hole.
        self.front.refuse = lambda batch: None
        self.command("retry", str(one["id"]))
        await_value("the letter has left", lambda: [letter["id"] for letter in self.letters()] == [other["id"]], 30)
        self.assertEqual(self.missing(), [other["first"]])
        self.assertEqual(self.poison_held(), [one["record"]["site"]])

        self.command("drop", "--all")
        self.assertEqual(self.letters(), [])
        self.assertEqual(self.missing(), [other["first"]])
        self.assertIn("no dead letter", self.command("retry", str(other["id"]), status=65))
        self.command("retry", status=64)

    def test_what_is_asked_for_while_the_daemon_is_away_is_done_at_its_start(self) -> None:
        self.poison("rot1")
        self.assertEqual(len(self.letters()), 1)
        assert self.gateway is not None
        self.gateway.stop()
        self.front.refuse = lambda batch: None
        self.assertIn("does not run", self.command("retry", "--all", status=69))
        self.assertEqual(len(self.letters()), 1)
        self.start_gateway()
        await_value("the letter has left", lambda: not self.letters(), 30)
        await_value("it has arrived", lambda: self.poison_held() == ["rot1"], 30)
        self.assertEqual(self.missing(), [])


if __name__ == "__main__":
    unittest.main()
