"""kill -9 of the gateway, again and again, under load: every message of QoS 1 is in exactly one window.

A kill counts only where it could have done harm: messages had gone out to the gateway and were not acknowledged yet,
by what the tap between broker and gateway saw pass. Everything that the gateway had written when it died is read first.

KILLS=n sets how many must count (10; 50 with LONG=1), RATE the messages per second.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import unittest

import harness
import stage
from harness import NS
from stage import await_value
from tap import Connection, Tap

KILLS = int(os.environ.get("KILLS", "50" if harness.LONG else "10"))
RATE = int(os.environ.get("RATE", "2000"))


class Kills(harness.Case):
    def test_no_message_is_lost_or_counted_twice_however_often_the_gateway_is_killed(self) -> None:
        tap_port = stage.free_port()
        self.start_broker()
        tap = Tap(tap_port, self.broker_port)
        self.addCleanup(tap.close)
        self.start_receiver()
        self.write_config(broker_port=tap_port)
        self.start_gateway()
        self.await_connected()

        record = self.stage.path("published.ndjson")
        load = self.stage.start("load", [
            sys.executable, os.path.join(harness.HERE, "publisher.py"), "--broker", f"127.0.0.1:{self.broker_port}",
            "--record", record, "--rate", str(RATE), "--devices", "40",
        ])
        dice = random.Random(11)
        counted = attempts = 0
        killed_with = []
        while counted < KILLS:
            attempts += 1
            self.assertLessEqual(attempts, 3 * KILLS + 5, f"too few kills hit anything: {killed_with}")
            self.assertTrue(load.running, load.tail())
            connection = self._await_progress(tap)
            # Where in a commit it strikes is left to chance.
            time.sleep(dice.uniform(0, 0.6))
            assert self.gateway is not None
            self.gateway.kill()
            self.assertTrue(tap.await_closed(connection, 10))
            harmed = len(connection.unacknowledged)
            killed_with.append(harmed)
            counted += harmed > 0
            self.start_gateway()
        self.await_connected()
        self._await_progress(tap)

        load.popen.send_signal(signal.SIGTERM)
        self.assertEqual(load.wait(60), 0, load.tail())
        self.assertTrue(all(c.session_present for c in tap.connections[1:]), "the broker forgot the session")
        self.assertGreater(tap.again, 0, "the broker never delivered anything again: the kills proved nothing")
        truth = self.oracle_of_record()
        self.await_status("all that was published is derived",
                          lambda s: s["derive"]["lag_segments"] == 0 and self.is_idle(tap), 120)
        through = self.window_after(time.time_ns())
        self.await_time(through + (harness.GRACE_SECONDS + 1) * NS)
        self.await_drained()
        count = self.assert_summaries_equal(truth, through, 90)
        print(f"\n{truth.arrivals} messages, {attempts} kills of which {counted} counted, "
              f"{sum(killed_with)} messages unacknowledged at them, {tap.again} delivered again, {count} records equal",
              file=sys.stderr)

    def _await_progress(self, tap: Tap) -> Connection:
        """The gateway is connected and has acknowledged something since."""

        def probe() -> "Connection | None":
            connection = tap.current
            alive = connection is not None and not connection.closed and connection.acknowledged > 100
            return connection if alive else None

        assert self.gateway is not None
        return await_value("the gateway acknowledges messages", probe, 60, explain=self.gateway.tail)


if __name__ == "__main__":
    unittest.main()
