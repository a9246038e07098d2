"""What the tests of the way out share: several destinations, the reference receiver, and a server in front of it that
refuses what it is told to, and adds to what it answers.
"""

from __future__ import annotations

import gzip
import http.server
import json
import os
import random
import shutil
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import harness
import records
import stage
from harness import NS, TOOLS
from publisher import Camera

Refusal = Optional[Tuple[int, str]]


class Front(http.server.ThreadingHTTPServer):
    """Hands batches on to a receiver; keeps what passed and what was refused."""

    daemon_threads = True

    def __init__(self, port: int, target: int) -> None:
        super().__init__(("127.0.0.1", port), _FrontHandler)
        self.target = f"http://127.0.0.1:{target}"
        self.lock = threading.Lock()
        self.passed: List[Dict[str, Any]] = []
        self.refused: List[Dict[str, Any]] = []
        self.refuse: Callable[[Dict[str, Any]], Refusal] = lambda batch: None
        # In place of the body of each success.
        self.says: Optional[bytes] = None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def records(self, lane: str) -> List[Dict[str, Any]]:
        """By number, each once; a number that came with two contents is an error."""
        found: Dict[Tuple[Any, ...], Dict[str, Any]] = {}
        with self.lock:
            batches = list(self.passed)
        for batch in batches:
            if batch["lane"] != lane:
                continue
            for record in batch["records"]:
                place = (batch["epoch"], batch["generation"], batch.get("stream", ""), record["seq"])
                if found.setdefault(place, record) != record:
                    raise AssertionError(f"{place} came with two contents")
        return [found[place] for place in sorted(found)]


class _FrontHandler(http.server.BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        batch = json.loads(gzip.decompress(body))
        refusal = self.server.refuse(batch)
        if refusal:
            with self.server.lock:
                self.server.refused.append(batch)
            return self.answer(refusal[0], json.dumps({"reason": refusal[1]}).encode())
        request = urllib.request.Request(self.server.target + self.path, body, method="POST")
        for name in ("Content-Encoding", "Content-Type", "Idempotency-Key", "Authorization"):
            request.add_header(name, self.headers[name])
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                status, answer = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, answer = error.code, error.read()
        if 200 <= status < 300:
            with self.server.lock:
                self.server.passed.append(batch)
            answer = self.server.says or answer
        self.answer(status, answer)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Outward(harness.Case):
    window_seconds = 1
    sent = 0

    def configure(self, *uplinks: str, central: str = "", extra: str = "") -> None:
        """The usual configuration with keys of the central server's, and further uplinks."""
        path = self.write_config(extra=extra)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        token = f"token_file = {json.dumps(self.token_file)}\n"
        assert text.count(token) == 1
        text = text.replace(token, token + central)
        self.stage.write("gateway.toml", text + "".join(f"\n[[uplink]]\n{uplink}\n" for uplink in uplinks))

    def start_central(self, port: int) -> None:
        """The reference receiver."""
        self.central_port = port
        self.stage.start_listening("lumbung-central", [
            stage.program("lumbung-central", "LUMBUNG_CENTRAL_BIN"), "serve", "--listen", f"127.0.0.1:{port}",
            "--database", f"sqlite:{self.stage.path('central.db')}", "--token-file", self.token_file], port)

    def start_front(self) -> Front:
        """The reference receiver with a server in front of it, where the gateway looks for the central server."""
        self.start_central(stage.free_port())
        front = Front(self.receiver_port, self.central_port)
        self.addCleanup(front.close)
        return front

    def start_another(self, name: str, port: int) -> str:
        """A receiver of another destination; gives the file of what it receives."""
        path = self.stage.path(f"received-{name}.ndjson")
        self.stage.start_listening("receiver-" + name, [
            sys.executable, os.path.join(TOOLS, "receiver.py"), "--listen", f"127.0.0.1:{port}", "--token-file",
            self.token_file, "--out", path], port)
        return path

    def central_report(self) -> Dict[str, Any]:
        """What the reference receiver says of the gateway."""
        body = json.loads(records.fetch(f"http://127.0.0.1:{self.central_port}/v1/gateways"))
        return body["gateways"][0] if body["gateways"] else {}

    def central_summaries(self) -> Iterator[Dict[str, Any]]:
        for item in records.central_summaries(f"http://127.0.0.1:{self.central_port}"):
            yield records.envelope(item)["record"]

    def uplink(self, name: str, report: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        report = report or self.status()
        assert report is not None
        return next(uplink for uplink in report["uplinks"] if uplink["name"] == name)

    def await_delivered(self, name: str, seconds: float = 60) -> Dict[str, Any]:
        """Until one destination has everything."""
        return self.await_status(
            f"{name} has everything",
            lambda s: s["derive"]["lag_segments"] == 0 and self.uplink(name, s)["pending_records"] == 0, seconds)

    def restart_gateway(self) -> None:
        assert self.gateway is not None
        self.gateway.stop()
        self.start_gateway()
        self.await_connected()

    def publish_for(self, seconds: float, cameras: int, rate: float = 200) -> None:
        publisher = self.publisher(f"published-{time.monotonic_ns()}.ndjson")
        dice = random.Random(7)
        devices = [Camera(number, dice) for number in range(cameras)]

        def send() -> None:
            camera = dice.choice(devices)
            publisher.publish(camera.topic, camera.report(time.time_ns()))

        self.pace(publisher, rate, time.time_ns() + round(seconds * NS), send)
        publisher.close()
        self.sent += publisher.published

    def publish_one(self, topic: str, payload: bytes) -> None:
        publisher = self.publisher(f"published-{time.monotonic_ns()}.ndjson")
        publisher.publish(topic, payload)
        publisher.drain()
        publisher.close()
        self.sent += 1

    def await_sealed(self) -> None:
        """Until the windows of all that was published are over and derived."""
        self.await_journal(self.sent)
        self.await_time(self.window_after(time.time_ns()) + (self.grace_seconds + 1) * NS)


HAS_CLIENTS = bool(shutil.which("mosquitto_sub") and shutil.which("mosquitto_pub"))
