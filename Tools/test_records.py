"""Reading times, the publisher's record and what a receiver holds."""

from __future__ import annotations

import http.server
import json
import os
import sys
import tempfile
import threading
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import records
import stage


class Times(unittest.TestCase):
    def test_reads_what_the_contract_writes(self) -> None:
        base = 1795318812 * records.NS
        for text, nanoseconds in (
            ("2026-11-22T03:40:12Z", base),
            ("2026-11-22T03:40:12.600Z", base + 600_000_000),
            ("2026-11-22T10:40:12.000000001+07:00", base + 1),
            ("2026-11-21 22:10:12-0530", base),
            ("1969-12-31T23:59:59.5Z", -500_000_000),
        ):
            self.assertEqual(records.parse_time(text), nanoseconds, text)
        self.assertEqual(records.format_time(base + 600_000_000), "2026-11-22T03:40:12.6Z")

    def test_refuses_what_is_no_time(self) -> None:
        for text in ("2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T03:40:12", "now", "", None):
            with self.assertRaises(records.Unreadable):
                records.parse_time(text)


class PublishedFile(unittest.TestCase):
    def read(self, *lines: dict) -> list:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "record")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            return records.read_published(path)

    MESSAGE = {"n": 1, "topic": "t", "payload": "p", "qos": 1, "retain": False, "published_at": "2026-11-22T03:40:12Z"}

    def test_an_acknowledgement_may_come_anywhere_after_the_header(self) -> None:
        first, second = self.read({"record": "x"}, self.MESSAGE, dict(self.MESSAGE, n=2), {"ack": 2})
        self.assertEqual((first.acknowledged, second.acknowledged), (False, True))

    def test_what_was_never_sent_is_left_out(self) -> None:
        self.assertEqual(self.read(self.MESSAGE, {"unsent": 1}), [])
        with self.assertRaises(records.Unreadable):
            self.read(self.MESSAGE, {"unsent": 1}, {"ack": 1})

    def test_a_number_that_stands_twice_is_refused(self) -> None:
        with self.assertRaises(records.Unreadable):
            self.read(self.MESSAGE, self.MESSAGE)


def summary(revision: int, received: int, **more: object) -> dict:
    return {
        "type": "summary", "device": "d", "start": "2026-11-22T03:40:00Z", "end": "2026-11-22T03:41:00Z",
        "revision": revision, "received": received, **more,
    }


class Versions(unittest.TestCase):
    def highest(self, *versions: tuple) -> int:
        held, faults = records.highest(
            {"gateway": "g", "epoch": "e", "generation": generation, "record": summary(revision, received)}
            for generation, revision, received in versions
        )
        self.assertEqual(faults, [])
        return next(iter(held.values())).record["received"]

    def test_the_generation_goes_before_the_revision(self) -> None:
        self.assertEqual(self.highest((0, 5, 1), (1, 0, 2)), 2)
        self.assertEqual(self.highest((1, 0, 2), (0, 5, 1)), 2)
        self.assertEqual(self.highest((0, 1, 2), (0, 10, 3)), 3)

    def test_a_flat_record_is_read_as_a_nested_one(self) -> None:
        flat, _ = records.highest([dict(summary(0, 7), gateway="g", epoch="e", generation=2)])
        nested, _ = records.highest(
            [{"gateway": "g", "epoch": "e", "generation": 2, "record": summary(0, 7, seq=4)}]
        )
        self.assertEqual(list(flat), list(nested))
        self.assertEqual([held.version for held in flat.values()], [(2, 0)])

    def test_a_repetition_is_no_contradiction(self) -> None:
        _, faults = records.highest([{"record": summary(0, 7, seq=1)}, {"record": summary(0, 7, seq=9)}])
        self.assertEqual(faults, [])


class Central(unittest.TestCase):
    """A server with pages of two summaries."""

    def setUp(self) -> None:
        items = [dict(summary(0, n), device=f"d{n}", gateway="g", epoch="e", generation=0) for n in range(5)]
        self.asked: list = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
                asked.append((query, self.headers["Authorization"]))
                at = int(query.get("cursor", ["0"])[0])
                body = json.dumps(
                    {"summaries": items[at:at + 2], "next": str(at + 2) if at + 2 < len(items) else None}
                ).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def test_every_page_is_read_once(self) -> None:
        url = f"http://127.0.0.1:{self.server.server_port}"
        found = list(records.central_summaries(url, "token", "g"))
        self.assertEqual([item["received"] for item in found], [0, 1, 2, 3, 4])
        self.assertEqual([query.get("cursor") for query, _ in self.asked], [None, ["2"], ["4"]])
        self.assertEqual({authorization for _, authorization in self.asked}, {"Bearer token"})


class Settings(unittest.TestCase):
    TEXT = '[a]\nx = 1 # one\n\n[[b]]\nurl = "p"\n\n[[b]]\nurl = "q"\n'

    def test_a_key_is_replaced_added_or_taken_out_in_its_table(self) -> None:
        self.assertEqual(stage.set_key(self.TEXT, "b", "url", '"n"'), self.TEXT.replace('"p"', '"n"'))
        self.assertEqual(stage.set_key(self.TEXT, "a", "y", "2"), self.TEXT.replace("[a]\n", "[a]\ny = 2\n"))
        self.assertEqual(stage.set_key(self.TEXT, "a", "x", None), self.TEXT.replace("x = 1 # one\n", ""))
        self.assertEqual(stage.set_key(self.TEXT, "c", "z", "3"), self.TEXT + "\n[c]\nz = 3\n")
        self.assertEqual(stage.set_key(self.TEXT, "c", "z", None), self.TEXT)

    def test_a_private_broker_keeps_the_drop_ins_promises_and_has_its_own_place(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            base = os.path.join(folder, "base.conf")
            with open(base, "w", encoding="utf-8") as file:
                file.write("# why\npersistence true\nlistener 1883\nmax_queued_messages 0\nlog_dest syslog\n")
            lines = stage.broker_settings(folder, 4711, base).splitlines()
        self.assertEqual(lines[:2], ["persistence true", "max_queued_messages 0"])
        self.assertIn("listener 4711 127.0.0.1", lines)
        self.assertNotIn("listener 1883", lines)
        self.assertNotIn("log_dest syslog", lines)


if __name__ == "__main__":
    unittest.main()
