"""What a proof is to do, and what came of it: the one line that it prints."""

from __future__ import annotations

import json
from typing import Dict, List, NamedTuple, Optional


class Leg(NamedTuple):
    """A part of a proof that begins with an empty store and ends with an account of its own."""

    tries: int
    # What is broken on purpose; a promise that holds all the same means that the proof sees nothing.
    control: Optional[str] = None
    # Legs of one proof differ in their chances.
    number: int = 0
    # How often each named point is to be hit.
    per_point: int = 0
    # Bytes of payload that must have gone through before it ends.
    payload: int = 0


class Figure(NamedTuple):
    value: float
    unit: str = ""
    # Of several legs the highest counts, not the sum.
    is_peak: bool = False

    def __str__(self) -> str:
        number = f"{self.value:.1f}" if isinstance(self.value, float) else str(self.value)
        return f"{number} {self.unit}".rstrip()

    def and_of(self, other: "Figure") -> "Figure":
        value = max(self.value, other.value) if self.is_peak else self.value + other.value
        return self._replace(value=value)


class Outcome(NamedTuple):
    fault: str
    control: Optional[str]
    tries: int
    # What breaks the promise, each in words.
    faults: List[str]
    figures: Dict[str, Figure]

    @property
    def passed(self) -> bool:
        return bool(self.faults) if self.control else not self.faults

    def and_of(self, other: "Outcome") -> "Outcome":
        figures = dict(self.figures)
        for name, figure in other.figures.items():
            figures[name] = figures[name].and_of(figure) if name in figures else figure
        return self._replace(tries=self.tries + other.tries, faults=self.faults + other.faults, figures=figures)

    def line(self, seconds: float) -> str:
        figures = ", ".join(f"{name} {figure}" for name, figure in self.figures.items())
        name, word = self.fault, "promise held"
        if self.control:
            name = f"{self.fault} [control: {self.control}]"
            word = f"noticed ({len(self.faults)} differences)"
            if not self.faults:
                word = "NOT NOTICED: the proof is worth nothing"
        elif self.faults:
            word = f"PROMISE BROKEN ({len(self.faults)} differences)"
        return f"{name}, {self.tries} tries, {word}, {figures}, {seconds:.0f} s"

    # From the process that proves to the one that tells.

    def encoded(self) -> str:
        return json.dumps(self._asdict())

    @staticmethod
    def decoded(text: str) -> "Outcome":
        fields = json.loads(text)
        fields["figures"] = {name: Figure(*figure) for name, figure in fields["figures"].items()}
        return Outcome(**fields)
