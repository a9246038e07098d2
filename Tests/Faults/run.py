#!/usr/bin/env python3
"""Proves what is promised about faults: power cuts, kills and full disks. See docs/faults.md.

One line for each proof: fault, tries, whether the promise held, figures. Each has its negative control, in which the
promise is broken on purpose and the same proof must notice. Needs root, for the file systems that lose their power.

    Tools/faults                    the short form: under six minutes
    Tools/faults --quick            the same, whatever LONG says
    Tools/faults --long             the long form: hours
    Tools/faults power-cut          only what is named
    Tools/faults --list             what there is

Exit: 0 all promises held and all controls were noticed; 1 otherwise.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from typing import List, NoReturn

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "EndToEnd"), os.path.join(HERE, "..", "..", "Tools")]

import crew  # noqa: E402
import stage  # noqa: E402
from disk import run as run_command  # noqa: E402
from outcome import Leg  # noqa: E402
from plan import PROOFS  # noqa: E402

CLONE_NEWNS = 0x00020000


def prove(name: str, leg: Leg) -> int:
    """One leg, in this process; what came of it goes to standard output."""

    def end(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)

    # What is mounted must be unmounted, also where we are told to go.
    signal.signal(signal.SIGTERM, end)
    # Mounts of our own: however we end, they end with us.
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) == 0:
        run_command("mount", "--make-rprivate", "/")
    try:
        outcome = PROOFS[name].run(leg)
    except Exception as error:
        traceback.print_exc()
        print(str(error).splitlines()[0] if str(error) else repr(error), flush=True)
        return 1
    print(outcome.encoded(), flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"of {', '.join(PROOFS)}; all, if none is named")
    parser.add_argument("--long", action="store_true", default=os.environ.get("LONG", "") not in ("", "0"))
    parser.add_argument("--quick", action="store_false", dest="long", default=argparse.SUPPRESS,
                        help="the short form, whatever LONG says")
    parser.add_argument("--jobs", type=int, default=crew.JOBS, help="processes at a time (default %(default)s)")
    parser.add_argument("--tries", type=int, help="this many instead of the form's own")
    parser.add_argument("--no-controls", action="store_true", help="without the runs that must fail")
    parser.add_argument("--keep", action="store_true", help="keep the folders of what failed")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--leg", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.list:
        print("\n".join(PROOFS))
        return 0
    unknown = [name for name in options.proofs if name not in PROOFS]
    if unknown:
        parser.error(f"there is no proof {unknown[0]}; there are {', '.join(PROOFS)}")
    if options.leg:
        return prove(options.proofs[0], Leg(*json.loads(options.leg)))
    if os.geteuid() != 0:
        print("the proofs mount file systems, which needs root: run this with sudo", file=sys.stderr)
        return 77
    try:
        print(f"# {stage.program('lumbung', 'LUMBUNG_BIN')}, {'long' if options.long else 'short'} form", flush=True)
    except stage.StageError as error:
        print(error, file=sys.stderr)
        return 69
    tasks: List[crew.Task] = []
    for name in options.proofs or PROOFS:
        proof = PROOFS[name]
        legs = proof.legs(options.long, options.tries)
        tasks.append(crew.Task(name, legs, proof.seconds))
        if not options.no_controls:
            for control in (proof.control, *proof.more_controls):
                tasks.append(crew.Task(name, [control], proof.control_seconds))
    began = time.monotonic()
    failed = crew.Crew([sys.executable, os.path.abspath(__file__)], options.jobs, options.keep).run(tasks)
    word = "all held" if not failed else "NOT ALL HELD"
    print(f"# {word}, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
