"""SIGHUP: a new configuration takes effect without losing a message or the session with the broker."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
import unittest

import harness
import records
import stage
from publisher import Camera, Publisher
from stage import await_value

FIBER = {
    "name": "fiber",
    "topic": "fiber/{site}/{node}/telemetry",
    "format": "json",
    "class": "fiber-node",
    "device": "{site}/{node}",
    "site": "{site}",
}


class Reload(harness.Case):
    def reload(self) -> None:
        assert self.gateway is not None
        self.gateway.popen.send_signal(signal.SIGHUP)

    def await_log(self, text: str) -> None:
        assert self.gateway is not None
        log = self.stage.path("lumbung.log")

        def probe() -> bool:
            with open(log, encoding="utf-8", errors="replace") as file:
                return text in file.read()

        await_value(f"the log says {text!r}", probe, 30, explain=self.gateway.tail)

    def report(self, publisher: Publisher, camera: Camera) -> None:
        moment = time.time_ns()
        publisher.publish(camera.topic, camera.report(moment), devices=[camera.name],
                          time=records.format_time(moment // 1_000_000 * 1_000_000), kind="regular")

    def test_a_new_source_is_taken_up_and_the_session_stays(self) -> None:
        self.start_all()
        publisher = self.publisher()
        camera = harness.publisher_camera(1)
        self.report(publisher, camera)
        publisher.drain()
        self.await_status("the camera is heard", lambda report: report["derive"]["messages"] >= 1)

        self.write_config(extra=harness.source_toml(FIBER))
        self.reload()
        self.await_log("applied: sources, rules and windows, the broker's subscriptions")
        for number in range(5):
            publisher.publish("fiber/oki/n1/telemetry", json.dumps({"dbm": -20 - number}).encode())
            self.report(publisher, camera)
        publisher.drain()
        report = self.await_status(
            "all are derived", lambda report: report["derive"]["messages"] >= 11 and report["derive"]["devices"] == 2)
        self.assertEqual(report["derive"]["unrouted"], 0)
        self.assertEqual(report["broker"]["reconnects"], 0, "the session is the same")
        self.assertEqual(len(self.journal()), 11)

    def test_a_faulty_configuration_changes_nothing_and_the_log_says_why(self) -> None:
        self.start_all()
        self.write_config(extra='\n[[source]]\nname = "x"\ntopic = "x/#/y"\nformat = "json"\n')
        self.reload()
        self.await_log("the configuration stays as it was")
        self.await_log("gateway.toml:")
        publisher = self.publisher()
        self.report(publisher, harness.publisher_camera(1))
        publisher.drain()
        self.await_status("messages are derived as before", lambda report: report["derive"]["messages"] == 1)

    def test_a_second_uplink_begins_while_the_first_goes_on(self) -> None:
        self.start_all()
        first = self.receiver_port
        publisher = self.publisher()
        camera = harness.publisher_camera(1)
        end = time.time_ns() + 3 * harness.NS
        self.pace(publisher, 20, end, lambda: self.report(publisher, camera))
        self.await_time(self.window_after(end) + 2 * harness.NS)
        before = self.await_drained()["uplinks"][0]["delivered_records"]
        self.assertGreater(before, 0)

        self.receiver_port = stage.free_port()
        self.start_receiver()
        second = self.received_files[-1]
        uplink = (f'\n[[uplink]]\nname = "province"\ntype = "http"\nurl = "http://127.0.0.1:{self.receiver_port}"\n'
                  f'token_file = {json.dumps(self.token_file)}\n')
        self.receiver_port = first
        self.write_config(extra=uplink)
        self.reload()
        self.await_log("applied: uplinks")
        end = time.time_ns() + 3 * harness.NS
        self.pace(publisher, 20, end, lambda: self.report(publisher, camera))
        self.await_time(self.window_after(end) + 2 * harness.NS)
        report = self.await_status("both have delivered", lambda report: len(report["uplinks"]) == 2 and all(
            uplink["delivered_records"] > 0 and uplink["pending_records"] == 0 for uplink in report["uplinks"]))
        self.assertGreaterEqual(report["uplinks"][0]["delivered_records"], before, "the first one is the same as before")
        self.assertEqual(report["broker"]["reconnects"], 0)
        held, faults = records.highest(records.received_file(second))
        self.assertEqual(faults, [])
        self.assertGreater(len(held), 0)

        # And it goes again.
        self.write_config()
        self.reload()
        self.await_status("one is left", lambda report: [uplink["name"] for uplink in report["uplinks"]] == ["central"])

    def test_a_change_of_uplinks_that_the_outbox_refuses_leaves_them_running(self) -> None:
        self.start_all()
        publisher = self.publisher()
        camera = harness.publisher_camera(1)
        self.report(publisher, camera)
        publisher.drain()
        self.await_journal(1)
        uplink = (f'\n[[uplink]]\nname = "province"\ntype = "http"\nurl = "http://127.0.0.1:{stage.free_port()}"\n'
                  f'token_file = {json.dumps(self.token_file)}\n')
        self.write_config(extra=uplink)
        # As on a full disk: nothing can be written to the outbox.
        outbox = sqlite3.connect(self.stage.path("store", "outbox.db"), isolation_level=None, timeout=30)
        outbox.execute("BEGIN IMMEDIATE")
        try:
            self.reload()
            self.await_log("the configuration stays as it was")
        finally:
            outbox.execute("ROLLBACK")
            outbox.close()
        end = time.time_ns() + 3 * harness.NS
        self.pace(publisher, 20, end, lambda: self.report(publisher, camera))
        self.await_time(self.window_after(end) + 2 * harness.NS)
        report = self.await_drained()
        self.assertEqual([uplink["name"] for uplink in report["uplinks"]], ["central"])
        self.assertGreater(report["uplinks"][0]["delivered_records"], 0)
        # And what was refused is taken up once it can be.
        self.reload()
        self.await_log("applied: uplinks")
        self.await_status("both are there", lambda report: len(report["uplinks"]) == 2)

    def test_a_hangup_before_the_store_is_open_ends_nothing(self) -> None:
        self.write_config()
        self.start_broker()
        self.start_receiver()
        gateway = self.stage.start("lumbung", [self.lumbung, "run", "--config", self.config])
        # From the first instruction on, through the opening of the store, until it serves.
        await_value("it is the gateway", lambda: self.ignores_hangups(gateway.pid), 30, every=0.001)
        while gateway.running and not stage.listens(self.admin_port):
            gateway.popen.send_signal(signal.SIGHUP)
            time.sleep(0.002)
        self.gateway = gateway
        self.await_connected()
        self.await_log("configuration read again; nothing to apply")

    @staticmethod
    def ignores_hangups(pid: int) -> bool:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        ours = int(fields["SigIgn"], 16) | int(fields["SigCgt"], 16)
        return bool(ours & 1 << (signal.SIGHUP - 1))

    def test_what_needs_a_restart_is_named(self) -> None:
        self.start_all()
        with open(self.write_config(), encoding="utf-8") as file:
            text = file.read()
        text = text.replace('max_size        = "256MiB"', 'max_size        = "128MiB"')
        self.stage.write("gateway.toml", text.replace('commit_interval = "200ms"', 'commit_interval = "100ms"'))
        self.reload()
        self.await_log("applied: the store's limits; waiting for a restart (systemctl restart lumbung): store.commit_interval")
        self.await_status("the new limit holds", lambda report: report["store"]["max_bytes"] == 128 << 20)

    def test_reloads_under_load_lose_and_double_nothing(self) -> None:
        self.start_all()
        publisher = self.publisher()
        cameras = [harness.publisher_camera(number) for number in range(20)]
        turn = iter(range(1 << 30))
        end = time.time_ns() + 12 * harness.NS
        reloads = 0

        def send() -> None:
            nonlocal reloads
            number = next(turn)
            self.report(publisher, cameras[number % len(cameras)])
            if number % 200 == 100:
                reloads += 1
                # Each time something that is derived by changes, so that the deriver is made anew.
                self.write_config(extra=harness.source_toml(FIBER) if reloads % 2 else "")
                self.reload()

        self.pace(publisher, 200, end, send)
        self.assertGreater(reloads, 5)
        self.await_log("applied: sources")
        self.await_journal(next(turn))
        self.await_time(end + (self.window_seconds * 2 + self.grace_seconds + 1) * harness.NS)
        self.await_drained()
        self.assert_summaries_equal(self.oracle_of_record(), self.window_after(end))


if __name__ == "__main__":
    unittest.main()
