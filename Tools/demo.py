#!/usr/bin/env python3
"""A whole district on this machine: broker, gateway, central server and simulated devices, until Ctrl-C.

    make demo             until Ctrl-C (which ends the publishing; a second one stops at once)
    make demo FOR=60s     bounded: in the middle the central server goes away and the gateway is killed; at the end
                          every message is accounted for, and the exit code says whether it balances

Everything runs on loopback, on free ports, in a temporary folder that is removed afterwards unless something failed
or --keep is given.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from datetime import datetime, timezone
from typing import Any, Callable, List, Optional, Tuple

import reconcile
import records
import stage
from demo_figures import Gateway, Rates, Screen, Tally, count, size
from records import NS
from stage import Process, Stage, StageError

WINDOW_SECONDS = 10
GRACE_SECONDS = 2
LATENESS_SECONDS = 86_400
# The promise under a kill is exactness in the end; a message published while the gateway was away is received after.
RECEIPT_SLACK_SECONDS = 30
# A device whose clock is ahead opens windows ahead; longer than this we don't wait for them.
LONGEST_WAIT_AHEAD_SECONDS = 60
SETTLE_SECONDS = 120


class Interrupted(Exception):
    pass


def parse_span(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 60s or 5m")
    return float(match.group(1)) * {"ms": 0.001, "s": 1, None: 1, "m": 60, "h": 3600}[match.group(2)]


class Demo:
    def __init__(self, options: argparse.Namespace, folder: str):
        self.options = options
        self.stage = Stage(folder)
        self.screen = Screen()
        self.rates = Rates()
        self.broker_port, self.central_port, self.admin_port = (stage.free_port() for _ in range(3))
        self.token = self.stage.write("token", secrets.token_hex(16) + "\n", 0o600)
        self.record = self.stage.path("published.ndjson")
        self.config = self.stage.path("gateway.toml")
        self.tally = Tally(self.record)
        self.gateway = Gateway(self.admin_port)
        self.lumbung = stage.program("lumbung", "LUMBUNG_BIN")
        self.lumbung_central = stage.program("lumbung-central", "LUMBUNG_CENTRAL_BIN")
        self.central: Optional[Process] = None
        self.daemon: Optional[Process] = None
        self.simulator: Optional[Process] = None
        self.began = 0.0
        self.phase = "starting"
        self.notes: List[str] = []

    # The players.

    def write_config(self) -> None:
        path = os.path.join(stage.REPOSITORY, "Config", "simulated-district.toml")
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            raise StageError(f"{path}: {error.strerror}") from None
        if not re.search(r"^\[\[uplink\]\]", text, re.MULTILINE):
            text += '\n[[uplink]]\nname = "central"\ntype = "http"\n'
        quoted = json.dumps  # a basic TOML string is written as JSON writes one
        for table, key, value in (
            ("broker", "url", quoted(f"mqtt://127.0.0.1:{self.broker_port}")),
            ("broker", "username", None), ("broker", "password_file", None), ("broker", "ca_file", None),
            ("broker", "cert_file", None), ("broker", "key_file", None),
            ("store", "path", quoted(self.stage.path("store"))),
            ("summary", "window", quoted(f"{WINDOW_SECONDS}s")), ("summary", "grace", quoted(f"{GRACE_SECONDS}s")),
            ("summary", "lateness", quoted(f"{LATENESS_SECONDS}s")),
            ("time", "trust", quoted("always")),
            ("uplink", "url", quoted(f"http://127.0.0.1:{self.central_port}")),
            ("uplink", "token_file", quoted(self.token)),
            ("admin", "listen", quoted(f"127.0.0.1:{self.admin_port}")),
        ):
            text = stage.set_key(text, table, key, value)
        self.stage.write("gateway.toml", text)
        self.stage.write(
            "description.json", json.dumps({"window_s": WINDOW_SECONDS, "lateness_s": LATENESS_SECONDS}) + "\n"
        )

    def start_central(self) -> None:
        self.central = self.stage.start_listening(
            "lumbung-central",
            [self.lumbung_central, "serve", "--listen", f"127.0.0.1:{self.central_port}",
             "--database", "sqlite:" + self.stage.path("central.db"), "--token-file", self.token],
            self.central_port,
        )

    def start_gateway(self) -> None:
        self.daemon = self.stage.start_listening(
            "lumbung", [self.lumbung, "run", "--config", self.config], self.admin_port
        )

    def start_simulator(self) -> None:
        command = [self.lumbung, "simulate", "--broker", f"mqtt://127.0.0.1:{self.broker_port}",
                   "--record", self.record, "--devices", str(self.options.devices), "--rate", str(self.options.rate),
                   "--seed", str(self.options.seed)]
        if self.options.bound:
            command += ["--for", f"{self.options.bound:g}s"]
        self.simulator = self.stage.start("simulator", command)

    # What is shown.

    def draw(self, force: bool = False) -> None:
        self.tally.update()
        self.gateway.update()
        gateway, rate = self.gateway, self.rates.rate
        elapsed = time.monotonic() - self.began if self.began else 0
        bound = self.options.bound
        clock = f"{elapsed:4.0f} s" + (f" of {bound:g} s" if bound and elapsed < bound else "")
        broker = gateway.value("broker", "state", "–") if gateway.answering else "gateway not answering"
        delivered_by = ", ".join(
            f"{uplink.get('name')} {uplink.get('state')}" + (f" ({uplink['error']})" if uplink.get("error") else "")
            for uplink in gateway.uplinks
        )
        left = max((uplink.get("seconds_left") or 0 for uplink in gateway.uplinks), default=0)
        published, received = self.tally.published, gateway.total("received")
        journal_bytes = gateway.value("store", "bytes", 0) or 0

        def row(name: str, number: Any, speed: Optional[float], remark: str) -> str:
            rated = f"{speed:8,.0f}/s" if speed is not None else " " * 10
            return f"  {name:<12}{count(number):>12} {rated}   {remark}"

        rate_in = rate("received", received)
        rate_out = rate("delivered", gateway.total("delivered"))
        lines = [
            f"Lumbung  {clock}  {self.phase}",
            "",
            row("published", published, rate("published", published),
                f"acknowledged by the broker {count(self.tally.acknowledged)}"),
            row("comes in", received, rate_in,
                f"{broker}, delivered again {count(gateway.total('redelivered'))}"),
            row("stored", gateway.value("journal", "messages"), None,
                f"{size(journal_bytes)}, {count(gateway.total('commits'))} commits, "
                f"{count(gateway.value('derive', 'lag_segments'))} to derive"),
            row("quarantined", gateway.total("quarantined"), None, "unreadable, kept for the technician"),
            row("summarised", gateway.total("sealed_windows"), rate("sealed", gateway.total("sealed_windows")),
                f"windows; {count(gateway.value('derive', 'open_windows'))} open, "
                f"{count(gateway.value('derive', 'devices'))} devices"),
            row("revised", gateway.total("revisions"), None, "windows, by readings that came late"),
            row("delivered", gateway.total("delivered"), rate_out,
                f"records; waiting {count(gateway.pending)}" + (f", {left:.0f} s left" if left else "")),
            f"  {'uplink':<12}{delivered_by}",
            f"  {'alarms':<12}{count((gateway.report or {}).get('active_alarm_count'))} active",
            "",
            f"  gateway  http://127.0.0.1:{self.admin_port}/     central  http://127.0.0.1:{self.central_port}/",
            *[f"  {note}" for note in self.notes[-4:]],
        ]
        plain = (
            f"{elapsed:5.1f} s  {self.phase}: published {published}, in {received:.0f} ({rate_in:.0f}/s), "
            f"sealed {gateway.total('sealed_windows'):.0f}, delivered {gateway.total('delivered'):.0f}, "
            f"waiting {gateway.pending}, broker {broker}"
        )
        self.screen.show(lines, plain, force)

    def note(self, text: str) -> None:
        stamp = f"{time.monotonic() - self.began:5.1f} s  {text}"
        self.notes.append(stamp)
        if not self.screen.live:
            print(stamp, flush=True)

    def watch(self, until: Callable[[], bool], deadline: Optional[float] = None) -> bool:
        """Draws until something holds; False at the deadline. Players that end by themselves are a failure."""
        while not until():
            for name, process in (("gateway", self.daemon), ("central server", self.central)):
                if process is not None and not process.running:
                    raise StageError(f"the {name} ended by itself with {process.popen.returncode}\n{process.tail()}")
            if deadline is not None and time.monotonic() >= deadline:
                return False
            self.draw()
            time.sleep(0.25)
        return True

    # The play.

    def run(self) -> int:
        self.write_config()
        stage.start_broker(self.stage, self.broker_port)
        self.start_central()
        self.start_gateway()
        self.began = time.monotonic()
        # Devices that speak before the gateway has subscribed would speak to nobody.
        self.phase = "the gateway connects"
        connected = self.watch(
            lambda: self.gateway.answering and self.gateway.value("broker", "state") == "connected",
            time.monotonic() + 30,
        )
        if not connected:
            raise StageError(f"the gateway has not connected within 30 s\n{self.daemon.tail() if self.daemon else ''}")
        self.start_simulator()
        self.began = time.monotonic()
        self.phase = "all is well"
        try:
            if self.options.bound:
                self.bounded(self.options.bound)
            else:
                self.watch(lambda: not (self.simulator and self.simulator.running))
        except Interrupted:
            if self.options.bound:
                raise
        return self.finish()

    def bounded(self, bound: float) -> None:
        start = self.began

        def until(moment: float) -> None:
            self.watch(lambda: time.monotonic() >= start + moment)

        away = min(15.0, bound / 4)
        leaves = bound * 0.4
        until(leaves)
        assert self.central is not None and self.daemon is not None
        central, self.central = self.central, None
        central.stop()
        self.phase = f"the central server is away for {away:g} s"
        self.note("central server stopped (SIGTERM)")
        until(leaves + away / 2)
        self.draw(force=True)  # its counts go with it
        self.note("gateway killed (SIGKILL) and started again")
        daemon, self.daemon = self.daemon, None
        daemon.kill()
        self.start_gateway()
        until(leaves + away)
        self.start_central()
        self.note("central server is back")
        self.phase = "catching up"
        self.watch(lambda: not (self.simulator and self.simulator.running), start + bound + 20)

    def finish(self) -> int:
        assert self.simulator is not None
        self.phase = "the devices stop"
        ended = self.simulator.stop(15)
        if ended != 0:
            raise StageError(f"the simulator ended with {ended}\n{self.simulator.tail()}")
        self.note("the devices have stopped; the last windows are sealed and delivered")
        self.phase = "settling"
        self.tally.update()
        if self.tally.latest is None:
            raise StageError(f"nothing was published\n{self.simulator.tail()}")
        now = time.time_ns()
        horizon = min(self.tally.latest, now + LONGEST_WAIT_AHEAD_SECONDS * NS)
        sealed = (horizon // (WINDOW_SECONDS * NS) + 1) * WINDOW_SECONDS * NS
        # Nothing is left out of the account, unless a device's clock makes us wait too long.
        through = sealed if self.tally.latest > horizon else None
        sealed_at = sealed + (GRACE_SECONDS + 2) * NS
        deadline = time.monotonic() + (sealed_at - now) / NS + SETTLE_SECONDS
        self.watch(lambda: time.time_ns() >= sealed_at, deadline)
        last: Optional[Tuple[bool, reconcile.Reconciliation]] = None
        while True:
            self.quiet(deadline)
            last = self.account(through)
            if last[0] or time.monotonic() >= deadline:
                break
            # Late readings are gathered for a while before they revise a window.
            self.watch(lambda mark=time.monotonic(): time.monotonic() >= mark + 3, deadline)
        self.draw(force=True)
        self.screen.say(last[1].table())
        return 0 if last[0] else 1

    def quiet(self, deadline: float) -> None:
        """Until the gateway says, three times running, that nothing is left to derive or to deliver."""
        calm = 0

        def settled() -> bool:
            nonlocal calm
            gateway = self.gateway
            still = gateway.answering and gateway.pending == 0 and not gateway.value("derive", "lag_segments", 1)
            calm = calm + 1 if still else 0
            return calm >= 3

        self.watch(settled, deadline)

    def account(self, through: Optional[int]) -> Tuple[bool, reconcile.Reconciliation]:
        url = f"http://127.0.0.1:{self.central_port}"
        return reconcile.reconcile(
            records.read_json(self.stage.path("description.json")),
            records.read_published(self.record),
            records.central_summaries(url, records.read_token(self.token)),
            through=through,
            receipt_slack=RECEIPT_SLACK_SECONDS * NS,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    bound = os.environ.get("FOR") or None
    parser.add_argument("--for", dest="bound", type=parse_span, metavar="DURATION",
                        default=parse_span(bound) if bound else None, help="bounded (default: $FOR, else until Ctrl-C)")
    parser.add_argument("--devices", type=int, default=int(os.environ.get("DEVICES", "300")))
    parser.add_argument("--rate", type=int, default=int(os.environ.get("RATE", "200")), help="messages per second")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "1")))
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args()

    presses = 0

    def interrupt(number: int, _: Any) -> None:
        nonlocal presses
        presses += 1
        if presses > 2:
            return  # already stopping
        raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)

    folder = tempfile.mkdtemp(prefix="lumbung-demo-")
    demo: Optional[Demo] = None
    code = 1
    try:
        demo = Demo(options, folder)
        code = demo.run()
    except Interrupted as interrupted:
        code = 130
        print(f"\nstopped by {interrupted}", file=sys.stderr)
    except (StageError, records.Unreadable) as error:
        code = 1
        print(f"\ndemo: {error}", file=sys.stderr)
    finally:
        presses = 2
        if demo is not None:
            demo.stage.stop_all()
        if options.keep or code not in (0, 130):
            print(f"kept: {folder} ({datetime.now(timezone.utc):%H:%M:%S} UTC)", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
