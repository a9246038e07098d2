"""What tells of people is stored nowhere, and what is stored is for nobody else on the box."""

from __future__ import annotations

import json
import os
import stat
import time
import unittest
from typing import List, Optional, Set

import harness
import records

PLATE = "BG 4711 QX"
PERSON = "Rahayu Kusumawardhani"
GATE = {"name": "gate", "topic": "gate/{site}/{cam...}", "format": "json", "class": "camera", "device": "{site}/{cam}"}
VISITORS = {"name": "visitors", "topic": "visit/{site}/{person}/door", "format": "json", "device": "{site}/{person}"}


class Redaction(harness.Case):
    window_seconds = 1

    def look(self, words: List[str]) -> Set[str]:
        """Every place in which one of the words is found."""
        found: Set[str] = set()
        for message in self.journal():
            if any(word in json.dumps(message) for word in words):
                found.add("messages")
        for root, _, names in os.walk(self.stage.path("store")):
            for name in names:
                with open(os.path.join(root, name), "rb") as file:
                    data = file.read()
                if any(word.encode() in data for word in words):
                    found.add(name)
        for record in self.received():
            if any(word in json.dumps(record) for word in words):
                found.add("received")
        with open(self.stage.path("lumbung.log"), "rb") as log:
            data = log.read()
        if any(word.encode() in data for word in words):
            found.add("log")
        return found

    def publish_people(self, unredacted: Optional[List[str]] = None) -> Set[str]:
        self.sources = [{**GATE, "redact": ["driver"]}, {**VISITORS, "redact_topic": ["person"]}]
        if unredacted is not None:
            self.sources = [{**GATE, "unredacted": unredacted}, VISITORS]
        self.start_all()
        publisher = self.publisher()
        payloads = [
            ("gate/a/anpr", json.dumps({"plate": PLATE, "speed": 31, "driver": PERSON})),
            ("gate/a/nested", json.dumps({"event": [{"car": {"License-Plate": PLATE}}], "driver": PERSON})),
            ("gate/a/pair", json.dumps({"n": "plate", "vs": PLATE, "driver": PERSON})),
            ("gate/a/cut", '{"speed": 3, "driver": "%s", "plate": "%s' % (PERSON, PLATE)),
            ("gate/a/xml", f"<event><licensePlate>{PLATE}</licensePlate><driver>{PERSON}</driver></event>"),
            ("gate/a/plate", PLATE),
            (f"visit/a/{PERSON}/door", json.dumps({"opened": 1})),
        ]
        for topic, payload in payloads:
            publisher.publish(topic, payload.encode())
        publisher.drain()
        self.await_journal(len(payloads))
        self.await_time(self.window_after(time.time_ns()) + 3 * harness.NS)
        self.await_drained()
        self.assertEqual(self.status()["derive"]["messages"], len(payloads))
        self.assertEqual(self.gateway.stop(), 0)
        return self.look([PLATE, PERSON])

    def test_plates_and_persons_are_found_in_no_file_and_no_record(self) -> None:
        self.assertEqual(self.publish_people(), set())
        # What tells of nobody is all there.
        kept = "".join(json.dumps(message) for message in self.messages())
        self.assertIn('"speed": 31', kept)
        self.assertIn("visit/a/redacted/door", kept)
        self.assertTrue(any('"a/redacted"' in json.dumps(record) for record in self.received()))

    def test_control_the_same_without_redaction_is_found(self) -> None:
        found = self.publish_people(unredacted=["plate", "License-Plate", "licensePlate"])
        self.assertIn("messages", found)
        self.assertIn("received", found)
        self.assertTrue(found & {"outbox.db", "outbox.db-wal", "journal.db", "journal.db-wal"}, found)

    def messages(self) -> List[object]:
        return [json.loads(message["payload"]) if message.get("payload", "").startswith('{"plate"') else message
                for message in self.journal()]


class OthersOfTheBox(harness.Case):
    def refusal(self, command: str = "run") -> str:
        result = self.run_lumbung(command, "--config", self.config)
        self.assertNotEqual(result.returncode, 0)
        return result.stderr

    def modes(self) -> Set[str]:
        store = self.stage.path("store")
        paths = [store] + [os.path.join(store, name) for name in os.listdir(store)]
        return {oct(stat.S_IMODE(os.stat(path).st_mode) & 0o007) for path in paths}

    def test_the_store_is_for_nobody_else_whatever_the_umask(self) -> None:
        old = os.umask(0)
        try:
            self.start_all()
        finally:
            os.umask(old)
        self.assertEqual(self.modes(), {"0o0"})
        self.assertEqual(self.gateway.stop(), 0)

    def test_a_store_that_others_may_read_is_refused_with_the_cure(self) -> None:
        self.start_all()
        self.assertEqual(self.gateway.stop(), 0)
        store = self.stage.path("store")
        # Closed files in an open folder: nobody reads anything.
        os.chmod(store, 0o755)
        self.start_gateway()
        self.await_connected()
        self.assertEqual(self.gateway.stop(), 0)
        os.chmod(os.path.join(store, "journal.db"), 0o644)
        self.assertIn(f"chmod -R o-rwx {store}", self.refusal())
        os.chmod(store, 0o750)
        self.start_gateway()
        self.assertEqual(self.gateway.stop(), 0)
        os.chmod(store, 0o777)
        self.assertIn(f"chmod o-rwx {store}", self.refusal())

    def test_a_configuration_that_others_may_change_is_refused_and_one_that_they_may_read_is_told(self) -> None:
        self.write_config()
        os.chmod(self.config, 0o666)
        self.assertIn(f"chmod 640 {self.config}", self.refusal())
        self.assertIn(f"chmod 640 {self.config}", self.refusal("check"))
        os.chmod(self.config, 0o644)
        check = self.run_lumbung("check", "--config", self.config)
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertIn("every user of this box may read the configuration", check.stderr)
        os.chmod(self.config, 0o640)
        self.assertEqual(self.run_lumbung("check", "--config", self.config).stderr, "")

    def test_what_goes_over_the_network_unencrypted_is_told(self) -> None:
        self.write_config()
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        open_to_all = text.replace("mqtt://127.0.0.1", "mqtt://192.0.2.1").replace(
            "http://127.0.0.1", "http://192.0.2.2").replace('listen = "127.0.0.1', 'listen = "0.0.0.0')
        self.stage.write("gateway.toml", open_to_all)
        check = self.run_lumbung("check", "--json", "--config", self.config)
        self.assertEqual(check.returncode, 0, check.stderr)
        told = [warning["message"] for warning in json.loads(check.stdout)["warnings"]]
        for start in ("[admin] listen", "[broker] url", '[[uplink]] "central"'):
            self.assertEqual(len([text for text in told if text.startswith(start)]), 1, told)


if __name__ == "__main__":
    unittest.main()
