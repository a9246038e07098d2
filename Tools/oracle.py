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
import math
import sys
from collections import defaultdict
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import records
from oracle_compare import compare
from oracle_figures import Point, counter, gauge, state
from oracle_sources import Reading, Refused, Source
from records import NS, Unreadable, format_time, parse_time

DAY = 86_400 * NS
EARLIEST = parse_time("2020-01-01T00:00:00Z")
AHEAD = 300 * NS


class Message(NamedTuple):
    topic: str
    payload: bytes
    received: int
    retained: bool
    trusted: bool


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
