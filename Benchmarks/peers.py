"""What else could stand in the gateway's place. Each takes the same messages from the same broker."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, Tuple

import players
import stage
from players import Programs, broker
from stage import Stage, await_value
from usage import usage

HERE = os.path.dirname(os.path.abspath(__file__))
Peer = Callable[[Stage, Any, str], Dict[str, Any]]


def available(programs: Programs, quick: bool) -> Iterator[Tuple[str, Peer]]:
    yield "bridge", bridge
    if importlib.util.find_spec("paho") is not None:
        yield "script", script


def measure(bench: Any, a_broker: Any, process: Any, corpus: str, count: int, seen: Callable[[], int]) -> Dict[str, Any]:
    publisher = bench.publisher(a_broker.port, corpus, 0, count)
    before, broker_before = usage(process.pid), usage(a_broker.pid)
    clock = players.stopwatch()
    publisher.go()
    best = {"number": 0, "seconds": 0.0, "rate": 0.0}

    def is_done() -> bool:
        number, seconds = seen(), clock()
        if number > best["number"]:
            best.update(number=number, seconds=seconds, rate=number / seconds)
        # Who loses messages never has them all.
        return number >= count or number > 0 and seconds - best["seconds"] > 10

    await_value(f"{count} messages are taken", is_done, count / 500 + 60, 0.25, explain=lambda: f"{seen()} are")
    after, broker_after = usage(process.pid), usage(a_broker.pid)
    publisher.end(60)
    taken = int(best["number"])
    return {
        "cpu_us": (after.cpu - before.cpu) / taken * 1e6, "rate": best["rate"], "peak": after.peak,
        "written": (after.written - before.written) / taken,
        "broker_us": (broker_after.cpu - broker_before.cpu) / taken * 1e6, "lost": max(0, count - taken) / count,
    }


def bridge(a_stage: Stage, bench: Any, corpus: str) -> Dict[str, Any]:
    """A second mosquitto that fetches everything from the first; nobody listens there, so it keeps nothing."""
    a_broker = broker(a_stage, "broker")
    other = broker(a_stage, "bridge", f"connection up\naddress 127.0.0.1:{a_broker.port}\ntopic # in 1\n"
                   "cleansession false\nnotifications false\n")
    # Counts what arrives, as messages of $SYS each second, which cost next to nothing.
    log = a_stage.path("counter.log")
    a_stage.start("counter", ["stdbuf", "-oL", "mosquitto_sub", "-p", str(other.port), "-t", "$SYS/broker/publish/messages/received"])

    def seen() -> int:
        with open(log, encoding="ascii", errors="replace") as file:
            lines = [line for line in file.read().split() if line.isdigit()]
        return int(lines[-1]) if lines else 0

    def probe() -> bool:
        subprocess.run(["mosquitto_pub", "-p", str(a_broker.port), "-q", "1", "-t", "probe", "-m", "1"], check=True)
        return seen() > 0

    await_value("the bridge fetches", probe, 20, 0.5)
    time.sleep(3)
    begun = seen()
    return measure(bench, a_broker, other, corpus, 20_000 if bench.options.quick else 100_000,
                   lambda: seen() - begun)


def script(a_stage: Stage, bench: Any, corpus: str) -> Dict[str, Any]:
    a_broker = broker(a_stage, "broker")
    database = a_stage.path("script.db")
    process = a_stage.start("script", [sys.executable, os.path.join(HERE, "script_peer.py"), str(a_broker.port), database])
    log = a_stage.path("script.log")

    def lines() -> list:
        with open(log, encoding="ascii", errors="replace") as file:
            return file.read().split()

    await_value("the script has subscribed", lambda: "subscribed" in lines(), 15)
    seen = lambda: int(([line for line in lines() if line.isdigit()] or ["0"])[-1])  # noqa: E731
    return measure(bench, a_broker, process, corpus, 10_000 if bench.options.quick else 50_000, seen)
