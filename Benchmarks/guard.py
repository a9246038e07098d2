#!/usr/bin/env python3
"""Counts the instructions of the gateway's hot parts under callgrind, and compares them with instructions.json.

    make guard           fails where a part takes over a tenth more than its record says
    make guard RECORD=1  writes the record anew, to be committed with the change that moved it

Counts don't depend on how busy the machine is, and hardly on which one it is. The kernel's share is not among them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Dict, List, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(HERE)
RECORD = os.path.join(HERE, "instructions.json")
# A change of a few per cent comes with every compiler; a tenth is a change of the code.
MARGIN = 0.10
# What must not cost more where there is more: part, compared with, at most so many times as much.
FLAT: List[Tuple[str, str, float]] = [
    ("commit after many", "commit", 1.05),
    ("derive, 5,000 devices", "derive, 500 devices", 1.15),
    ("derive, 50,000 devices", "derive, 500 devices", 1.25),
]

Counts = Dict[str, Dict[str, object]]


class GuardError(Exception):
    pass


def count(program: str, arguments: List[str]) -> Counts:
    """Instructions for each unit of every part."""
    folder = tempfile.mkdtemp(prefix="lumbung-guard-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    databases = os.path.join(folder, "databases")
    os.makedirs(databases)
    # What chooses by processor or by chance chooses the same everywhere.
    env = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1", SIMDJSON_FORCE_IMPLEMENTATION="westmere", LC_ALL="C")
    # The compiler's debug information is of a newer kind than valgrind 3.19 can read.
    stripped = os.path.join(folder, "lumbung-bench")
    subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out", stripped,
               "parts", "--repository", REPOSITORY, "--folder", databases, *arguments]
    try:
        result = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            raise GuardError(f"{' '.join(command)}: exit {result.returncode}\n{result.stderr[-2000:]}")
        totals = dumps(folder)
        counts: Counts = {}
        for line in result.stdout.splitlines():
            name, unit, number = line.split("\t")
            if name not in totals:
                raise GuardError(f"callgrind wrote nothing down of {name!r}: is lumbung-bench built with valgrind's headers?")
            counts[name] = {"per": unit, "instructions": round(totals[name] / int(number))}
        return counts
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def dumps(folder: str) -> Dict[str, int]:
    totals: Dict[str, int] = {}
    for name in os.listdir(folder):
        if not name.startswith("out"):
            continue
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            text = file.read()
        trigger = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
        if trigger and total:
            totals[trigger.group(1).strip()] = int(total.group(1))
    return totals


def number(counts: Counts, name: str) -> int:
    return int(str(counts[name]["instructions"]))


def compare(record: Counts, counts: Counts) -> List[str]:
    """What is wrong, in words."""
    faults = []
    for name in counts:
        if name not in record:
            faults.append(f"{name}: is not in the record")
            continue
        before, now = number(record, name), number(counts, name)
        if now > before * (1 + MARGIN):
            faults.append(f"{name}: {now:,} instructions a {counts[name]['per']}, {100 * (now / before - 1):.0f} % more than"
                          f" the {before:,} of the record")
    for name, to, most in FLAT:
        if name in counts and to in counts and number(counts, name) > most * number(counts, to):
            faults.append(f"{name}: {number(counts, name):,} instructions, {number(counts, name) / number(counts, to):.2f} "
                          f"times those of {to!r}; it must be at most {most:g} times")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--program", default=os.path.join(REPOSITORY, ".build", "release", "lumbung-bench"))
    parser.add_argument("--record", action="store_true", help="write instructions.json anew")
    parser.add_argument("--many", action="store_true", help="50,000 devices, too; takes some minutes")
    parser.add_argument("--only", help="parts whose names contain this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    arguments = (["--many"] if options.many else []) + (["--only", options.only] if options.only else [])
    try:
        counts = count(options.program, arguments)
        record: Counts = {}
        if os.path.exists(RECORD):
            with open(RECORD, encoding="utf-8") as file:
                record = json.load(file)
    except (GuardError, OSError, subprocess.CalledProcessError) as error:
        print(f"guard: {error}", file=sys.stderr)
        return 69
    if options.json:
        print(json.dumps(counts, indent=1))
    else:
        print(f"  {'instructions':<28}{'now':>12}{'record':>12}")
        for name in counts:
            before = f"{number(record, name):,}" if name in record else "–"
            print(f"  {name:<28}{number(counts, name):>12,}{before:>12}  a {counts[name]['per']}")
    if options.record:
        with open(RECORD, "w", encoding="utf-8") as file:
            json.dump({**record, **counts}, file, indent=1, sort_keys=True)
            file.write("\n")
        return 0
    faults = compare(record, counts)
    for fault in faults:
        print(f"  MORE  {fault}")
    if faults:
        print("Make it cheaper again. Where the change is worth its cost: `make guard RECORD=1`, and commit "
              "Benchmarks/instructions.json with it.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
