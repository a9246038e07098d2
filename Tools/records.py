"""What the checking programs share: times, the publisher's record file, and the summaries that a receiver holds.

Knows the contract's section 4 and 5 only; nothing here comes from the gateway's own code.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|z|[+-]\d\d:?\d\d)?\Z"
)


class Unreadable(Exception):
    """Input that can't be used; says which, and what is wrong with it."""


def parse_time(text: str, naive_offset: Optional[int] = None) -> int:
    """RFC 3339 to nanoseconds since the epoch. `naive_offset` (seconds) stands in where the text bears no offset."""
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        raise Unreadable(f"{text!r} is no RFC 3339 time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        whole = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=timezone.utc) - _EPOCH
    except ValueError as error:
        raise Unreadable(f"{text!r}: {error}") from None
    nanoseconds = (whole.days * 86_400 + whole.seconds) * NS
    if match.group(7):
        nanoseconds += int(match.group(7)[:9].ljust(9, "0"))
    zone = match.group(8)
    if zone is None:
        if naive_offset is None:
            raise Unreadable(f"{text!r} has no offset")
        return nanoseconds - naive_offset * NS
    if zone in "Zz":
        return nanoseconds
    digits = zone[1:].replace(":", "")
    offset = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return nanoseconds - (offset if zone[0] == "+" else -offset) * NS


def format_time(nanoseconds: int) -> str:
    """Nanoseconds since the epoch to RFC 3339 in UTC, with as much fraction as there is."""
    seconds, fraction = divmod(nanoseconds, NS)
    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    if fraction:
        text += "." + f"{fraction:09d}".rstrip("0")
    return text + "Z"


def read_lines(path: str) -> Iterator[Tuple[int, Any]]:
    """Each line of an NDJSON file with its number. A last line without its newline is one still being written."""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    yield number, json.loads(line)
                except ValueError as error:
                    if not line.endswith(b"\n"):
                        return
                    raise Unreadable(f"{path}:{number}: {error}") from None
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None


def read_json(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            return json.load(file)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Unreadable(f"{path}: {error}") from None


class Published(NamedTuple):
    """One line of the publisher's record file."""

    n: int
    topic: str
    payload: bytes
    qos: int
    retain: bool
    published_at: int
    kind: str
    devices: Optional[List[str]]  # who should count it; None where the file doesn't say
    time: Optional[int]  # the event time, where the payload bears a usable one
    acknowledged: bool


def _instant(value: Any) -> int:
    """A time as the record file may write it: RFC 3339, or seconds since the epoch."""
    return round(value * 1_000_000) * 1000 if isinstance(value, (int, float)) else parse_time(value)


def read_published(path: str) -> List[Published]:
    """The publisher's record: message lines, and `{"ack":n}` or `{"unsent":n}` wherever they stand; other lines are
    headers. What was never handed to the broker is left out."""
    lines: List[Tuple[int, Dict[str, Any]]] = []
    acknowledged = set()
    unsent = set()
    for number, line in read_lines(path):
        if not isinstance(line, dict):
            raise Unreadable(f"{path}:{number}: no JSON object")
        if "ack" in line:
            acknowledged.add(line["ack"])
        elif "unsent" in line:
            unsent.add(line["unsent"])
        elif "n" in line:
            lines.append((number, line))
    both = acknowledged & unsent
    if both:
        raise Unreadable(f"{path}: message {min(both)} is both unsent and acknowledged")
    messages = []
    seen = set()
    for number, line in lines:
        if line["n"] in unsent:
            continue
        try:
            if line["n"] in seen:
                raise ValueError(f"message {line['n']} stands twice")
            seen.add(line["n"])
            messages.append(
                Published(
                    n=line["n"],
                    topic=line["topic"],
                    payload=payload_of(line),
                    qos=line.get("qos", 1),
                    retain=bool(line.get("retain", False)),
                    published_at=_instant(line["published_at"]),
                    kind=str(line.get("kind", "")),
                    devices=line.get("devices"),
                    time=_instant(line["time"]) if line.get("time") is not None else None,
                    acknowledged=line["n"] in acknowledged,
                )
            )
        except (KeyError, TypeError, ValueError, Unreadable) as error:
            raise Unreadable(f"{path}:{number}: {error!r}") from None
    unknown = acknowledged - seen
    if unknown:
        raise Unreadable(f"{path}: acknowledges {len(unknown)} messages that it never lists, such as {min(unknown)}")
    return messages


def payload_of(line: Dict[str, Any]) -> bytes:
    """The payload, whether it is written as text or as base64."""
    for name in ("payload_base64", "payload_b64"):
        if line.get(name) is not None:
            return base64.b64decode(line[name], validate=True)
    return line["payload"].encode("utf-8")


# Summaries as a receiver holds them.


class Key(NamedTuple):
    gateway: str
    epoch: str
    device: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.device} [{format_time(self.start)}, {format_time(self.end)})"


class Held(NamedTuple):
    """What stands under one key after all versions: the record of the highest."""

    version: Tuple[int, int]
    record: Dict[str, Any]

    @property
    def void(self) -> bool:
        return self.record.get("void") is True


def envelope(item: Dict[str, Any]) -> Dict[str, Any]:
    """A received record with the batch's identity beside it, whether nested or flat."""
    if isinstance(item.get("record"), dict):
        return item
    return {
        "gateway": item.get("gateway", ""),
        "epoch": item.get("epoch", ""),
        "generation": item.get("generation", 0),
        "lane": item.get("lane", "summary"),
        "record": item,
    }


def highest(envelopes: Iterable[Dict[str, Any]]) -> Tuple[Dict[Key, Held], List[str]]:
    """What a receiver ends up with: the highest (generation, revision) of each key. Also every contradiction found:
    two contents under one version, or a record that can't be read."""
    held: Dict[Key, Held] = {}
    faults: List[str] = []
    for item in envelopes:
        item = envelope(item)
        record = item["record"]
        if record.get("type", "summary") != "summary":
            continue
        try:
            key = Key(
                str(item.get("gateway", "")),
                str(item.get("epoch", "")),
                record["device"] if "device" in record else "group:" + record["group"],
                parse_time(record["start"]),
                parse_time(record["end"]),
            )
            version = (int(item.get("generation") or 0), int(record["revision"]))
        except (KeyError, TypeError, ValueError, Unreadable) as error:
            faults.append(f"a record that can't be read ({error!r}): {json.dumps(record)[:200]}")
            continue
        before = held.get(key)
        if before is None or version > before.version:
            held[key] = Held(version, record)
        elif version == before.version and _content(record) != _content(before.record):
            faults.append(f"{key}: two contents under generation {version[0]}, revision {version[1]}")
    return held, faults


def _content(record: Dict[str, Any]) -> Dict[str, Any]:
    """The record without what the carrying batch or the server may add."""
    aside = ("seq", "gateway", "epoch", "generation", "lane", "applied", "applied_at", "received_at", "stream")
    return {name: value for name, value in record.items() if name not in aside}


def received_file(path: str) -> Iterator[Dict[str, Any]]:
    """The lines of receiver.py's file."""
    for _, line in read_lines(path):
        yield line


def fetch(url: str, token: Optional[str] = None, timeout: float = 30) -> bytes:
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        # No proxy from the environment: what we ask is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=timeout) as response:
            return response.read()
    except (urllib.error.URLError, OSError) as error:
        raise Unreadable(f"GET {url}: {error}") from None


def received_dump(url: str, token: Optional[str] = None) -> Iterator[Dict[str, Any]]:
    """receiver.py's `/dump`: NDJSON, or one array."""
    body = fetch(url, token).strip()
    if body.startswith(b"["):
        yield from json.loads(body)
    else:
        for line in body.splitlines():
            yield json.loads(line)


def central_summaries(url: str, token: Optional[str] = None, gateway: Optional[str] = None) -> Iterator[Dict[str, Any]]:
    """All summaries of a lumbung-central, page by page."""
    cursor: Optional[str] = None
    while True:
        query = {"limit": "1000"}
        if gateway:
            query["gateway"] = gateway
        if cursor is not None:
            query["cursor"] = cursor
        page = json.loads(fetch(url.rstrip("/") + "/v1/summaries?" + urllib.parse.urlencode(query), token))
        yield from page["summaries"]
        following = page.get("next")
        if following is None or following == "":
            return
        if str(following) == cursor:
            raise Unreadable(f"{url}: the cursor {cursor} leads to itself")
        cursor = str(following)


def read_token(path: Optional[str]) -> Optional[str]:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
