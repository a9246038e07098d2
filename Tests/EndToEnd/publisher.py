#!/usr/bin/env python3
"""A publisher that knows what the broker has acknowledged: MQTT 3.1.1 at QoS 1, many messages in flight, every message
and every acknowledgement in a record file.

As a program it puts load on the broker until SIGTERM (or --for), then waits for the last acknowledgements:

    publisher.py --broker 127.0.0.1:1883 --record FILE --rate 2000 --devices 50
"""

from __future__ import annotations

import argparse
import base64
import collections
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from typing import Any, Deque, Dict, List, Optional

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Tools"))

from records import format_time  # noqa: E402

# How a report's padding, which comes last in it, begins.
PADDING = b', "pad": "'
CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 12, 13, 14


class BrokerError(Exception):
    pass


def packet(kind: int, flags: int, body: bytes) -> bytes:
    length = len(body)
    header = bytearray([kind << 4 | flags])
    while True:
        length, low = divmod(length, 128)
        header.append(low | (0x80 if length else 0))
        if not length:
            return bytes(header) + body


def text(value: str) -> bytes:
    encoded = value.encode("utf-8")
    return struct.pack("!H", len(encoded)) + encoded


class PacketReader:
    """Cuts a byte stream into packets."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, data: bytes) -> List[tuple]:
        """(kind, flags, body) of each packet that is complete."""
        self.buffer += data
        packets = []
        start = 0
        while True:
            length, shift, at = 0, 0, start + 1
            while True:
                if at >= len(self.buffer) or shift > 21:
                    del self.buffer[:start]
                    return packets
                byte = self.buffer[at]
                length |= (byte & 0x7F) << shift
                shift += 7
                at += 1
                if not byte & 0x80:
                    break
            if at + length > len(self.buffer):
                del self.buffer[:start]
                return packets
            packets.append((self.buffer[start] >> 4, self.buffer[start] & 15, bytes(self.buffer[at:at + length])))
            start = at + length


class Record:
    """The publisher's record file. A message's line is written before the message leaves."""

    def __init__(self, path: str):
        self.file = open(path, "a", encoding="utf-8", buffering=1 << 16)
        self.file.write(json.dumps({"record": "publications", "version": 1}) + "\n")
        self.number = 0

    def message(self, topic: str, payload: bytes, qos: int, retain: bool, **more: Any) -> int:
        self.number += 1
        line: Dict[str, Any] = {"n": self.number, "topic": topic}
        if PADDING in payload:
            # No figure comes of it, and it is nearly all there is.
            payload = payload.partition(PADDING)[0] + b"}"
        try:
            line["payload"] = payload.decode("utf-8")
        except UnicodeDecodeError:
            line["payload_b64"] = base64.b64encode(payload).decode()
        line.update(qos=qos, retain=retain, published_at=format_time(time.time_ns()), kind=more.pop("kind", "regular"))
        line.update(more)
        self.file.write(json.dumps(line) + "\n")
        return self.number

    def acknowledged(self, number: int) -> None:
        self.file.write('{"ack":%d}\n' % number)

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.file.close()


class Publisher:
    """One connection. Not thread-safe."""

    def __init__(self, port: int, client: str = "publisher", record: Optional[Record] = None, in_flight: int = 500):
        self.record = record
        self.in_flight = in_flight
        self.waiting: Dict[int, int] = {}  # packet id → message number
        self.published = 0
        self.acknowledged = 0
        self._outgoing: Deque[memoryview] = collections.deque()
        self._reader = PacketReader()
        self._last_sent = time.monotonic()
        self._id = 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Clean session, keep-alive 60 s.
        self.socket.sendall(packet(CONNECT, 0, text("MQTT") + bytes([4, 2]) + struct.pack("!H", 60) + text(client)))
        answer: List[tuple] = []
        while not answer:
            data = self.socket.recv(4096)
            if not data:
                raise BrokerError("the broker hung up on CONNECT")
            answer = self._reader.feed(data)
        kind, _, body = answer[0]
        if kind != CONNACK or body[1] != 0:
            raise BrokerError(f"CONNECT refused: {body!r}")
        self.socket.setblocking(False)

    def publish(self, topic: str, payload: bytes, retain: bool = False, **more: Any) -> None:
        """Queues a message at QoS 1; waits while as many are in flight as may be."""
        while len(self.waiting) >= self.in_flight:
            self.pump(1)
        number = self.record.message(topic, payload, 1, retain, **more) if self.record else self.published + 1
        self.published += 1
        self._id = self._id % 65_535 + 1
        while self._id in self.waiting:
            self._id = self._id % 65_535 + 1
        self.waiting[self._id] = number
        body = text(topic) + struct.pack("!H", self._id) + payload
        self._outgoing.append(memoryview(packet(PUBLISH, 2 | retain, body)))

    def pump(self, seconds: float) -> None:
        """Sends and receives what can be, waiting `seconds` at most for the first of either."""
        if time.monotonic() - self._last_sent > 20:
            self._outgoing.append(memoryview(packet(PINGREQ, 0, b"")))
        readable, writable, _ = select.select(
            [self.socket], [self.socket] if self._outgoing else [], [], seconds
        )
        while writable and self._outgoing:
            try:
                sent = self.socket.send(self._outgoing[0])
            except BlockingIOError:
                break
            self._last_sent = time.monotonic()
            if sent < len(self._outgoing[0]):
                self._outgoing[0] = self._outgoing[0][sent:]
                break
            self._outgoing.popleft()
        if readable:
            data = self.socket.recv(1 << 16)
            if not data:
                raise BrokerError("the broker hung up")
            for kind, _, body in self._reader.feed(data):
                if kind == PUBACK:
                    number = self.waiting.pop(struct.unpack("!H", body[:2])[0])
                    self.acknowledged += 1
                    if self.record:
                        self.record.acknowledged(number)

    def drain(self, seconds: float = 30) -> None:
        """Until everything is acknowledged."""
        deadline = time.monotonic() + seconds
        while self.waiting or self._outgoing:
            if time.monotonic() > deadline:
                raise BrokerError(f"{len(self.waiting)} messages not acknowledged within {seconds:g} s")
            self.pump(0.2)
        if self.record:
            self.record.flush()

    def close(self) -> None:
        self.drain()
        self.socket.setblocking(True)
        self.socket.sendall(packet(DISCONNECT, 0, b""))
        self.socket.close()


class Camera:
    """Reports as a camera would, with everything in it that a summary distinguishes."""

    def __init__(self, number: int, dice: random.Random):
        self.name = f"sman{number % 5}/cam-{number:03d}"
        self.topic = f"school/sman{number % 5}/cctv/cam-{number:03d}/telemetry"
        self.dice = dice
        self.io = dice.randrange(2**32 - 200_000, 2**32) if number % 3 == 0 else dice.randrange(10**6)
        self.frames = dice.randrange(1000)
        self.state = "online"

    def report(self, time_ns: int, padding: int = 0) -> bytes:
        """With so many bytes of what no compression makes smaller, where the store is to fill."""
        dice = self.dice
        self.io = (self.io + dice.randrange(10_000)) % 2**32
        self.frames = 0 if dice.random() < 0.02 else self.frames + dice.randrange(100)
        if dice.random() < 0.1:
            self.state = dice.choice(["online", "degraded", "offline"])
        report: Dict[str, Any] = {
            "ts": time_ns // 1_000_000,
            "fps": round(dice.uniform(5, 30), 2),
            "rx": round(dice.uniform(-30, -8), 2),
            "io": self.io,
            "frames": self.frames,
            "st": self.state,
        }
        if dice.random() < 0.2:
            report["mot"] = dice.randrange(1, 4)
        if padding:
            report["pad"] = base64.b64encode(dice.getrandbits(padding * 6).to_bytes(-(-padding * 6 // 8), "big")).decode()
        return json.dumps(report).encode()


def load(options: argparse.Namespace) -> int:
    dice = random.Random(options.seed)
    cameras = [Camera(number, random.Random(dice.random())) for number in range(options.devices)]
    record = Record(options.record)
    host, _, port = options.broker.rpartition(":")
    if host not in ("127.0.0.1", "localhost"):
        print("loopback only", file=sys.stderr)
        return 64
    stopped: List[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.append(1))
    publisher = Publisher(int(port), f"load-{os.getpid()}", record)
    start = time.monotonic()
    flushed = start
    due = 0
    while not stopped and (options.span is None or time.monotonic() < start + options.span):
        now = time.monotonic()
        target = int((now - start) * options.rate)
        if target - due > options.rate:
            due = target - options.rate  # the broker held us up: no burst of everything that was missed
        while due < target and not stopped:
            due += 1
            camera = dice.choice(cameras)
            # Some readings come late, as after a device's own outage; the time must still lie in the load's span.
            back = dice.uniform(0, options.late) if dice.random() < 0.03 and now - start > options.late else 0
            moment = time.time_ns() - round(back * 1e9)
            publisher.publish(camera.topic, camera.report(moment, options.padding), devices=[camera.name],
                              time=format_time(moment // 1_000_000 * 1_000_000), kind="late" if back else "regular")
        publisher.pump(0.005)
        if now - flushed > 0.2:
            flushed = now
            record.flush()
    publisher.close()
    record.close()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--broker", required=True, metavar="HOST:PORT")
    parser.add_argument("--record", required=True, metavar="FILE")
    parser.add_argument("--rate", type=float, default=2000, help="messages per second")
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--late", type=float, default=8, help="how late a late reading may be, in seconds")
    parser.add_argument("--for", dest="span", type=float, metavar="SECONDS")
    parser.add_argument("--padding", type=int, default=0, help="bytes that can't be compressed in each message")
    parser.add_argument("--seed", type=int, default=1)
    return load(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
