"""A receiver that asks for raw messages gets those that it asked for, once, and only where the configuration says so."""

from __future__ import annotations

import base64
import collections
import fnmatch
import gzip
import json
import subprocess
import time
import unittest
from typing import Any, Dict, List, Tuple

import outward
import stage
from harness import NS
from publisher import Camera
from records import format_time, parse_time, payload_of
from stage import await_value

Messages = List[Tuple[str, bytes]]


def request(name: str, device: str, begin: int, end: int) -> bytes:
    asked = {"id": name, "device": device, "from": format_time(begin), "to": format_time(end)}
    return json.dumps({"backfill": [asked]}).encode()


def payload(record: Dict[str, Any]) -> bytes:
    if "payload" in record:
        return record["payload"].encode()
    return base64.b64decode(record["payload_base64"], validate=True)


class Backfill(outward.Outward):
    def publish_span(self) -> Tuple[int, int]:
        """Messages before, in and after a span of time, some of them no text; gives the span."""
        self.publish_for(1, 30)
        begin = time.time_ns()
        self.publish_for(2, 30)
        self.publish_one("school/sman1/cctv/cam-001/telemetry", b'{"fps":\xff\x00}')
        time.sleep(0.5)
        end = time.time_ns()
        self.publish_for(1, 30)
        self.await_journal(self.sent)
        return begin, end

    def wanted(self, device: str, begin: int, end: int) -> Messages:
        found = []
        for message in self.journal():
            name = "/".join(message["topic"].split("/")[1:4:2])
            if begin <= parse_time(message["received"]) < end and fnmatch.fnmatch(name, device):
                found.append((message["topic"], payload_of(message)))
        return found

    def assert_served(self, found: List[Dict[str, Any]], name: str, device: str, begin: int, end: int) -> None:
        mine = [record for record in found if record["request"] == name]
        self.assertEqual([record["type"] for record in mine].count("backfill-end"), 1)
        self.assertEqual(mine[-1]["type"], "backfill-end")
        wanted = self.wanted(device, begin, end)
        self.assertGreater(len(wanted), 10)
        self.assertLess(len(wanted), self.sent // 2)
        got = [(record["topic"], payload(record)) for record in mine[:-1]]
        self.assertEqual(collections.Counter(got), collections.Counter(wanted))
        self.assertTrue(all(fnmatch.fnmatch(record["device"], device) for record in mine[:-1]))

    def test_by_an_answer_it_is_served_once_and_in_a_numbering_of_its_own(self) -> None:
        front = self.start_front()
        self.configure(central="backfill = true\n")
        self.start_broker()
        self.start_gateway()
        self.await_connected()
        begin, end = self.publish_span()
        self.await_delivered("central")
        self.assertEqual(front.records("backfill"), [], "nobody has asked yet")
        front.says = request("r-1", "sman1/*", begin, end)
        ended = lambda name: any(  # noqa: E731
            r["type"] == "backfill-end" and r["request"] == name for r in front.records("backfill"))
        await_value("the first is served", lambda: ended("r-1"), 60)
        # It goes on asking for the same; a second one is served after that.
        self.publish_for(2, 5)
        front.says = request("r-2", "*/cam-00?", begin, end)
        await_value("the second is served", lambda: ended("r-2"), 60)
        front.says = None
        self.await_delivered("central")
        found = front.records("backfill")
        self.assertEqual([record["seq"] for record in found], list(range(1, len(found) + 1)))
        self.assert_served(found, "r-1", "sman1/*", begin, end)
        self.assert_served(found, "r-2", "*/cam-00?", begin, end)
        lanes = {(lane["lane"], lane.get("stream", "")): lane for lane in self.central_report()["lanes"]}
        self.assertEqual(lanes["backfill", "backfill-central"]["highest"], len(found))
        self.assertEqual(lanes["backfill", "backfill-central"]["missing_count"], 0)
        # Windows are as they were: what is sent again is no reading.
        self.assertEqual(lanes["summary", ""]["missing_count"], 0)

    def test_where_the_configuration_does_not_allow_it_an_answer_that_asks_is_only_an_answer(self) -> None:
        front = self.start_front()
        self.configure()
        self.start_broker()
        self.start_gateway()
        self.await_connected()
        front.says = request("r-1", "*", 0, time.time_ns() + 3600 * NS)
        self.publish_for(4, 30)
        self.await_sealed()
        self.await_delivered("central")
        self.assertGreater(len(front.passed), 3)
        time.sleep(1)
        self.await_delivered("central")
        self.assertEqual(front.records("backfill"), [])
        self.assertNotIn("backfill", {lane["lane"] for lane in self.central_report()["lanes"]})

    @unittest.skipUnless(outward.HAS_CLIENTS, "mosquitto_sub and mosquitto_pub are needed")
    def test_by_a_command_it_is_served_where_the_configuration_allows_it_and_nowhere_else(self) -> None:
        port = stage.free_port()
        stage.start_broker(self.stage, port, "bus")
        self.configure(*(
            f'name = "{name}"\ntype = "mqtt"\nurl = "mqtt://127.0.0.1:{port}"\nbackfill = {allowed}\n'
            for name, allowed in (("open", "true"), ("closed", "false"))))
        heard = open(self.stage.path("heard.txt"), "wb")
        self.addCleanup(heard.close)
        listener = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-p", str(port), "-q", "1", "-V", "mqttv311", "-t", "lumbung/v1/#", "-F",
             "%t %x"], stdout=heard, stderr=subprocess.STDOUT)
        self.addCleanup(listener.wait)
        self.addCleanup(listener.kill)
        self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()
        begin, end = self.publish_span()
        self.await_drained()
        subprocess.run(
            ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", "lumbung/v1/bench/command", "-s"], check=True, timeout=20,
            input=request("c-1", "sman2/*", begin, end))
        await_value("it is served", lambda: any(
            record["type"] == "backfill-end" for record in self.heard("backfill-open")), 60)
        self.await_drained()
        self.assert_served(self.heard("backfill-open"), "c-1", "sman2/*", begin, end)
        self.assertEqual(self.heard("backfill-closed"), [])
        self.assertEqual([e for e in self.received() if e["lane"] == "backfill"], [])

    def heard(self, stream: str) -> List[Dict[str, Any]]:
        found: Dict[int, Dict[str, Any]] = {}
        with open(self.stage.path("heard.txt"), encoding="utf-8", errors="replace") as file:
            for line in file:
                topic, _, body = line.strip().partition(" ")
                if topic == "lumbung/v1/bench/backfill" and line.endswith("\n"):
                    batch = json.loads(gzip.decompress(bytes.fromhex(body)))
                    if batch["stream"] == stream:
                        found.update((record["seq"], record) for record in batch["records"])
        return [found[seq] for seq in sorted(found)]


if __name__ == "__main__":
    unittest.main()
