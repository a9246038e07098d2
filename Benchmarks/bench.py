#!/usr/bin/env python3
"""The gateway and its peers on this machine: processor time, memory and bytes to flash for each message, latencies.

    make bench              all of it: five runs, an hour
    make bench ARGS=--quick one run, a few minutes: to see whether something changed

Publisher, broker, gateway and receiver are processes of their own on loopback. In each run the floor, a subscriber that
only counts, takes the same messages: ratios to it say more than times, for machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, Optional

import peers
import players
import stage
from players import Gateway, Programs, Talker, broker
from stage import Stage, StageError
from table import judge, table
from usage import compressed_batches, load, usage

Run = Dict[str, Any]
# How fast the devices report in their own time, where they are published as fast as possible: about as fast.
FULL_RATE = 20_000
WINDOW, GRACE = 60, 10


class Bench:
    def __init__(self, options: argparse.Namespace, folder: str):
        self.options = options
        self.folder = folder
        self.programs = Programs()
        self.count = 0

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)

    def scene(self, body: Callable[[Stage], Run]) -> Run:
        """A folder and processes of its own, gone afterwards."""
        self.count += 1
        folder = os.path.join(self.folder, f"scene-{self.count}")
        os.makedirs(folder)
        a_stage = Stage(folder)
        try:
            return body(a_stage)
        finally:
            a_stage.stop_all()
            shutil.rmtree(folder, ignore_errors=True)

    def publisher(self, port: int, corpus: str, rate: float, count: int) -> Talker:
        talker = Talker([self.programs.publisher, str(port), corpus, str(players.PUBLISHER_WINDOW), str(rate), str(count)])
        talker.ready()
        return talker

    # The floor.

    def floor(self, corpus: str, count: int, rate: float, rest: int) -> Run:
        def body(a_stage: Stage) -> Run:
            a_broker = broker(a_stage, "broker")
            floor = Talker([self.programs.floor, str(a_broker.port), str(count), str(rest)])
            floor.ready()
            publisher = self.publisher(a_broker.port, corpus, rate, count)
            before = usage(a_broker.pid)
            publisher.go()
            result = floor.end(count / (rate or 1000) + 60)
            after = usage(a_broker.pid)
            sent = publisher.end(60)
            if result.get("received") != count:
                raise StageError(f"the floor took {result} of {count}")
            return {
                "cpu_us": result["cpu"] / count * 1e6, "rate": count / result["seconds"], "peak": result["resident"],
                "broker_us": (after.cpu - before.cpu) / count * 1e6, "publisher_us": sent["cpu"] / count * 1e6,
            }

        return self.scene(body)

    # The gateway.

    def full(self, count: int, devices: int, waits_for_seal: bool = True) -> Run:
        """As fast as the broker gives, and on to the sealed summaries of all that came."""

        def body(a_stage: Stage) -> Run:
            a_broker = broker(a_stage, "broker")
            gateway = Gateway(a_stage, self.programs, a_broker.port, "gateway")
            corpus = a_stage.path("corpus")
            begin = self.align() if waits_for_seal else time.time() + 5
            self.programs.corpus(corpus, devices, count, FULL_RATE, begin)
            publisher = self.publisher(a_broker.port, corpus, 0, count)
            time.sleep(max(0, begin - time.time()))
            before, broker_before = usage(gateway.pid), usage(a_broker.pid)
            began = time.monotonic()
            publisher.go()
            rates: Dict[str, float] = {}

            def is_done(report: Dict[str, Any]) -> bool:
                seconds = time.monotonic() - began
                received = report["broker"]["received"]
                if received < count:
                    rates["received"] = received / seconds
                if report["derive"]["messages"] < count:
                    rates["derived"] = report["derive"]["messages"] / seconds
                return received >= count and report["derive"]["messages"] >= count

            gateway.await_status("all is derived", is_done, count / 200, 0.25)
            taken = usage(gateway.pid)
            end = begin + max(count / FULL_RATE, time.monotonic() - began)
            if waits_for_seal:
                time.sleep(max(0, (end // WINDOW + 1) * WINDOW + GRACE + 3 - time.time()))
            after, broker_after = usage(gateway.pid), usage(a_broker.pid)
            report = gateway.status() or {}
            sent = publisher.end(60)
            return {
                "cpu_us": (after.cpu - before.cpu) / count * 1e6, "unsealed_us": (taken.cpu - before.cpu) / count * 1e6,
                "rate": rates.get("derived"), "received_rate": rates.get("received"), "peak": after.peak,
                "written": (after.written - before.written) / count,
                "broker_us": (broker_after.cpu - broker_before.cpu) / count * 1e6,
                "publisher_us": sent["cpu"] / count * 1e6, "devices": report["derive"].get("devices"),
                "observations": report["derive"]["observations"] / count,
            }

        return self.scene(body)

    def align(self) -> float:
        """When to begin: as a window does, so that all messages are in one and none comes after it was sealed, however
        slow the machine is; at least some seconds from now, for preparations."""
        begin = (time.time() // WINDOW + 1) * WINDOW + 1
        return begin if begin > time.time() + 8 else begin + WINDOW

    def steady(self, rate: int, minutes: int, devices: int) -> List[Run]:
        """Whole minutes at a rate, with one sealing each."""

        def body(a_stage: Stage) -> Run:
            a_broker = broker(a_stage, "broker")
            gateway = Gateway(a_stage, self.programs, a_broker.port, "gateway")
            corpus = a_stage.path("corpus")
            begin = time.time() + 3
            seconds = minutes * WINDOW + 20
            self.programs.corpus(corpus, devices, rate * seconds, rate, begin)
            publisher = self.publisher(a_broker.port, corpus, rate, rate * seconds)
            time.sleep(max(0, begin - time.time()))
            publisher.go()
            time.sleep(10)
            runs = []
            received = (gateway.status() or {})["broker"]["received"]
            before, broker_before = usage(gateway.pid), usage(a_broker.pid)
            for _ in range(minutes):
                time.sleep(WINDOW)
                # The counts are asked for outside of what is measured.
                after, broker_after = usage(gateway.pid), usage(a_broker.pid)
                now_received = (gateway.status() or {})["broker"]["received"]
                count = now_received - received
                runs.append({
                    "cpu_us": (after.cpu - before.cpu) / count * 1e6, "rate": count / WINDOW, "peak": after.peak,
                    "written": (after.written - before.written) / count,
                    "broker_us": (broker_after.cpu - broker_before.cpu) / count * 1e6,
                })
                received, before, broker_before = now_received, usage(gateway.pid), usage(a_broker.pid)
            publisher.end(1)
            return {"runs": runs}

        return self.scene(body)["runs"]

    def latency(self, rate: float, seconds: int, devices: int) -> Run:
        """From the broker's send to the gateway's acknowledgement, seen in between."""

        def body(a_stage: Stage) -> Run:
            a_broker = broker(a_stage, "broker")
            port = stage.free_port()
            proxy = Talker([self.programs.proxy, str(port), str(a_broker.port)])
            times = a_stage.path("synctime")
            gateway = Gateway(a_stage, self.programs, port, "gateway",
                              {"LD_PRELOAD": self.programs.synctime, "SYNCTIME": times})
            corpus = a_stage.path("corpus")
            count = int(rate * seconds)
            self.programs.corpus(corpus, devices, count, rate, time.time() + count / 200_000 + 1)
            publisher = self.publisher(a_broker.port, corpus, rate, count)
            publisher.go()
            gateway.await_status("all is received", lambda s: s["broker"]["received"] >= count, seconds * 4 + 60, 0.5)
            publisher.end(60)
            gateway.stop()
            with open(times, encoding="ascii") as file:
                sync = json.load(file)
            proxy.popen.terminate()
            return {"rate": rate, "puback_ms": proxy.end(30), "sync_ms": sync}

        return self.scene(body)

    # All.

    def measure(self) -> Dict[str, Any]:
        options = self.options
        count = options.messages or (100_000 if options.quick else 400_000)
        runs = options.runs or (1 if options.quick else 5)
        results: Dict[str, Any] = {"machine": machine(), "messages": count, "devices": options.devices, "load": [load()]}
        fixed = os.path.join(self.folder, "fixed")
        results["corpus"] = self.programs.corpus(fixed, options.devices, 200_000, 1000)
        results["zstd_bytes"] = sum(compressed_batches(fixed, 2000)) / results["corpus"]["messages"]
        kinds: Dict[str, List[Run]] = {}

        def add(kind: str, body: Callable[[], Run]) -> None:
            if options.only and kind not in options.only.split(","):
                return
            try:
                made = body()
            except StageError as error:
                self.say(f"{kind}: {error}")
                return
            kinds.setdefault(kind, []).append(made)
            self.say(f"{kind}: " + ", ".join(f"{k} {v:.1f}" for k, v in made.items() if isinstance(v, (int, float))))

        for number in range(runs):
            self.say(f"run {number + 1} of {runs}, load {load():.1f}")
            add("floor", lambda: self.floor(fixed, count, 0, 0))
            add("gateway", lambda: self.full(count, options.devices))
            for name, peer in peers.available(self.programs, options.quick):
                add(name, lambda p=peer: self.scene(lambda s: p(s, self, fixed)))  # type: ignore[misc]
            slow = 10_000 if options.quick else 20_000
            add("floor-1000", lambda: self.floor(fixed, slow, 1000, 0))
            add("floor-1000-rest", lambda: self.floor(fixed, slow, 1000, 50))
            results["load"].append(load())
        if not options.only or "gateway-1000" in options.only:
            self.say(f"a thousand messages a second for {runs} minutes")
            kinds["gateway-1000"] = self.steady(1000, runs, options.devices)
        if kinds.get("floor"):
            half = sorted(run["rate"] for run in kinds["floor"])[len(kinds["floor"]) // 2] / 2
            for _ in range(runs):
                add("latency", lambda: self.latency(half, 5 if options.quick else 15, options.devices))
        add("devices-50000", lambda: self.full(150_000 if options.quick else 300_000, 50_000))
        results["runs"] = kinds
        results["load"].append(load())
        return results


def machine() -> Dict[str, Any]:
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {"processor": names[0] if names else "unknown", "cores": os.cpu_count(), "kernel": os.uname().release}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run of a quarter of the messages")
    parser.add_argument("--json", action="store_true", help="all figures of all runs")
    parser.add_argument("--runs", type=int, help="5, or 1 with --quick")
    parser.add_argument("--messages", type=int, help="of a run at full rate; 400000, or 100000 with --quick")
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--only", metavar="KINDS", help="a list such as floor,gateway,gateway-1000,latency,devices-50000")
    options = parser.parse_args()
    base = os.path.join(stage.REPOSITORY, ".build", "benchmarks")
    os.makedirs(base, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="run-", dir=base)
    try:
        results = Bench(options, folder).measure()
    except StageError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results["verdicts"] = judge(results)
    print(json.dumps(results, indent=1) if options.json else table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
