"""What the interface says of batches and records, checked to the letter, for the independent receiver."""

import json
import math
import re
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
    numbering = [epoch, str(generation)] + ([batch["stream"]] if "stream" in batch else [])
    expected = "/".join(numbering + [lane, f"{first}-{last}"])
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
