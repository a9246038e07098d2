"""The central server is away, comes back, goes away in the middle, or answers badly: nothing is lost or doubled."""

from __future__ import annotations

import random
import time
import unittest

import harness
from harness import NS
from publisher import Camera


class Delivery(harness.Case):
    def publish_for(self, seconds: float) -> None:
        """A hundred messages a second."""
        publisher = self.publisher(f"published-{time.monotonic_ns()}.ndjson")
        dice = random.Random(5)
        cameras = [Camera(number, dice) for number in range(10)]

        def send() -> None:
            camera = dice.choice(cameras)
            publisher.publish(camera.topic, camera.report(time.time_ns()))

        self.pace(publisher, 100, time.time_ns() + round(seconds * NS), send)
        publisher.close()
        self.sent = getattr(self, "sent", 0) + publisher.published

    def settle(self, seconds: float = 60) -> None:
        self.await_journal(self.sent)
        through = self.window_after(time.time_ns())
        self.await_time(through + (harness.GRACE_SECONDS + 1) * NS)
        self.await_drained(seconds)
        self.assertGreater(self.assert_summaries_equal(self.oracle_of_journal(), through), 10)

    def test_what_was_kept_while_the_server_was_away_arrives_when_it_is_back(self) -> None:
        self.write_config()
        self.start_broker()
        self.start_gateway()
        self.await_connected()
        self.publish_for(2 * harness.WINDOW_SECONDS)
        report = self.await_status(
            "summaries wait, and the uplink says why",
            lambda s: s["uplinks"][0]["pending_records"] > 0 and s["uplinks"][0].get("error"),
        )
        self.assertEqual(report["uplinks"][0]["delivered_records"], 0)
        self.assertEqual(report["broker"]["state"], "connected")
        self.start_receiver()
        self.settle()
        report = self.await_drained()
        self.assertIsNone(report["uplinks"][0].get("error"))

    def test_a_server_that_goes_away_in_the_middle_gets_everything_once_it_is_back(self) -> None:
        self.start_all()
        self.publish_for(harness.WINDOW_SECONDS + 2)
        self.await_status("something is delivered", lambda s: s["uplinks"][0]["delivered_records"] > 0)
        assert self.receiver is not None
        self.receiver.stop()
        self.publish_for(harness.WINDOW_SECONDS + 2)
        self.await_status("summaries wait", lambda s: s["uplinks"][0]["pending_records"] > 0)
        assert self.gateway is not None
        self.gateway.kill()
        self.start_gateway()
        self.start_receiver()
        self.settle()

    def test_a_server_that_answers_badly_three_times_in_ten_has_everything_in_the_end(self) -> None:
        self.write_config()
        self.start_broker()
        self.start_receiver(faults="7:0.3")
        self.start_gateway()
        self.await_connected()
        self.publish_for((6 if harness.LONG else 3) * harness.WINDOW_SECONDS)
        self.settle(120)

    def test_a_wrong_token_is_shown_with_its_cure_and_loses_nothing(self) -> None:
        self.write_config()
        self.start_broker()
        self.start_receiver()
        right = self.stage.path("token")
        # The receiver has read its token; the gateway finds another.
        with open(right, encoding="utf-8") as file:
            token = file.read()
        self.stage.write("token", "a wrong one\n", 0o600)
        self.start_gateway()
        self.await_connected()
        self.publish_for(harness.WINDOW_SECONDS + 2)
        report = self.await_status(
            "the refusal is shown", lambda s: s["uplinks"][0].get("error") and s["uplinks"][0].get("cure"),
        )
        self.assertEqual(report["uplinks"][0]["state"], "misconfigured")
        self.assertEqual(report["uplinks"][0]["delivered_records"], 0)
        self.stage.write("token", token, 0o600)
        self.settle(120)


if __name__ == "__main__":
    unittest.main()
