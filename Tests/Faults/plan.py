"""Which proofs there are, and how much of each the short and the long form do."""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

import crashes
import full_disk
import large
import restarts
import tool
from outcome import Leg, Outcome
from scene import MEMORY_LIMIT

# In the long form one leg of each proof carries so much, and no leg's account outgrows the memory.
PAYLOAD = 10 * MEMORY_LIMIT
LONG_LEG = 250
PER_POINT = 10


class Proof(NamedTuple):
    run: Callable[[Leg], Outcome]
    # Tries in all, and how many legs at a time make them up in the short form.
    short: int
    short_legs: int
    long: int
    control: Leg
    has_points: bool = False
    # About how long a leg of the short form and the control take here: the longest begin first.
    seconds: int = 60
    control_seconds: int = 20
    more_controls: Tuple[Leg, ...] = ()
    # Tries of a leg in the long form.
    long_leg: int = LONG_LEG

    def legs(self, long: bool, tries: Optional[int] = None) -> List[Leg]:
        tries = tries or (self.long if long else self.short)
        count = -(-tries // self.long_leg) if long else min(self.short_legs, tries)
        per_point = (PER_POINT if long else -(-PER_POINT // count)) if self.has_points else 0
        payload = PAYLOAD if long else 0
        return [
            Leg(tries // count + (number < tries % count), number=number, per_point=per_point,
                payload=payload if number == 0 else 0)
            for number in range(count)
        ]


PROOFS: Dict[str, Proof] = {
    "power-cut": Proof(crashes.power_cut, 100, 2, 5000, Leg(6, "synchronous=NORMAL"), has_points=True, seconds=100),
    "kill-gateway": Proof(
        crashes.kill_gateway, 100, 2, 5000, Leg(10, "acknowledged early"), has_points=True, seconds=90),
    "kill-receiver": Proof(
        restarts.receiver, 20, 1, 500, Leg(4, "forgets what it answered"), seconds=50),
    "kill-broker": Proof(restarts.broker, 20, 1, 500, Leg(8, "redelivered counted"), seconds=40),
    # A try is a thousand states, or a script with a fault at each of its operations.
    "crash-states": Proof(
        tool.crash_states, 50, 2, 2000, Leg(3, "synchronous=NORMAL"), seconds=200, control_seconds=60,
        more_controls=(Leg(1, tool.MIGRATION_CONTROL),)),
    "io-errors": Proof(tool.io_errors, 1, 1, 20, Leg(1, "acknowledged in spite of a failed commit"), seconds=60),
    # Only a store that still grows meets the disk's end.
    "full-disk": Proof(full_disk.full_disk, 20, 5, 100, Leg(4, "acknowledged early"), seconds=45, long_leg=4),
    "large-journal": Proof(large.large_journal, 3, 1, 10, Leg(1, "the whole file looked through"), seconds=60),
    "bit-flips": Proof(tool.bit_flips, 4, 1, 40, Leg(2, "checksums not looked at"), seconds=60),
}
