"""Stands between the broker and the gateway and counts what is unacknowledged, by looking at the packets themselves.

Neither side's own counters are asked: a PUBLISH of QoS 1 that passed towards the gateway and whose PUBACK has not come
back is unacknowledged, whatever anybody believes.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import sys
import threading
from typing import Callable, Dict, List, Optional, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from publisher import CONNACK, CONNECT, PUBACK, PUBLISH, PacketReader  # noqa: E402


Watcher = Callable[[str, bytes, bytes], None]


class Connection:
    def __init__(
        self, gateway: socket.socket, broker: socket.socket, number: int, watcher: Optional[Watcher] = None
    ):
        self.gateway = gateway
        self.broker = broker
        self.number = number
        # By packet identifier; what the message was only where somebody watches.
        self.unacknowledged: Dict[int, Optional[Tuple[bytes, bytes]]] = {}
        self.watcher = watcher
        self._version = 5
        self.published = 0
        self.acknowledged = 0
        self.carried = 0  # bytes of payload, but what came again
        self.again = 0  # PUBLISH with DUP
        self.session_present: Optional[bool] = None
        self.closed = False
        # Nothing passes any more, though neither end knows.
        self.severed = False
        self._from_broker = PacketReader()
        self._from_gateway = PacketReader()

    def downward(self, data: bytes) -> None:
        for kind, flags, body in self._from_broker.feed(data):
            if kind == CONNACK:
                self.session_present = bool(body[0] & 1)
            elif kind == PUBLISH:
                self.published += 1
                self.again += flags >> 3
                if flags & 6:
                    length = struct.unpack("!H", body[:2])[0]
                    if not flags & 8:
                        self.carried += len(body) - 4 - length
                    message = self._message(body, length) if self.watcher else None
                    self.unacknowledged[struct.unpack("!H", body[2 + length:4 + length])[0]] = message
                    if self.watcher and message:
                        self.watcher("passed", *message)

    def upward(self, data: bytes) -> None:
        for kind, _, body in self._from_gateway.feed(data):
            if kind == CONNECT:
                self._version = body[6]
            elif kind == PUBACK:
                self.acknowledged += 1
                message = self.unacknowledged.pop(struct.unpack("!H", body[:2])[0], None)
                if self.watcher and message:
                    self.watcher("acknowledged", *message)

    def _message(self, body: bytes, length: int) -> Tuple[bytes, bytes]:
        start = 4 + length
        if self._version == 5:
            size, shift = 0, 0
            while True:
                byte = body[start]
                size |= (byte & 0x7F) << shift
                shift += 7
                start += 1
                if not byte & 0x80:
                    break
            start += size
        return body[2:2 + length], body[start:]


class Tap:
    """Listens on `port` and hands everything on to the broker on `broker_port`, in a thread of its own."""

    def __init__(self, port: int, broker_port: int, watcher: Optional[Watcher] = None):
        """`watcher` is told of each message of QoS 1: "passed" towards the gateway or "acknowledged" by it, its topic
        and its payload."""
        self.broker_port = broker_port
        self.watcher = watcher
        self.connections: List[Connection] = []
        self._changed = threading.Condition()
        self._ends: Dict[socket.socket, Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)
        self._thread.start()

    @property
    def current(self) -> Optional[Connection]:
        return self.connections[-1] if self.connections else None

    @property
    def again(self) -> int:
        return sum(connection.again for connection in self.connections)

    def await_closed(self, connection: Connection, seconds: float) -> bool:
        """Until both ends are closed, and every PUBACK that the gateway wrote has been seen."""
        with self._changed:
            return self._changed.wait_for(lambda: connection.closed, seconds)

    def sever(self, seconds: float = 10) -> None:
        """What the gateway has written so far is counted and passed on; from now on nothing passes on any connection that
        it has. To be called right before a power cut that is only played: there an fsync that was waiting returns
        success, and what it was for is gone all the same. A box without power acknowledges nothing."""
        self._wake.send(b"s")
        with self._changed:
            if not self._changed.wait_for(lambda: all(one.severed or one.closed for one in self.connections), seconds):
                raise TimeoutError("the tap still carries")

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join(10)
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken and self._woken.recv(1) == b"s":
                    for connection in set(self._ends.values()):
                        self._sever(connection)
                    continue
                if key.fileobj is self._woken:
                    for connection in list(self._ends.values()):
                        self._finish(connection)
                    self._listener.close()
                    return
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._carry(key.fileobj)

    def _accept(self) -> None:
        gateway, _ = self._listener.accept()
        try:
            broker = socket.create_connection(("127.0.0.1", self.broker_port), timeout=5)
        except OSError:
            gateway.close()
            return
        broker.settimeout(None)
        connection = Connection(gateway, broker, len(self.connections), self.watcher)
        self.connections.append(connection)
        for end in (gateway, broker):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Sends block; a peer that doesn't read holds the tap up, and no longer than this.
            end.settimeout(30)
            self._ends[end] = connection
            self._selector.register(end, selectors.EVENT_READ)

    def _carry(self, end: socket.socket) -> None:
        connection = self._ends.get(end)
        if connection is None:
            return
        down = end is connection.broker
        try:
            data = end.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._finish(connection)
            return
        if connection.severed:
            return
        if down:
            connection.downward(data)
        else:
            connection.upward(data)
        try:
            (connection.gateway if down else connection.broker).sendall(data)
        except OSError:
            if down:
                self._last_words(connection)
            self._finish(connection)

    def _last_words(self, connection: Connection) -> None:
        """What the gateway wrote before it died still counts, and still goes to the broker."""
        try:
            connection.gateway.settimeout(0)
            while True:
                data = connection.gateway.recv(1 << 16)
                if not data:
                    return
                connection.upward(data)
                connection.broker.sendall(data)
        except OSError:
            return

    def _sever(self, connection: Connection) -> None:
        self._last_words(connection)
        with self._changed:
            connection.severed = True
            self._changed.notify_all()

    def _finish(self, connection: Connection) -> None:
        for end in (connection.gateway, connection.broker):
            if self._ends.pop(end, None) is not None:
                self._selector.unregister(end)
            end.close()
        with self._changed:
            connection.closed = True
            self._changed.notify_all()
