#!/usr/bin/env python3
"""Lets a gateway run for long under the load of a district, and judges what it takes of memory, processor and files.

    soak.py                        an hour of 500 devices at 100 messages a second (make soak)
    soak.py --for 10m --outage 5m  without the central server for the first five minutes
    soak.py --json                 the figures as one JSON object

Everything runs on loopback, in a folder of its own under .build/soak. Every ten seconds /proc is asked. Level is what
doesn't rise: memory by a straight line through the samples after the first third, files and threads by their span.

Exit: 0 within the limits and level, 1 not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import stage
from stage import Process, Stage, StageError, await_value

MOST_RESIDENT = 40 << 20
MOST_CPU_PERCENT = 1.0
# A line through the samples may rise by so much over the run: noise, and pages of the databases' caches.
MOST_RISE = 2 << 20
# Connections come and go: an uplink's, the page's.
MOST_SPAN = 4
EVERY_SECONDS = 10.0
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    seconds: float
    resident: int
    anonymous: int
    threads: int
    files: int
    cpu: float
    journal: int
    pending: int
    received: int


def span(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    try:
        return float(text[:-1]) * units[text[-1]] if text[-1] in units else float(text)
    except (ValueError, IndexError):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 30s, 10m or 1h") from None


class Soak:
    def __init__(self, options: argparse.Namespace, folder: str):
        self.options = options
        self.stage = Stage(folder)
        self.broker, self.central, self.admin = (stage.free_port() for _ in range(3))
        self.token = self.stage.write("token", "of-the-soak\n", 0o600)
        self.lumbung = stage.program("lumbung", "LUMBUNG_BIN")
        self.gateway: Optional[Process] = None
        self.samples: List[Sample] = []

    def configure(self) -> str:
        with open(os.path.join(stage.REPOSITORY, "Config", "simulated-district.toml"), encoding="utf-8") as file:
            text = file.read() + '\n[[uplink]]\nname = "central"\ntype = "http"\n'
        for table, key, value in (
            ("broker", "url", f"mqtt://127.0.0.1:{self.broker}"), ("store", "path", self.stage.path("store")),
            ("store", "raw_retention", "7d"), ("summary", "window", self.options.window),
            ("uplink", "url", f"http://127.0.0.1:{self.central}"), ("uplink", "token_file", self.token),
            ("admin", "listen", f"127.0.0.1:{self.admin}"),
        ):
            text = stage.set_key(text, table, key, json.dumps(value))
        return self.stage.write("gateway.toml", text)

    def start_central(self) -> None:
        self.stage.start_listening(
            "lumbung-central", [stage.program("lumbung-central", "LUMBUNG_CENTRAL_BIN"), "serve", "--listen",
                                f"127.0.0.1:{self.central}", "--database", f"sqlite:{self.stage.path('central.db')}",
                                "--token-file", self.token], self.central)

    def run(self) -> None:
        config = self.configure()
        stage.start_broker(self.stage, self.broker)
        if not self.options.outage:
            self.start_central()
        self.gateway = self.stage.start_listening("lumbung", [self.lumbung, "run", "--config", config], self.admin)
        await_value("the gateway is connected",
                    lambda: (self.status().get("broker") or {}).get("state") == "connected", 30)
        self.stage.start("simulator", [
            self.lumbung, "simulate", "--broker", f"mqtt://127.0.0.1:{self.broker}", "--devices",
            str(self.options.devices), "--rate", str(self.options.rate)])
        began = time.monotonic()
        has_central = not self.options.outage
        while time.monotonic() - began < self.options.bound:
            time.sleep(EVERY_SECONDS)
            if not has_central and time.monotonic() - began >= self.options.outage:
                self.start_central()
                has_central = True
            self.sample(time.monotonic() - began)

    def status(self) -> Dict[str, Any]:
        body = stage.get(self.admin, "/api/status", timeout=5)
        return json.loads(body) if body else {}

    def sample(self, seconds: float) -> None:
        assert self.gateway is not None
        if not self.gateway.running:
            raise StageError(f"the gateway ended\n{self.gateway.tail()}")
        status = self.status()
        uplinks = status.get("uplinks") or [{}]
        self.samples.append(Sample(
            seconds, *usage(self.gateway.pid), (status.get("store") or {}).get("bytes", 0),
            uplinks[0].get("pending_records", 0), (status.get("broker") or {}).get("received", 0)))
        if len(self.samples) % 30 == 0:
            print(row(self.samples[-1]), flush=True)


def usage(pid: int) -> Tuple[int, int, int, int, float]:
    """Resident and anonymous bytes, threads, open files, seconds of processor."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        times = file.read().rpartition(")")[2].split()
    return (int(fields["VmRSS"].split()[0]) << 10, int(fields["RssAnon"].split()[0]) << 10, int(fields["Threads"]),
            len(os.listdir(f"/proc/{pid}/fd")), (int(times[11]) + int(times[12])) / TICKS)


def row(sample: Sample) -> str:
    return (f"{sample.seconds / 60:6.1f} min  {sample.resident / 2**20:6.1f} MiB, {sample.anonymous / 2**20:5.1f} own  "
            f"{sample.threads:3d} threads  {sample.files:3d} files  {sample.cpu:7.1f} s processor  "
            f"{sample.received:9d} messages  store {sample.journal / 2**20:6.1f} MiB  {sample.pending:6d} wait")


def rise(samples: List[Sample], name: str) -> float:
    """What the line of least squares through the samples rises by, from the first to the last."""
    xs = [sample.seconds for sample in samples]
    ys = [float(getattr(sample, name)) for sample in samples]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    square = sum((x - middle_x) ** 2 for x in xs)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys)) / square if square else 0.0
    return slope * (xs[-1] - xs[0])


def judge(samples: List[Sample], options: argparse.Namespace) -> Tuple[Dict[str, Any], List[str]]:
    """Figures, and what is wrong with them."""
    settled = samples[len(samples) // 3:]
    if len(settled) < 6:
        return {}, ["too few samples to judge: give it more time"]
    seconds = settled[-1].seconds - settled[0].seconds
    figures = {
        "seconds": round(samples[-1].seconds), "devices": options.devices, "rate": options.rate,
        "messages": samples[-1].received,
        "resident_most_bytes": max(sample.resident for sample in samples),
        "resident_rise_bytes": round(rise(settled, "resident")),
        "anonymous_rise_bytes": round(rise(settled, "anonymous")),
        "threads": [min(s.threads for s in settled), max(s.threads for s in settled)],
        "files": [min(s.files for s in settled), max(s.files for s in settled)],
        "cpu_percent": round(100 * (settled[-1].cpu - settled[0].cpu) / seconds, 2),
        "store_bytes": samples[-1].journal, "pending_records": samples[-1].pending,
    }
    faults = []
    if figures["resident_most_bytes"] > MOST_RESIDENT:
        faults.append(f"{figures['resident_most_bytes'] / 2**20:.1f} MiB resident, more than {MOST_RESIDENT >> 20}")
    if figures["anonymous_rise_bytes"] > MOST_RISE:
        faults.append(f"memory rises: by {figures['anonymous_rise_bytes'] / 2**20:.1f} MiB in {seconds / 60:.0f} min")
    for name in ("threads", "files"):
        least, most = figures[name]
        if most - least > MOST_SPAN:
            faults.append(f"{name} are not level: {least} to {most}")
    if figures["cpu_percent"] > MOST_CPU_PERCENT:
        faults.append(f"{figures['cpu_percent']} % of a core, more than {MOST_CPU_PERCENT:g}")
    if samples[-1].received < 0.9 * options.rate * samples[-1].seconds:
        faults.append(f"only {samples[-1].received} messages came: the load was not what was asked for")
    return figures, faults


def main() -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--for", dest="bound", type=span, default=span(os.environ.get("FOR") or "1h"),
                        metavar="DURATION", help="default: $FOR, else 1h")
    parser.add_argument("--outage", type=span, default=0, metavar="DURATION",
                        help="without the central server for so long at first")
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--rate", type=int, default=100, help="messages a second")
    parser.add_argument("--window", default="5m")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    base = os.path.join(stage.REPOSITORY, ".build", "soak")
    os.makedirs(base, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="run-", dir=base)
    soak = Soak(options, folder)
    try:
        soak.run()
    except KeyboardInterrupt:
        print("stopped: judged by what was seen", file=sys.stderr)
    except StageError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    finally:
        soak.stage.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    figures, faults = judge(soak.samples, options)
    print(json.dumps({**figures, "faults": faults}) if options.json else table(figures, faults))
    return 1 if faults else 0


def table(figures: Dict[str, Any], faults: List[str]) -> str:
    lines = [f"  {name:<22}{value}" for name, value in figures.items()]
    verdict = [f"  WRONG  {fault}" for fault in faults] or ["  level, within the limits"]
    return "\n".join(lines + verdict)


if __name__ == "__main__":
    sys.exit(main())
