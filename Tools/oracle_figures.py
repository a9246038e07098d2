"""The figures of one window, by brute force from its readings, for the oracle."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, Dict, List, NamedTuple, Optional

from records import NS

WRAP = 2.0**32


class Point(NamedTuple):
    time: int
    arrival: int
    value: Any
    counts: bool  # False for a retained state: it is known, and no reading


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
