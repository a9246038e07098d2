#!/usr/bin/env python3
"""Computes every summary again, by brute force, from the messages, and compares field by field with what arrived.

    lumbung messages --config gateway.toml --format ndjson > messages.ndjson
    oracle.py --messages messages.ndjson --description sources.json --received received.ndjson

It shares nothing with the gateway but the contract: it reads all messages, sorts all readings, and looks at each
window by itself. Where the contract is silent it takes these rules:

- A device is known from the window of its earliest reading. It has a record for every window from there on, through
  the first in which it has been silent for 24 h (`retired`); none follow until it is heard again.
- A state appears in every window in which it is known, with count 0 where nothing was said; gauges, counters and
  events only where there are readings.
- `changes` counts the change from the carried-in state to the first reading too.
- A counter that falls has wrapped at 2^32 where both readings are whole numbers below 2^32 and the step so computed
  is below 2^30; else it was reset, and counts from 0.
- A window that ends after `--through` may be missing (it may not be sealed yet); where it is there, it must be right.

The description is a JSON object:

    {"window_s": 60, "grace_s": 10, "lateness_s": 86400, "trust": "always",
     "sources": [{"topic": "school/{site}/cctv/{cam}/telemetry", "format": "json", "class": "camera",
                  "device": "{site}/{cam}", "site": "{site}", "interval_s": 30, "time": {"path": "/ts", "unit": "ms"},
                  "metrics": [{"name": "camera.fps", "path": "/fps", "unit": "1/s", "kind": "gauge"}]}]}

Formats `json` and `scalar` (one number) only. Exit: 0 equal, 1 different, 2 unusable input.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import records
from records import NS, Held, Key, Unreadable, format_time, parse_time

DAY = 86_400 * NS
EARLIEST = parse_time("2020-01-01T00:00:00Z")
AHEAD = 300 * NS
WRAP = 2.0**32
TOLERANCE = 1e-9
PERCENTILE_TOLERANCE = 0.01


class Message(NamedTuple):
    topic: str
    payload: bytes
    received: int
    retained: bool
    trusted: bool


class Reading(NamedTuple):
    metric: str
    kind: str
    unit: str
    value: Any


class Refused(Exception):
    """A payload of which nothing can be used."""


# Sources: topic and payload to readings.


class Source:
    def __init__(self, description: Dict[str, Any]):
        try:
            self.levels = description["topic"].split("/")
            self.format = description.get("format", "json")
            self.device = description["device"]
            self.device_class = description["class"]
            self.site = description.get("site")
            self.interval = description.get("interval_s")
            self.time = description.get("time")
            self.metrics = description.get("metrics") or []
            self.timezone = description.get("timezone")
        except (KeyError, AttributeError) as error:
            raise Unreadable(f"a source's description lacks {error}") from None
        if self.format not in ("json", "scalar"):
            raise Unreadable(f"format {self.format!r}: the oracle knows json and scalar only")

    def match(self, topic: str) -> Optional[Dict[str, str]]:
        """What the captures hold where the topic matches."""
        parts = topic.split("/")
        if topic.startswith("$") and self.levels[0][:1] in ("+", "#", "{"):
            return None
        captures: Dict[str, str] = {}
        for index, level in enumerate(self.levels):
            if level == "#":
                return captures
            if level.startswith("{") and level.endswith("...}"):
                if index >= len(parts):
                    return None
                captures[level[1:-4]] = "/".join(parts[index:])
                return captures
            if index >= len(parts):
                return None
            if level.startswith("{"):
                captures[level[1:-1]] = parts[index]
            elif level != "+" and level != parts[index]:
                return None
        return captures if len(parts) == len(self.levels) else None

    def decode(self, payload: bytes) -> Tuple[List[Reading], Optional[int]]:
        """The readings, and the time that the payload bears, if it bears one that can be read."""
        if self.format == "scalar":
            return self._scalar(payload), None
        try:
            document = json.loads(
                payload.decode("utf-8"), parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant
            )
        except (ValueError, RecursionError) as error:
            raise Refused(str(error)) from None
        time = None
        if self.time is not None:
            time = self._instant(pointer(document, self.time["path"]), self.time.get("unit", "s"))
        if self.metrics:
            readings = [reading for reading in (self._mapped(document, m) for m in self.metrics) if reading]
        else:
            taken = self.time["path"] if self.time else None
            readings = [reading for path, leaf in leaves(document) if path != taken for reading in _guess(path, leaf)]
        if not readings:
            raise Refused("no reading in it")
        return readings, time

    def _scalar(self, payload: bytes) -> List[Reading]:
        if not self.metrics:
            raise Unreadable("a scalar source needs its metric described")
        metric = self.metrics[0]
        try:
            number = float(Decimal(payload.decode("utf-8").strip()))
        except (InvalidOperation, UnicodeDecodeError):
            raise Refused("no number") from None
        if not math.isfinite(number):
            raise Refused("no finite number")
        return [Reading(metric["name"], metric.get("kind", "gauge"), metric.get("unit", "1"), number)]

    def _mapped(self, document: Any, metric: Dict[str, str]) -> Optional[Reading]:
        leaf = pointer(document, metric["path"])
        kind = metric.get("kind", "gauge")
        if kind == "state":
            value: Any = _state(leaf)
        elif kind == "event" and isinstance(leaf, bool):
            value = 1.0 if leaf else None
        else:
            value = _number(leaf)
        return None if value is None else Reading(metric["name"], kind, metric.get("unit", "1"), value)

    def _instant(self, leaf: Any, unit: str) -> Optional[int]:
        if unit == "iso":
            try:
                return parse_time(leaf, self._naive_offset(leaf)) if isinstance(leaf, str) else None
            except Unreadable:
                return None
        if not isinstance(leaf, Decimal):
            return None
        scale = {"s": NS, "ms": 1_000_000, "us": 1000, "ns": 1}[unit]
        nanoseconds = leaf * scale
        if abs(nanoseconds) > 2**63:
            return None
        if leaf == leaf.to_integral_value():
            return int(nanoseconds)
        # A fraction of a second is good to a microsecond: a double holds no more of an epoch time.
        return round(nanoseconds / 1000) * 1000

    def _naive_offset(self, text: str) -> Optional[int]:
        if self.timezone is None:
            return None
        from zoneinfo import ZoneInfo
        from datetime import datetime

        try:
            local = datetime.fromisoformat(text[:19].replace(" ", "T"))
        except ValueError:
            return None
        offset = local.replace(tzinfo=ZoneInfo(self.timezone)).utcoffset()
        return None if offset is None else round(offset.total_seconds())


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _number(leaf: Any) -> Optional[float]:
    if isinstance(leaf, str):
        try:
            leaf = Decimal(leaf.strip())
        except InvalidOperation:
            return None
    if not isinstance(leaf, Decimal) or not leaf.is_finite():
        return None
    number = float(leaf)
    return number if math.isfinite(number) else None


def _state(leaf: Any) -> Optional[str]:
    if isinstance(leaf, bool):
        return "true" if leaf else "false"
    if isinstance(leaf, Decimal):
        return str(int(leaf)) if leaf == leaf.to_integral_value() else repr(float(leaf))
    return leaf if isinstance(leaf, str) else None


def _guess(path: str, leaf: Any) -> List[Reading]:
    """What a leaf is where no metric table says: a number is a gauge, a truth or a text a state."""
    name = ".".join(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])
    if isinstance(leaf, Decimal):
        number = _number(leaf)
        return [] if number is None else [Reading(name, "gauge", "1", number)]
    state = _state(leaf)
    return [] if state is None else [Reading(name, "state", "1", state)]


def pointer(document: Any, path: str) -> Any:
    """RFC 6901; None where there is nothing."""
    if path == "":
        return document
    for part in path.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def leaves(document: Any, path: str = "") -> Iterable[Tuple[str, Any]]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from leaves(value, path + "/" + name.replace("~", "~0").replace("/", "~1"))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from leaves(value, f"{path}/{index}")
    else:
        yield path, document


# Everything that was read, by device.


class Point(NamedTuple):
    time: int
    arrival: int
    value: Any
    counts: bool  # False for a retained state: it is known, and no reading


class DeviceHistory:
    def __init__(self, device_class: str, site: Optional[str], interval: Optional[float]):
        self.device_class = device_class
        self.site = site
        self.interval = interval
        self.messages: Dict[int, int] = defaultdict(int)  # window → distinct messages with a reading there
        self.trusted: Dict[int, bool] = {}  # window → whether all of its messages came under a trusted clock
        self.latest: Dict[int, int] = {}  # window → the greatest time in it
        self.units: Dict[Tuple[str, str], str] = {}
        self.series: Dict[Tuple[str, str], Dict[int, List[Point]]] = defaultdict(lambda: defaultdict(list))


class Oracle:
    """Feed it all messages in the order of their arrival, then ask for the records."""

    def __init__(self, description: Dict[str, Any]):
        if isinstance(description, list):
            description = {"sources": description}
        self.window = round(description.get("window_s", 300) * NS)
        self.grace = round(description.get("grace_s", 10) * NS)
        self.lateness = round(description.get("lateness_s", 86_400) * NS)
        self.trust_always = description.get("trust", "kernel") == "always"
        self.sources = [Source(source) for source in description["sources"]]
        self.devices: Dict[str, DeviceHistory] = {}
        self.last_received = 0
        self.arrivals = 0
        self.refused = 0
        self.too_late = 0
        self.unrouted = 0

    def feed(self, message: Message) -> None:
        self.arrivals += 1
        self.last_received = max(self.last_received, message.received)
        for source in self.sources:
            captures = source.match(message.topic)
            if captures is not None:
                break
        else:
            self.unrouted += 1
            return
        try:
            readings, time = source.decode(message.payload)
        except Refused:
            self.refused += 1
            return
        trusted = message.trusted or self.trust_always
        dated = time is not None and time >= EARLIEST and not (trusted and time > message.received + AHEAD)
        if not dated:
            time = message.received
        # Nothing is given up on the word of a clock that isn't trusted.
        if trusted and message.received - time > self.lateness and not message.retained:
            self.too_late += len(readings)
            return
        name = fill(source.device, captures)
        site = fill(source.site, captures) if source.site else None
        history = self.devices.get(name)
        if history is None:
            history = self.devices[name] = DeviceHistory(source.device_class, site, source.interval)
        window = time // self.window
        if message.retained:
            self._retained(history, readings, time, dated)
            return
        history.messages[window] += 1
        history.trusted[window] = history.trusted.get(window, True) and trusted
        history.latest[window] = max(history.latest.get(window, time), time)
        for reading in readings:
            series = (reading.metric, reading.kind)
            history.units.setdefault(series, reading.unit)
            history.series[series][window].append(Point(time, self.arrivals, reading.value, True))

    def _retained(self, history: DeviceHistory, readings: List[Reading], time: int, dated: bool) -> None:
        """A retained message sets a state only where nothing newer is known, and is no reading. Without a time of its
        own it may be of any age: whatever is known is newer."""
        for reading in readings:
            series = (reading.metric, reading.kind)
            if reading.kind != "state":
                continue
            known = [point.time for points in history.series.get(series, {}).values() for point in points]
            if known and (not dated or max(known) >= time):
                continue
            history.series[series][time // self.window].append(Point(time, self.arrivals, reading.value, False))

    def expected(self, through: int) -> Dict[Tuple[str, int], Dict[str, Any]]:
        """The record of every device and window that ends at or before `through`, by (device, start)."""
        found: Dict[Tuple[str, int], Dict[str, Any]] = {}
        for name, history in self.devices.items():
            if not history.messages:
                continue  # only ever heard by retained messages: not known
            for window, record in self._records(history, through // self.window):
                record["device"] = name
                found[(name, window * self.window)] = record
        return found

    def _records(self, history: DeviceHistory, stop: int) -> Iterable[Tuple[int, Dict[str, Any]]]:
        heard = sorted(history.messages)
        carried: Dict[Tuple[str, str], Any] = {}
        visited = sorted(set(heard) | {w for by_window in history.series.values() for w in by_window})
        first = heard[0]
        for window in (w for w in visited if w < first):
            self._metrics(history, window, carried)  # a retained state from before is carried in
        window = first
        latest = 0
        while window < stop:
            latest = max(latest, history.latest.get(window, 0))
            end = (window + 1) * self.window
            retired = end - latest >= DAY
            yield window, self._record(history, window, retired, carried)
            window += 1
            if retired:
                following = [w for w in heard if w >= window]
                if not following:
                    return
                for between in (w for w in visited if window <= w < following[0]):
                    self._metrics(history, between, carried)
                window = following[0]

    def _record(
        self, history: DeviceHistory, window: int, retired: bool, carried: Dict[Tuple[str, str], Any]
    ) -> Dict[str, Any]:
        start = window * self.window
        record: Dict[str, Any] = {
            "type": "summary",
            "class": history.device_class,
            "start": format_time(start),
            "end": format_time(start + self.window),
            "received": history.messages.get(window, 0),
        }
        if history.site is not None:
            record["site"] = history.site
        if history.interval:
            record["expected"] = self.window // round(history.interval * NS)
        if retired:
            record["retired"] = True
        if self.trust_always or (window in history.trusted and history.trusted[window]):
            record["time_quality"] = "trusted"
        elif window in history.trusted:
            record["time_quality"] = "corrected or untrusted"
        record["metrics"] = self._metrics(history, window, carried)
        return record

    def _metrics(
        self, history: DeviceHistory, window: int, carried: Dict[Tuple[str, str], Any]
    ) -> Dict[str, Dict[str, Any]]:
        metrics: Dict[str, Dict[str, Any]] = {}
        start = window * self.window
        for series, by_window in history.series.items():
            metric, kind = series
            points = sorted(by_window.get(window, ()))
            if kind == "state":
                entry = state(points, carried.get(series), start, start + self.window)
            elif not points:
                continue
            elif kind == "counter":
                entry = counter([point.value for point in points], carried.get(series))
            elif kind == "event":
                entry = {"count": math.fsum(point.value for point in points)}
            else:
                entry = gauge([point.value for point in points], history.units[series])
            if points and kind in ("state", "counter"):
                carried[series] = points[-1].value
            if entry is not None:
                entry["kind"] = kind
                if kind in ("gauge", "counter"):
                    entry["unit"] = history.units[series]
                metrics[metric] = entry
        return metrics


def fill(template: str, captures: Dict[str, str]) -> str:
    for name, value in captures.items():
        template = template.replace("{" + name + "}", value)
    return template


def gauge(values: List[float], unit: str) -> Dict[str, Any]:
    """`values` in the order of their times."""
    count = len(values)
    total = math.fsum(values)
    centre = total / count
    mean = centre
    if unit == "dBm":
        mean = 10 * math.log10(math.fsum(10 ** (value / 10) for value in values) / count)
    ordered = sorted(values)
    entry: Dict[str, Any] = {
        "count": count,
        "min": ordered[0],
        "max": ordered[-1],
        "sum": total,
        "mean": mean,
        "stddev": math.sqrt(math.fsum((value - centre) ** 2 for value in values) / count),
        "first": values[0],
        "last": values[-1],
    }
    for percent in (50, 95, 99):
        entry[f"p{percent}"] = ordered[-(-percent * count // 100) - 1]
    return entry


def counter(values: List[float], carried: Optional[float]) -> Dict[str, Any]:
    steps: List[float] = []
    resets = 0
    previous = carried
    for value in values:
        if previous is not None:
            if value >= previous:
                steps.append(value - previous)
            else:
                wrapped = value + WRAP - previous
                if value.is_integer() and previous.is_integer() and 0 <= value < previous < WRAP and wrapped < 2.0**30:
                    steps.append(wrapped)
                else:
                    steps.append(value)
                    resets += 1
        previous = value
    return {
        "count": len(values),
        "first": values[0],
        "last": values[-1],
        "increase": math.fsum(steps),
        "resets": resets,
    }


def state(points: List[Point], carried: Optional[str], start: int, end: int) -> Optional[Dict[str, Any]]:
    if carried is None and not points:
        return None
    held: Dict[str, int] = defaultdict(int)
    changes = 0
    current = carried
    since = start
    for point in points:
        if current is not None:
            held[current] += point.time - since
            changes += point.value != current
        current, since = point.value, point.time
    held[current] += end - since
    return {
        "count": sum(point.counts for point in points),
        "last": current,
        "changes": changes,
        "seconds": {name: length / NS for name, length in held.items()},
    }


# Comparing.


class Difference(NamedTuple):
    key: str
    field: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.key}  {self.field}: expected {_show(self.expected)}, got {_show(self.got)}"


ABSENT = "nothing"


def _show(value: Any) -> str:
    return value if value is ABSENT else json.dumps(value, ensure_ascii=False)


def close(expected: Any, got: Any, tolerance: float = TOLERANCE) -> bool:
    if isinstance(got, bool) or not isinstance(got, (int, float)) or not math.isfinite(got):
        return False
    return abs(got - expected) <= max(tolerance * abs(expected), TOLERANCE)


def compare(
    oracle: Oracle, held: Dict[Key, Held], through: int, until: Optional[int] = None
) -> List[Difference]:
    """Every difference. Records that end after `through` may be missing; those that end after `until` are ignored."""
    differences: List[Difference] = []
    got: Dict[Tuple[str, int], Tuple[Key, Dict[str, Any]]] = {}
    for key, entry in held.items():
        if entry.void or (until is not None and key.end > until):
            continue
        if (key.device, key.start) in got:
            other = got[(key.device, key.start)][0]
            differences.append(
                Difference(str(key), "key", ABSENT, f"a second record, of epoch {key.epoch} beside {other.epoch}")
            )
            continue
        got[(key.device, key.start)] = (key, entry.record)
    horizon = max([through] + [key.end for key, _ in got.values()])
    expected = oracle.expected(horizon)
    for (device, start), record in expected.items():
        name = f"{device} [{record['start']}, {record['end']})"
        found = got.pop((device, start), None)
        if found is None:
            if start + oracle.window <= through:
                differences.append(Difference(name, "record", f"received {record['received']}", ABSENT))
            continue
        differences += [Difference(name, *parts) for parts in _compare_record(record, found[1])]
    for key, record in got.values():
        differences.append(Difference(str(key), "record", ABSENT, f"received {record.get('received')}"))
    return differences


def _compare_record(expected: Dict[str, Any], got: Dict[str, Any]) -> Iterable[Tuple[str, Any, Any]]:
    for field in ("device", "class", "site", "received", "expected", "retired"):
        if expected.get(field, ABSENT) != got.get(field, ABSENT):
            yield field, expected.get(field, ABSENT), got.get(field, ABSENT)
    for field in ("start", "end"):
        if parse_time(expected[field]) != parse_time(got[field]):
            yield field, expected[field], got[field]
    quality = expected.get("time_quality")
    if quality is not None and got.get("time_quality", ABSENT) not in quality.split(" or "):
        yield "time_quality", quality, got.get("time_quality", ABSENT)
    metrics = got.get("metrics", {})
    for name in sorted(set(expected["metrics"]) | set(metrics)):
        if name not in metrics:
            yield name, expected["metrics"][name], ABSENT
        elif name not in expected["metrics"]:
            yield name, ABSENT, metrics[name]
        else:
            for field, wanted, found in _compare_metric(expected["metrics"][name], metrics[name]):
                yield f"{name}.{field}", wanted, found


def _compare_metric(expected: Dict[str, Any], got: Dict[str, Any]) -> Iterable[Tuple[str, Any, Any]]:
    for field, wanted in expected.items():
        found = got.get(field, ABSENT)
        if field == "seconds":
            found = found if isinstance(found, dict) else {}
            for name in sorted(set(wanted) | set(found)):
                # A state that held for no time may stand there with 0, or not at all.
                if not close(wanted.get(name, 0.0), found.get(name, 0.0)):
                    yield f"seconds.{name}", wanted.get(name, ABSENT), found.get(name, ABSENT)
        elif field.startswith("p") and field[1:].isdigit():
            if not close(wanted, found, PERCENTILE_TOLERANCE * (1 + 1e-9)):
                yield field, wanted, found
        elif isinstance(wanted, (int, float)):
            if not close(wanted, found):
                yield field, wanted, found
        elif wanted != found:
            yield field, wanted, found


# Reading messages.


def journal_messages(path: str) -> Iterable[Message]:
    """What `lumbung messages --format ndjson` printed."""
    for number, line in records.read_lines(path):
        try:
            yield Message(
                line["topic"],
                records.payload_of(line),
                parse_time(line["received"]),
                bool(line.get("retained", False)),
                bool(line.get("synchronised", False)),
            )
        except (KeyError, TypeError, ValueError, AttributeError, Unreadable) as error:
            raise Unreadable(f"{path}:{number}: {error!r}") from None


def published_messages(path: str) -> Tuple[List[Message], int]:
    """The acknowledged QoS 1 messages of the publisher's record, taken as received when published; and how many of
    the others there are, which may or may not have arrived."""
    messages = []
    uncertain = 0
    for entry in records.read_published(path):
        if entry.acknowledged:
            # Retain-As-Published is off: what is published while we are subscribed arrives without the flag.
            messages.append(Message(entry.topic, entry.payload, entry.published_at, False, True))
        else:
            uncertain += 1
    return messages, uncertain


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--messages", metavar="FILE", help="output of lumbung messages --format ndjson")
    source.add_argument("--record", metavar="FILE", help="the publisher's record file")
    parser.add_argument("--description", metavar="FILE", required=True, help="sources and windows, JSON")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--received", metavar="FILE", help="receiver.py's file")
    target.add_argument("--dump-url", metavar="URL", help="receiver.py's /dump")
    target.add_argument("--central-url", metavar="URL", help="a lumbung-central")
    parser.add_argument("--token-file", metavar="FILE", help="bearer token for the URL")
    parser.add_argument("--gateway", help="only this gateway's records")
    parser.add_argument("--through", metavar="TIME", help="every window that ends by then must be there "
                        "(default: the last message's receipt less the grace)")
    parser.add_argument("--until", metavar="TIME", help="ignore records of windows that end later")
    parser.add_argument("--limit", type=int, default=50, help="differences printed (default %(default)s)")
    options = parser.parse_args(arguments)
    try:
        oracle = Oracle(records.read_json(options.description))
        if options.messages:
            messages = journal_messages(options.messages)
        else:
            messages, uncertain = published_messages(options.record)
            if uncertain:
                print(f"{uncertain} messages were never acknowledged to the publisher; left out", file=sys.stderr)
        for message in messages:
            oracle.feed(message)
        token = records.read_token(options.token_file)
        if options.received:
            envelopes = records.received_file(options.received)
        elif options.dump_url:
            envelopes = records.received_dump(options.dump_url, token)
        else:
            envelopes = records.central_summaries(options.central_url, token, options.gateway)
        held, faults = records.highest(envelopes)
        if options.gateway:
            held = {key: entry for key, entry in held.items() if key.gateway == options.gateway}
        through = parse_time(options.through) if options.through else oracle.last_received - oracle.grace
        until = parse_time(options.until) if options.until else None
        differences = compare(oracle, held, through, until)
    except Unreadable as error:
        print(f"oracle: {error}", file=sys.stderr)
        return 2
    for fault in faults:
        print(fault)
    for difference in differences[: options.limit]:
        print(difference)
    if len(differences) > options.limit:
        print(f"… and {len(differences) - options.limit} more")
    print(
        f"{oracle.arrivals} messages ({oracle.refused} refused, {oracle.too_late} too late, {oracle.unrouted} of no "
        f"source), {len(oracle.devices)} devices, {len(held)} records, {len(differences) + len(faults)} differences"
    )
    return 1 if differences or faults else 0


if __name__ == "__main__":
    sys.exit(main())
