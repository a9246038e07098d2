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
import hashlib
import hmac
import http.server
import json
import math
import os
import random
import re
import signal
import socket
import struct
import sys
import threading
import zlib
from datetime import datetime, timedelta, timezone

MAX_BODY = 1 << 20
MAX_JSON = 16 << 20
SEALED = 16 << 10
MAX_DROPPED = 1_000_000
LANES = ("alarm", "summary", "status", "backfill")
CLASSES = ("camera", "videotron", "fiber-node", "other")
# Which of the known types may travel in a lane; types that aren't known are ignored wherever they are.
TYPES = {
    "alarm": {"alarm", "dropped"},
    "summary": {"summary", "dropped"},
    "status": {"status", "refused", "dropped"},
    "backfill": {"summary", "dropped"},
}
KNOWN_TYPES = {"summary", "alarm", "status", "dropped", "refused"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.A)


class Refusal(Exception):
    """An answer other than 2xx."""

    def __init__(self, status, reason, index=None):
        super().__init__(reason)
        self.status, self.reason, self.index = status, reason, index

    def body(self):
        body = {"error": self.status, "reason": self.reason}
        if self.index is not None:
            body["index"] = self.index
        return body


# --- What the interface says of batches and records ---------------------------------------------------------------


def require(condition, reason):
    if not condition:
        raise Refusal(400, reason)


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value):
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def integer(record, name, minimum=0):
    value = record.get(name)
    require(is_integer(value) and value >= minimum, f'"{name}" is no whole number from {minimum} on: {value!r}')
    return value


def number(record, name):
    value = record.get(name)
    require(is_number(value), f'"{name}" is no number: {value!r}')
    return value


def text(record, name, choices=None):
    value = record.get(name)
    require(isinstance(value, str) and value != "", f'"{name}" is no text: {value!r}')
    require(choices is None or value in choices, f'"{name}" is none of {choices}: {value!r}')
    return value


def optional_text(record, name):
    if name in record:
        text(record, name)


def instant(record, name):
    """Nanoseconds since the Unix epoch."""
    value = record.get(name)
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    require(match, f'"{name}" is no RFC 3339 time: {value!r}')
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    try:
        whole = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=timezone.utc)
    except ValueError:
        raise Refusal(400, f'"{name}" is no time that exists: {value!r}') from None
    offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
    whole += offset if sign == "-" else -offset
    seconds = (whole - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0"))


def check_gauge(metric):
    count = integer(metric, "count", 1)
    names = ("min", "max", "sum", "mean", "stddev", "first", "last", "p50", "p95", "p99")
    low, high, total, mean, deviation, first, last, *percentiles = [number(metric, name) for name in names]
    slack = 1e-9 * max(abs(low), abs(high), 1e-300)
    require(low <= high, '"min" is above "max"')
    require(low <= first <= high and low <= last <= high, '"first" or "last" is outside "min" to "max"')
    require(low - slack <= mean <= high + slack, '"mean" is outside "min" to "max"')
    require(deviation >= 0, '"stddev" is negative')
    if metric.get("unit") != "dBm":
        require(abs(total - mean * count) <= 1e-8 * max(abs(low), abs(high)) * count + 1e-300,
                '"sum" is not "mean" times "count"')
    for value in percentiles:
        require(low - 0.01 * abs(low) - slack <= value <= high + 0.01 * abs(high) + slack,
                'a percentile is outside "min" to "max"')
    require(percentiles == sorted(percentiles), "percentiles fall")


def check_counter(metric):
    if integer(metric, "count") > 0:
        number(metric, "first")
        number(metric, "last")
    require(number(metric, "increase") >= 0, '"increase" is negative')
    integer(metric, "resets")


def check_state(metric, length):
    if integer(metric, "count") > 0:
        text(metric, "last")
    integer(metric, "changes")
    seconds = metric.get("seconds")
    require(isinstance(seconds, dict), '"seconds" is no object')
    for state in seconds:
        require(number(seconds, state) >= 0, '"seconds" holds a negative')
    require(sum(seconds.values()) <= length / 1e9 + 1e-6, '"seconds" add up to more than the window')


def check_metric(name, metric, length):
    require(name != "" and isinstance(metric, dict), f'metric "{name}" is no object')
    require(re.fullmatch(r"[^{}]+(\{[^{}]*=[^{}]*\})?", name), f'"{name}" is no metric, nor metric{{label=value}}')
    try:
        optional_text(metric, "unit")
        kind = text(metric, "kind", ("gauge", "counter", "state", "event"))
        if kind == "gauge":
            check_gauge(metric)
        elif kind == "counter":
            check_counter(metric)
        elif kind == "state":
            check_state(metric, length)
        else:
            integer(metric, "count")
    except Refusal as refusal:
        raise Refusal(400, f'metric "{name}": {refusal.reason}') from None


def check_summary(record):
    require(("device" in record) != ("group" in record), 'exactly one of "device" and "group" is needed')
    if "device" in record:
        text(record, "device")
        text(record, "class", CLASSES)
    else:
        text(record, "group")
    optional_text(record, "site")
    start, end = instant(record, "start"), instant(record, "end")
    require(start < end, '"end" is not after "start"')
    require(start % (end - start) == 0, "the window is not aligned to the Unix epoch")
    integer(record, "revision")
    for flag in ("void", "retired"):
        require(record.get(flag, True) is True, f'"{flag}" is there and not true')
    if record.get("void") and "metrics" not in record:
        return
    integer(record, "received")
    if "expected" in record:
        integer(record, "expected")
    text(record, "time_quality", ("trusted", "corrected", "untrusted"))
    require(isinstance(record.get("metrics"), dict), '"metrics" is no object')
    for name, metric in record["metrics"].items():
        check_metric(name, metric, end - start)


def check_alarm(record):
    match = UUID.fullmatch(text(record, "id"))
    require(match and match.group(1) == "5", '"id" is no UUID of version 5')
    transition = text(record, "transition", ("raised", "cleared"))
    text(record, "device")
    text(record, "class", CLASSES)
    optional_text(record, "site")
    text(record, "rule")
    text(record, "severity", ("critical", "warning", "info"))
    for name in ("value", "threshold"):
        if record.get(name) is not None:
            number(record, name)
    if record.get("metric") is not None:
        text(record, "metric")
        if transition == "raised":
            number(record, "value")
            number(record, "threshold")
    instant(record, "time")
    text(record, "message")


def check_record(record, lane):
    """Returns the last number that the record covers."""
    require(isinstance(record, dict), "it is no object")
    seq = integer(record, "seq", 1)
    kind = text(record, "type")
    require(kind not in KNOWN_TYPES or kind in TYPES[lane], f'type "{kind}" has no place in lane "{lane}"')
    if kind == "summary":
        check_summary(record)
    elif kind == "alarm":
        check_alarm(record)
    elif kind == "dropped":
        text(record, "reason")
        through = integer(record, "through", seq)
        require(through - seq < MAX_DROPPED, f"more than {MAX_DROPPED} records dropped at once")
        return through
    elif kind == "refused":
        text(record, "lane", LANES)
        text(record, "reason")
        require(any(is_integer(value) and value >= 1 for name, value in record.items() if name != "seq"),
                "it doesn't name the number of the record that was refused")
    elif kind == "status" and "backlog_records" in record:
        integer(record, "backlog_records")
    return seq


def check_batch(batch, key):
    require(isinstance(batch, dict), "the body is no object")
    gateway = text(batch, "gateway")
    require(re.fullmatch(r"[a-z0-9-]+", gateway), '"gateway" holds other characters than a-z, 0-9 and -')
    epoch = text(batch, "epoch")
    require(UUID.fullmatch(epoch), '"epoch" is no UUID')
    generation = integer(batch, "generation")
    lane = text(batch, "lane", LANES)
    optional_text(batch, "stream")
    first, last = integer(batch, "first", 1), integer(batch, "last", 1)
    expected = f"{epoch}/{generation}/{lane}/{first}-{last}"
    require(key == expected, f"Idempotency-Key is {key!r} and should be {expected!r}")
    records = batch.get("records")
    require(isinstance(records, list) and records, '"records" is no array with something in it')
    following = first
    for index, record in enumerate(records):
        try:
            through = check_record(record, lane)
            require(record["seq"] == following, f'"seq" is {record["seq"]} where {following} should come')
        except Refusal as refusal:
            raise Refusal(400, refusal.reason, index) from None
        following = through + 1
    require(following == last + 1, f'the records end at {following - 1} and "last" is {last}')


def unique_object(pairs):
    keys = [key for key, _ in pairs]
    require(len(set(keys)) == len(keys), f"a key comes twice in an object: {sorted(keys)}")
    return dict(pairs)


def refuse_constant(name):
    raise Refusal(400, f"{name} is no JSON")


def parse(body):
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=unique_object, parse_constant=refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refusal(400, f"the body is no JSON in UTF-8: {error}") from None


def gunzip(body):
    inflater = zlib.decompressobj(31)
    try:
        plain = inflater.decompress(body, MAX_JSON + 1)
    except zlib.error as error:
        raise Refusal(400, f"the body is no gzip: {error}") from None
    if len(plain) > MAX_JSON:
        raise Refusal(413, f"more than {MAX_JSON} bytes when decompressed")
    require(inflater.eof and not inflater.unused_data, "the gzip stream is cut, or something follows it")
    return plain


# --- What has come ------------------------------------------------------------------------------------------------


def canonical(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Numbers:
    """The numbers of one numbering: those without a hole from 1 on as a count, the others as a set."""

    def __init__(self):
        self.whole, self.beyond = 0, set()

    def __contains__(self, seq):
        return seq <= self.whole or seq in self.beyond

    def add(self, first, through):
        if first <= self.whole + 1:
            self.whole = max(self.whole, through)
        else:
            self.beyond.update(range(first, through + 1))
        while self.whole + 1 in self.beyond:
            self.whole += 1
            self.beyond.discard(self.whole)
        if first <= self.whole:
            self.beyond = {seq for seq in self.beyond if seq > self.whole}

    def holes(self):
        holes, following = [], self.whole + 1
        for seq in sorted(self.beyond):
            if seq > following:
                holes.append([following, seq - 1])
            following = seq + 1
        return holes


class Ledger:
    """Applies each record by key and version, and remembers it in a file of one JSON object a line."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.summaries, self.alarms, self.others = {}, {}, {}
        self.numbers, self.contents, self.keys = {}, {}, {}
        self.counts = dict.fromkeys(
            ("batches", "repeated_batches", "records", "duplicates", "stale", "unknown_types", "refused_batches",
             "oversized"), 0)
        self.refusals = []
        self.file = open(path, "a+b")
        self.reload()

    def reload(self):
        self.file.seek(0)
        whole = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                # Torn by a crash: its batch was never answered, so it comes again.
                break
            whole += len(line)
            entry = json.loads(line)
            self.note(entry)
            self.counts["records"] += 1
        self.file.truncate(whole)
        self.file.seek(0, os.SEEK_END)

    def apply(self, batch, key):
        with self.lock:
            envelope = {name: batch[name] for name in ("gateway", "epoch", "generation", "lane")}
            if batch.get("stream"):
                envelope["stream"] = batch["stream"]
            identity = (batch["gateway"], batch.get("stream", ""), key)
            content = canonical(batch)
            require(self.keys.get(identity, content) == content, "the same Idempotency-Key came with another content")
            entries, duplicates = [], 0
            for index, record in enumerate(batch["records"]):
                entry = dict(envelope, record=record)
                place = self.numbering(entry) + (record["seq"],)
                if place in self.contents and self.contents[place] != canonical(record):
                    raise Refusal(400, f'"seq" {record["seq"]} came before with another content', index)
                if place in self.contents:
                    duplicates += 1
                elif self.is_covered(entry):
                    raise Refusal(400, f'"seq" {record["seq"]} is one that another record covers already', index)
                else:
                    entries.append(entry)
            for entry in entries:
                self.file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            self.counts["batches"] += 1
            self.counts["repeated_batches"] += identity in self.keys
            self.counts["records"] += len(entries)
            self.counts["duplicates"] += duplicates
            self.keys[identity] = content
            for entry in entries:
                self.note(entry)
            return {"accepted": len(entries), "duplicates": duplicates}

    @staticmethod
    def numbering(entry):
        return tuple(entry.get(name, "") for name in ("gateway", "epoch", "generation", "stream", "lane"))

    def is_covered(self, entry):
        """Whether some of the record's numbers have come in another record."""
        record, numbers = entry["record"], self.numbers.get(self.numbering(entry))
        through = record["through"] if record["type"] == "dropped" else record["seq"]
        covered = range(record["seq"], through + 1)
        return numbers is not None and any(seq in numbers for seq in covered)

    def note(self, entry):
        """Takes a record in that has not come under this number before."""
        record = entry["record"]
        numbering = self.numbering(entry)
        kind = record["type"]
        through = record["through"] if kind == "dropped" else record["seq"]
        self.numbers.setdefault(numbering, Numbers()).add(record["seq"], through)
        self.contents[numbering + (record["seq"],)] = canonical(record)
        if kind == "summary":
            subject = ("device", record["device"]) if "device" in record else ("group", record["group"])
            key = (entry["gateway"], entry["epoch"], *subject, instant(record, "start"), instant(record, "end"))
            held = self.summaries.get(key)
            if held is None or self.version(held) < self.version(entry):
                self.summaries[key] = entry
            else:
                self.counts["stale"] += 1
        elif kind == "alarm":
            self.alarms.setdefault((record["id"], record["transition"]), entry)
        else:
            self.counts["unknown_types"] += kind not in KNOWN_TYPES
            self.others[numbering + (record["seq"],)] = entry

    @staticmethod
    def version(entry):
        return entry["generation"], entry["record"]["revision"]

    def refuse(self, refusal):
        with self.lock:
            self.counts["refused_batches"] += 1
            self.refusals = (self.refusals + [refusal.body()])[-20:]

    def dump(self):
        with self.lock:
            return {name: [held[key] for key in sorted(held)] for name, held in (
                ("summaries", self.summaries), ("alarms", self.alarms), ("others", self.others))}

    def stats(self):
        with self.lock:
            holes = {"/".join(map(str, numbering)): numbers.holes() for numbering, numbers in self.numbers.items()}
            return dict(
                self.counts, summaries=len(self.summaries), alarms=len(self.alarms), others=len(self.others),
                holes={name: found for name, found in sorted(holes.items()) if found}, refusals=list(self.refusals))


# --- HTTP ---------------------------------------------------------------------------------------------------------


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
