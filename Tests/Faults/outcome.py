"""What came of a proof, as the one line that it prints."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional


class Outcome(NamedTuple):
    fault: str
    # What was broken on purpose; a promise that holds all the same means that the proof sees nothing.
    control: Optional[str]
    tries: int
    faults: List[str]
    figures: Dict[str, Any]

    @property
    def passed(self) -> bool:
        return bool(self.faults) if self.control else not self.faults

    def line(self) -> str:
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        if self.control:
            word = f"noticed ({len(self.faults)} differences)" if self.faults else "NOT NOTICED: the proof is worth nothing"
            return f"{self.fault} [control: {self.control}], {self.tries} tries, {word}, {figures}"
        word = "promise held" if not self.faults else f"PROMISE BROKEN ({len(self.faults)} differences)"
        return f"{self.fault}, {self.tries} tries, {word}, {figures}"
