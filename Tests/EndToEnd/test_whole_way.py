"""From a device's message to the central server's record, all of it against the oracle."""

from __future__ import annotations

import base64
import collections
import json
import random
import time
import unittest

import harness
from harness import CAMERAS, NS, PANELS, UPS
from publisher import Camera
from records import format_time


class WholeWay(harness.Case):
    sources = [CAMERAS, PANELS, UPS]

    def test_every_summary_equals_what_the_oracle_makes_of_the_messages(self) -> None:
        self.start_all()
        publisher = self.publisher()
        dice = random.Random(3)
        cameras = [Camera(number, dice) for number in range(8)]
        # Across three borders of windows, so that carry-in, silence and late readings all occur.
        begin = time.time_ns()
        end = self.window_after(begin) + 2 * self.window
        self.pace(publisher, 60, end, lambda: self._message(publisher, cameras, dice, begin))
        self.await_journal(publisher.published)
        through = self.window_after(time.time_ns())
        self.await_time(through + (harness.GRACE_SECONDS + 1) * NS)
        self.await_drained()

        truth = self.oracle_of_journal()
        count = self.assert_summaries_equal(truth, through)
        self.assertGreater(count, 30)
        self.assertGreater(truth.refused, 0)
        self.assertGreater(truth.too_late, 0)
        report = self.await_drained()
        self.assertEqual(report["derive"]["quarantined"], truth.refused)
        self.assertEqual(report["derive"]["too_late"], truth.too_late)

    def test_the_journal_gives_back_what_was_published(self) -> None:
        self.start_all()
        publisher = self.publisher()
        payloads = [b"{}", b"", b"\x00\xff\xfe", "naïve ✓".encode(), b"x" * 70_000, b'{"ts":1}', b"{}"]
        for number, payload in enumerate(payloads):
            publisher.publish(f"panel/{number % 2}/é", payload)
        publisher.drain()
        self.await_journal(len(payloads))
        found = collections.Counter((m["topic"], harness.records.payload_of(m)) for m in self.journal())
        sent = collections.Counter((f"panel/{number % 2}/é", payload) for number, payload in enumerate(payloads))
        self.assertEqual(found, sent)

    def test_no_byte_run_of_an_image_lies_in_the_store(self) -> None:
        self.start_all()
        publisher = self.publisher()
        noise = random.Random(11).randbytes(3000)
        text = base64.b64encode(b"\xff\xd8\xff\xe0" + noise)
        publisher.publish("panel/1/snapshot", b"\xff\xd8\xff\xe0" + noise)
        publisher.publish("panel/1/event", b'{"score":0.5,"thumbnail":"' + text + b'"}')
        # What is no image stays as it came: the search below can find something.
        kept = random.Random(12).randbytes(3000)
        publisher.publish("panel/1/blob", b"\x01" + kept)
        publisher.drain()
        self.await_journal(3)
        held = b""
        for name in ("journal.db", "journal.db-wal"):
            with open(self.stage.path("store", name), "rb") as file:
                held += file.read()
        self.assertTrue(any(kept[at:at + 16] in held for at in range(0, 2900, 16)), "the search finds nothing at all")
        for image in (noise, text):
            found = [at for at in range(0, len(image) - 16) if image[at:at + 16] in held]
            self.assertEqual(found, [])
        messages = {m["topic"]: harness.records.payload_of(m) for m in self.journal()}
        self.assertRegex(messages["panel/1/snapshot"], rb"^lumbung:image/jpeg;bytes=3004;sha256=[0-9a-f]{64}$")
        self.assertIn(b'{"score":0.5,"thumbnail":"lumbung:image/jpeg;', messages["panel/1/event"])

    def test_what_decode_prints_is_what_the_contract_shows(self) -> None:
        self.write_config()
        payload = self.stage.write("payload", '{"ts":1795318812600,"fps":24.8}')
        result = self.run_lumbung(
            "decode", "--config", self.config, "--topic", "school/sman1/cctv/cam-03/telemetry", "--at",
            "2026-11-22T03:40:13Z", payload,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(
            [json.loads(line) for line in result.stdout.splitlines()],
            [{
                "device": "sman1/cam-03", "class": "camera", "site": "sman1", "metric": "camera.fps", "value": 24.8,
                "unit": "1/s", "kind": "gauge", "time": "2026-11-22T03:40:12.600Z", "time_source": "payload",
            }],
        )

    def _message(self, publisher: harness.Publisher, cameras: list, dice: random.Random, begin: int) -> None:
        now = time.time_ns()
        camera = dice.choice(cameras[:-1])
        draw = dice.random()
        if draw < 0.05:
            publisher.publish(camera.topic, b'{"ts":', kind="rubbish")
        elif draw < 0.07:
            publisher.publish(camera.topic, camera.report(now - (harness.LATENESS_SECONDS + 60) * NS), kind="too late")
        elif draw < 0.10:
            publisher.publish(camera.topic, camera.report(7 * NS), kind="1970")
        elif draw < 0.12:
            publisher.publish(camera.topic, camera.report(now + 600 * NS), kind="ahead")
        elif draw < 0.20:
            # Late: in a window that may be sealed already, of a time at which others reported too.
            publisher.publish(camera.topic, camera.report(max(begin, now - 7 * NS) // NS * NS), kind="late")
        elif draw < 0.30:
            publisher.publish(camera.topic, camera.report(now // NS * NS), kind="tie")
        elif draw < 0.40:
            publisher.publish(f"ups/{dice.randrange(2)}/load", b"%.1f" % dice.uniform(0, 100))
        elif draw < 0.50:
            payload = {"at": format_time(now // 1000 * 1000), "on": dice.random() < 0.5, "t": {"in": [dice.random(), -1]}}
            publisher.publish("panel/a/b", json.dumps(payload).encode())
        elif now - begin < self.window:
            # The last camera falls silent after the first window.
            publisher.publish(cameras[-1].topic, cameras[-1].report(now))
        else:
            publisher.publish(camera.topic, camera.report(now))


if __name__ == "__main__":
    unittest.main()
