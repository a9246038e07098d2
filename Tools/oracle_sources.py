"""From a topic and a payload to readings, for the oracle: formats `json` and `scalar`, as a source is described."""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from records import NS, Unreadable, parse_time


class Reading(NamedTuple):
    metric: str
    kind: str
    unit: str
    value: Any


class Refused(Exception):
    """A payload of which nothing can be used."""


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
