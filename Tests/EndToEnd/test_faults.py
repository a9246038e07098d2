"""What goes wrong at the gateway's own side is said, with the place, and survived."""

from __future__ import annotations

import json
import time
import unittest

import harness
import stage
from harness import NS
from stage import await_value


class Configuration(harness.Case):
    def faulty(self, old: str, new: str) -> tuple:
        """The configuration with one line changed: its path, and that line's number."""
        path = self.write_config()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text.count(old), 1, old)
        line = text[: text.index(old)].count("\n") + 1
        self.stage.write("gateway.toml", text.replace(old, new))
        return path, line

    def assert_refused(self, path: str, line: int, *fragments: str) -> None:
        for command in ("run", "check"):
            result = self.run_lumbung(command, "--config", path)
            said = result.stderr + result.stdout
            with self.subTest(command=command, said=said):
                self.assertEqual(result.returncode, 78)
                self.assertIn(f"{path}:{line}:", said)
                for fragment in fragments:
                    self.assertIn(fragment, said)

    def test_an_unknown_key_is_named_with_file_and_line_and_what_may_be_meant(self) -> None:
        path, line = self.faulty('max_size        = "256MiB"', 'max_sise        = "256MiB"')
        self.assert_refused(path, line, "max_sise", "max_size")

    def test_a_wrong_type_is_named(self) -> None:
        self.assert_refused(*self.faulty('commit_interval = "200ms"', "commit_interval = 200"), "commit_interval")

    def test_a_text_that_is_no_duration_is_named(self) -> None:
        self.assert_refused(*self.faulty('grace    = "1s"', 'grace    = "a while"'), "a while")

    def test_a_text_that_is_no_toml_is_named(self) -> None:
        self.assert_refused(*self.faulty('id       = "bench"', 'id       = "bench'))

    def test_two_sources_of_one_name_are_named(self) -> None:
        path = self.write_config(extra="\n" + harness.source_toml(dict(harness.UPS, name="school-cctv")))
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        second = [number for number, line in enumerate(lines, 1) if line == 'name = "school-cctv"'][1]
        for command in ("run", "check"):
            result = self.run_lumbung(command, "--config", path)
            self.assertEqual(result.returncode, 78)
            self.assertRegex(result.stderr + result.stdout, rf"{path}:({second}|{second - 1}):")

    def test_a_file_that_is_not_there_is_named(self) -> None:
        path = self.stage.path("nowhere.toml")
        result = self.run_lumbung("run", "--config", path)
        self.assertEqual(result.returncode, 78)
        self.assertIn(path, result.stderr + result.stdout)

    def test_a_right_one_passes_the_check(self) -> None:
        result = self.run_lumbung("check", "--config", self.write_config())
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout)


class Broker(harness.Case):
    def test_a_broker_that_cannot_be_reached_is_reported_and_tried_again(self) -> None:
        self.write_config()
        self.start_receiver()
        self.start_gateway()

        def reported() -> "dict | None":
            result = self.run_lumbung("status", "--config", self.config, "--json")
            try:
                report = json.loads(result.stdout)
            except ValueError:
                return None
            return report if report["broker"].get("error") else None

        report = await_value("lumbung status --json tells of the broker", reported, 20, every=0.5)
        self.assertIn(report["broker"]["state"], ("connecting", "waiting"))
        self.assertIn(str(self.broker_port), report["broker"]["url"] + report["broker"]["error"])
        self.start_broker()
        report = self.await_status("the gateway connects by itself", lambda s: s["broker"]["state"] == "connected", 60)
        self.assertIsNone(report["broker"].get("error"))

    def test_a_broker_that_restarts_is_found_again_and_nothing_counted_twice(self) -> None:
        self.write_config()
        broker = self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()
        for number in range(2):
            publisher = self.publisher(f"published-{number}.ndjson")
            camera = harness.publisher_camera(number)
            for _ in range(200):
                publisher.publish(camera.topic, camera.report(time.time_ns()))
            publisher.close()
            if number == 0:
                broker.stop()
                self.await_status("the loss is noticed", lambda s: s["broker"]["state"] != "connected")
                self.start_broker()
                self.await_status("it is found again", lambda s: s["broker"]["state"] == "connected", 60)
        self.await_journal(400)
        self.assertEqual(len(self.journal()), 400)
        through = self.window_after(time.time_ns())
        self.await_time(through + (harness.GRACE_SECONDS + 1) * NS)
        self.await_drained()
        self.assert_summaries_equal(self.oracle_of_journal(), through)


class Rubbish(harness.Case):
    def test_rubbish_is_set_aside_counted_and_shown_and_harms_nobody(self) -> None:
        self.start_all()
        publisher = self.publisher()
        camera = harness.publisher_camera(1)
        rubbish = [b"{", b"\xff\xd8\xff\xe0 a picture", b"", b"[1,", b'{"ts":1}']
        for payload in rubbish:
            publisher.publish(camera.topic, camera.report(time.time_ns()))
            publisher.publish(camera.topic, payload)
        publisher.drain()
        report = self.await_status(
            "the rubbish is counted", lambda s: s["derive"]["quarantined"] == len(rubbish),
        )
        shown = report["derive"]["last_quarantined"]
        self.assertEqual({entry["topic"] for entry in shown}, {camera.topic})
        self.assertTrue(all(entry["reason"] for entry in shown))
        self.assertNotIn("a picture", json.dumps(shown))
        page = stage.get(self.admin_port, "/")
        self.assertIsNotNone(page)
        through = self.window_after(time.time_ns())
        self.await_time(through + (harness.GRACE_SECONDS + 1) * NS)
        self.await_drained()
        self.await_journal(publisher.published)
        truth = self.oracle_of_journal()
        self.assertEqual(truth.refused, len(rubbish))
        self.assert_summaries_equal(truth, through)

    def test_decode_exits_65_with_one_line_that_gives_the_place_and_the_reason(self) -> None:
        self.write_config()
        payload = self.stage.write("payload", '{"ts":1795318812600,"fps":}')
        result = self.run_lumbung(
            "decode", "--config", self.config, "--topic", "school/a/cctv/b/telemetry", payload,
        )
        self.assertEqual(result.returncode, 65)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)


if __name__ == "__main__":
    unittest.main()
