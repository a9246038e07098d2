"""Proofs below SQLite, by the program lumbung-faults: every state that a crash can leave, and every failing operation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import List

import stage
from outcome import Figure, Leg, Outcome

# One try of ours is so many states of the program's.
STATES_PER_TRY = 1000
# And so many places.
PLACES_PER_TRY = 500
# In the short form every so many-th operation fails; in the long one every.
SHORT_STRIDE = 2
# Legs draw from seeds so far apart that none meets another's.
SEEDS_PER_LEG = 1_000_000
# The stores of earlier schemas, with which two of three runs of crash states begin.
SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Fixtures", "schema")
# The other control: what migrates a store does so in more than one transaction.
MIGRATION_CONTROL = "half a migration"


def crash_states(leg: Leg) -> Outcome:
    arguments = ["--states", str(leg.tries * STATES_PER_TRY), "--schemas", SCHEMAS]
    if leg.control == MIGRATION_CONTROL:
        return _run(leg._replace(control=None), "crash-states", [*arguments, "--control-migration"])._replace(
            control=leg.control)
    return _run(leg, "crash-states", arguments)


def bit_flips(leg: Leg) -> Outcome:
    return _run(leg, "bit-flips", ["--places", str(leg.tries * PLACES_PER_TRY)])


def io_errors(leg: Leg) -> Outcome:
    """Each try is a script of its own; a leg of a single one is the short form."""
    outcome = _run(leg, "io-errors", ["--stride", str(SHORT_STRIDE if leg.tries == 1 else 1)])
    for number in range(1, leg.tries):
        outcome = outcome.and_of(_run(leg, "io-errors", ["--stride", "1"], number))
    return outcome


def _run(leg: Leg, proof: str, arguments: List[str], further: int = 0) -> Outcome:
    seed = 1 + leg.number * SEEDS_PER_LEG + further
    command = [stage.program("lumbung-faults", "LUMBUNG_FAULTS_BIN"), proof, "--json", "--jobs", "1"]
    command += ["--seed", str(seed), *arguments] + ["--control"] * bool(leg.control)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    print(done.stderr, end="", file=sys.stderr)
    if not done.stdout:
        raise stage.StageError(f"{' '.join(command)} ended with {done.returncode} and said nothing")
    told = json.loads(done.stdout)
    figures = {name: Figure(value) for name, value in told["figures"].items()}
    faults = list(told["found"])
    # Only the first are told in words.
    faults += ["and another try"] * max(0, told["broken"] - len(faults))
    return Outcome(proof, leg.control, told["tries"], faults, figures)
