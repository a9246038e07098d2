#!/usr/bin/env python3
"""An independent receiver for Lumbung gateways, made from the written interface alone.

It shares no code with lumbung-central and trusts nothing: a batch that is not as the interface says is answered 400
with the reason, and what was applied is on disk before the answer. Tests run gateways against it to learn what
really arrived; with --faults it behaves as badly as networks and servers do.

  receiver.py --listen 127.0.0.1:8480 --token-file FILE --out FILE.ndjson [--faults SEED:RATE]

POST /v1/batches as the interface has it (gzip; zstd is answered 415). GET /dump: the present content by key.
GET /stats: counts, holes in the numbering, the latest refusals.
"""

import argparse
import hmac
import http.server
import json
import random
import re
import signal
import socket
import struct
import sys
import threading

from receiver_checks import MAX_BODY, SEALED, Refusal, check_batch, gunzip, parse, require
from receiver_ledger import Ledger


class Faults:
    """Decides which request is treated badly, and how; the same seed gives the same sequence."""

    KINDS = ("500", "503", "429", "413", "swallow", "cut")

    def __init__(self, spec=None):
        seed, _, rate = (spec or "0:0").partition(":")
        self.random, self.rate = random.Random(int(seed)), float(rate)
        if not 0 <= self.rate <= 1:
            raise ValueError("the rate of faults is from 0 to 1")
        self.lock, self.counts = threading.Lock(), dict.fromkeys(self.KINDS, 0)

    def next(self):
        with self.lock:
            return self.random.choice(self.KINDS) if self.random.random() < self.rate else None

    def count(self, kind):
        with self.lock:
            self.counts[kind] += 1


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/dump":
            self.answer(200, self.server.ledger.dump())
        elif self.path == "/stats":
            self.answer(200, dict(self.server.ledger.stats(), faults=dict(self.server.faults.counts)))
        else:
            self.answer(404, {"reason": "only /dump and /stats are here"})

    def do_POST(self):
        fault = self.server.faults.next()
        try:
            self.authorize()
            if fault == "cut":
                return self.cut(fault, read=True)
            body = self.body()
            if fault in ("500", "503", "429"):
                self.server.faults.count(fault)
                return self.answer(int(fault), {"reason": "injected"}, {} if fault == "500" else {"Retry-After": "1"})
            batch = parse(gunzip(body))
            key = self.headers.get("Idempotency-Key")
            check_batch(batch, key)
            # A batch of one can't be halved: nothing says what a gateway should do with it then.
            if fault == "413" and len(batch["records"]) > 1:
                self.server.faults.count(fault)
                return self.answer(413, {"reason": "injected"})
            self.server.ledger.counts["oversized"] += len(body) > SEALED
            receipt = self.server.ledger.apply(batch, key)
            if fault == "swallow":
                return self.cut(fault)
            self.answer(200, receipt)
        except Refusal as refusal:
            self.server.ledger.refuse(refusal)
            self.answer(refusal.status, refusal.body())

    def authorize(self):
        if self.path != "/v1/batches":
            # The body is not read, so the connection can't go on.
            self.close_connection = True
            raise Refusal(404, f"batches go to /v1/batches, not to {self.path!r}")
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), b"Bearer " + self.server.token):
            self.close_connection = True
            raise Refusal(401, "Authorization is not the bearer token")

    def body(self):
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,12}", length, re.A):
            self.close_connection = True
            raise Refusal(411, "Content-Length is missing")
        if int(length) > MAX_BODY:
            self.close_connection = True
            raise Refusal(413, f"the body has more than {MAX_BODY} bytes")
        body = self.rfile.read(int(length))
        require(len(body) == int(length), "the body is shorter than Content-Length")
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        require(kind == "application/json", f"Content-Type is {kind!r} and should be application/json")
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("gzip", ""):
            raise Refusal(415, f"Content-Encoding {encoding!r} is not taken here; send gzip")
        require(encoding == "gzip", "Content-Encoding is missing; it is gzip or zstd")
        return body

    def cut(self, kind, read=False):
        """Breaks the connection with a reset, after some of the body or after all was applied."""
        self.server.faults.count(kind)
        if read:
            self.rfile.read1(64)
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def answer(self, status, body, headers=None):
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address, token, path, faults=None):
        self.token, self.ledger, self.faults = token, Ledger(path), Faults(faults)
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        try:
            super().finish_request(request, client_address)
        except (OSError, ValueError):
            # The peer went away, or we sent it away.
            pass

    def shutdown_request(self, request):
        try:
            super().shutdown_request(request)
        except OSError:
            pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--listen", default="127.0.0.1:8480", metavar="HOST:PORT")
    parser.add_argument("--token-file", required=True, metavar="FILE")
    parser.add_argument("--out", required=True, metavar="FILE.ndjson")
    parser.add_argument("--faults", metavar="SEED:RATE", help="treat this share of the requests badly, from 0 to 1")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    with open(options.token_file, "rb") as file:
        token = file.read().strip()
    if not token:
        parser.error(f"{options.token_file} holds no token")
    server = Server((host, int(port)), token, options.out, options.faults)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on {host}:{server.server_address[1]}", file=sys.stderr, flush=True)
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
