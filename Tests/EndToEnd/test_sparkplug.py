"""Sparkplug B on a real broker: a node whose birth isn't known is asked for it."""

from __future__ import annotations

import subprocess
import time
import unittest
from typing import List

import harness
import stage


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def data_of_alias(alias: int, sequence: int) -> bytes:
    """An NDATA whose one metric, a double, is known by its alias alone."""
    metric = b"\x10" + varint(alias) + b"\x69" + b"\x00" * 6 + b"\x45\x40"
    return b"\x08" + varint(int(time.time() * 1000)) + b"\x12" + varint(len(metric)) + metric + b"\x18" + varint(sequence)


class Rebirth(harness.Case):
    sources = [{"name": "nodes", "topic": "spBv1.0/#", "format": "sparkplug"}]

    def listen(self) -> "subprocess.Popen[bytes]":
        listener = subprocess.Popen(
            ["mosquitto_sub", "-p", str(self.broker_port), "-t", "spBv1.0/+/NCMD/+", "-F", "%t %x", "-C", "1", "-W", "20"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self.addCleanup(listener.wait)
        return listener

    def hear(self, seconds: float, extra: str = "") -> List[str]:
        """What is published on NCMD after a message with an unknown alias."""
        self.write_config()
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        self.stage.write("gateway.toml", text.replace("[broker]\n", "[broker]\n" + extra))
        self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()
        listener = self.listen()
        publisher = self.publisher()
        # Until the listener is there, nobody would hear the request: it is not retained.
        subscribed = ["mosquitto_sub", "-p", str(self.broker_port), "-t", "$SYS/broker/clients/connected", "-C", "1"]
        stage.await_value(
            "the listener is connected",
            lambda: int(subprocess.run(subscribed, stdout=subprocess.PIPE, timeout=30, check=True).stdout or 0) >= 3, 30)
        publisher.publish("spBv1.0/smkn-1/NDATA/node-7", data_of_alias(5, 1))
        publisher.drain()
        self.await_status("the message is refused", lambda s: s["derive"]["quarantined"] == 1)
        try:
            out, _ = listener.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            listener.kill()
            return []
        return out.decode().splitlines()

    def test_a_node_whose_birth_is_not_known_is_asked_for_it(self) -> None:
        heard = self.hear(20)
        self.assertEqual(len(heard), 1, heard)
        topic, payload = heard[0].split()
        self.assertEqual(topic, "spBv1.0/smkn-1/NCMD/node-7")
        self.assertIn(b"Node Control/Rebirth".hex(), payload)

    def test_nothing_is_published_to_devices_where_that_is_switched_off(self) -> None:
        self.assertEqual(self.hear(3, "sparkplug_rebirth = false\n"), [])


if __name__ == "__main__":
    unittest.main()
