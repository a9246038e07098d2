"""What the oracle expects against what a receiver holds, field by field."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from records import Held, Key, parse_time

if TYPE_CHECKING:
    from oracle import Oracle

TOLERANCE = 1e-9
PERCENTILE_TOLERANCE = 0.01


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
