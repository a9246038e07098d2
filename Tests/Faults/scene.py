"""What every proof has: a broker, a tap, a gateway with a small store, an independent receiver, and load that goes on
whatever happens; and at the end the account.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

import harness
import oracle
import stage
from disk import Disk
from harness import NS
from outcome import Figure, Leg
from stage import Process, Stage, StageError, await_value
from tap import Connection, Tap, Watcher

CONTROLS = {
    "synchronous=NORMAL": {"LUMBUNG_FAILPOINTS_ALLOWED": "1", "LUMBUNG_TEST_SYNCHRONOUS": "NORMAL"},
    "acknowledged early": {"LUMBUNG_FAILPOINTS_ALLOWED": "1", "LUMBUNG_TEST_ACK_EARLY": "1"},
    "redelivered counted": {"LUMBUNG_FAILPOINTS_ALLOWED": "1", "LUMBUNG_TEST_REDELIVERY": "COUNT"},
}

ORDER_DEPENDENT = re.compile(r"\.(increase|resets|changes|seconds\.[^:]*|first|last): ")

# What the gateway may have resident, whatever goes through it.
MEMORY_LIMIT = 64 << 20


class Account(NamedTuple):
    messages: int
    records: int
    faults: List[str]


class Scene(harness.Case):
    """Use it with `with`: whatever happens, nothing of it stays but, where KEEP says so, the folder of what failed."""

    window_seconds = 1
    grace_seconds = 1
    # About 0.7 MB/s: in `raw_retention` there comes about what the quota of 16 MiB leaves for messages beside the logs
    # and the reserve, so both take part; and the log is moved into the file every few seconds.
    rate = 250
    padding = 2800
    devices = 20
    # A late reading must come while the messages of its window are kept, and by a restart it comes some seconds later
    # still: what is later than they are kept is counted as too late, and not promised.
    late = 1.0
    raw_retention = "10s"
    # Told by the tap of every message.
    watcher: Optional[Watcher] = None

    def __init__(self, name: str, leg: Leg, on_disk: int = 0):
        super().__init__()
        self.name = name
        self.leg = leg
        self.variables: Dict[str, str] = dict(CONTROLS.get(leg.control or "", {}))
        self.on_disk = on_disk
        self.disk: Optional[Disk] = None
        self.tap: Optional[Tap] = None
        self.load: Optional[Process] = None
        self.life_began = 0
        self.peak_memory = 0
        # Segments that were deleted by the end.
        self.deleted = 0
        # Records that were joined of what was kept and late readings.
        self.partial = 0
        self.is_kept = False
        self.dice = random.Random(f"{name}/{leg.control}/{leg.number}")

    def id(self) -> str:
        return f"faults.{self.name}"

    def runTest(self) -> None:
        """No test of unittest's: a proof drives it."""

    def __enter__(self) -> "Scene":
        self.folder = tempfile.mkdtemp(prefix=f"lumbung-{self.name}-")
        self.stage = Stage(self.folder)
        try:
            self.setUp()
            if self.on_disk:
                self.disk = Disk(self.stage.path("disk.img"), self.stage.path("disk"), self.on_disk)
                self.make_store(self.stage.path("disk", "store"))
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind: Optional[type] = None, *_: object) -> None:
        # A second Ctrl-C must not cut the cleaning short.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        failed = kind is not None and issubclass(kind, Exception)
        self.doCleanups()
        self.stage.stop_all()
        if failed:
            print(f"{self.name}: {self.folder}\n{self.stage.tails()}", file=sys.stderr, flush=True)
        keeps = (failed or self.is_kept) and os.environ.get("KEEP", "") not in ("", "0")
        if self.disk is not None:
            try:
                if keeps:
                    shutil.copytree(self.stage.path("store"), self.stage.path("store-kept"))
            except OSError as error:
                print(f"{self.name}: {error}", file=sys.stderr)
            finally:
                self.disk.close()
        if keeps:
            print(f"{self.name}: kept {self.folder}", file=sys.stderr, flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def make_store(self, path: str) -> None:
        """The store's folder, one of several on the disk: what others fill it with is none of the store's. It is there
        for good before anything else happens."""
        os.mkdir(path)
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        os.symlink(path, self.stage.path("store"))

    # Players.

    def begin(self, load: bool = True) -> None:
        port = stage.free_port()
        self.start_broker()
        self.tap = Tap(port, self.broker_port, self.watcher)
        self.addCleanup(self.tap.close)
        self.start_receiver()
        self.configure(port)
        self.start_gateway()
        self.await_connected()
        if load:
            self.load = self.stage.start("load", [
                sys.executable, os.path.join(harness.HERE, "publisher.py"), "--broker", f"127.0.0.1:{self.broker_port}",
                "--record", self.stage.path("published.ndjson"), "--rate", str(self.rate), "--devices",
                str(self.devices), "--padding", str(self.padding), "--late", str(self.late),
            ])

    def configure(self, port: int) -> None:
        text = open(self.write_config(broker_port=port), encoding="utf-8").read()
        text = stage.set_key(text, "store", "max_size", '"16MiB"')
        text = stage.set_key(text, "store", "raw_retention", f'"{self.raw_retention}"')
        self.stage.write("gateway.toml", text)

    def start_gateway(self, **variables: str) -> Process:
        log = self.stage.path("lumbung.log")
        self.life_began = os.path.getsize(log) if os.path.exists(log) else 0
        self.gateway = Process(
            "lumbung", [self.lumbung, "run", "--config", self.config], log,
            env={**os.environ, **self.variables, **variables},
        )
        self.stage.processes = [p for p in self.stage.processes if p.running] + [self.gateway]
        return self.gateway

    def kill_gateway(self) -> None:
        assert self.gateway is not None
        self.look_at_memory()
        self.gateway.kill()

    def start_broker(self) -> Process:
        self.broker = super().start_broker()
        return self.broker

    def kill_broker(self, connection: Connection) -> int:
        """How many messages were unacknowledged then."""
        self.broker.kill()
        return self.gather_last_words(connection)

    def restart_receiver(self) -> None:
        """With the file that it had."""
        path = self.received_files.pop()
        assert not self.received_files
        self.start_receiver()
        assert self.received_files == [path]

    @property
    def acknowledged(self) -> int:
        return sum(connection.acknowledged for connection in self.tap.connections) if self.tap else 0

    @property
    def unacknowledged(self) -> int:
        connection = self.tap.current if self.tap else None
        return len(connection.unacknowledged) if connection else 0

    @property
    def pending(self) -> int:
        """Records that wait for the receiver, by the gateway's word."""
        report = self.status()
        return report["uplinks"][0]["pending_records"] if report else 0

    @property
    def carried(self) -> int:
        """Bytes of payload, each counted once."""
        return sum(connection.carried for connection in self.tap.connections) if self.tap else 0

    def look_at_memory(self) -> None:
        """The most that the gateway has ever had resident, by the kernel's word."""
        if self.gateway is None:
            return
        try:
            with open(f"/proc/{self.gateway.pid}/status", encoding="ascii") as file:
                peaks = [int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM:")]
        except OSError:
            return
        self.peak_memory = max([self.peak_memory, *peaks])

    def log(self, begin: int = 0) -> str:
        """What the gateway has said, in all its lives or from a place in its log."""
        with open(self.stage.path("lumbung.log"), "rb") as file:
            file.seek(begin)
            return file.read().decode("utf-8", "replace")

    def said_last(self, one: str, *others: str) -> bool:
        """Whether the gateway that runs now has said `one`, and none of the others since."""
        log = self.log(self.life_began)
        return log.rfind(one) > max(log.rfind(other) for other in others)

    # Cycles.

    def await_flow(self, before: Optional[Connection], seconds: float = 30) -> Connection:
        """The gateway has a new connection and has acknowledged something on it."""

        def probe() -> Optional[Connection]:
            connection = self.tap.current if self.tap else None
            self.look_at_memory()
            if self.gateway is not None and not self.gateway.running:
                raise StageError(f"the gateway ended: {self.gateway.popen.returncode}\n{self.gateway.tail()}")
            flows = connection is not before and connection is not None and not connection.closed
            return connection if flows and connection is not None and connection.acknowledged > 0 else None

        assert self.gateway is not None
        return await_value("the gateway acknowledges messages", probe, seconds, every=0.01, explain=self.gateway.tail)

    def await_death(self, seconds: float) -> bool:
        """Until the gateway ends by itself, as it does at a failpoint."""
        assert self.gateway is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look_at_memory()
            if not self.gateway.running:
                code = self.gateway.popen.returncode
                if code not in (-signal.SIGKILL, -signal.SIGALRM):
                    raise StageError(f"the gateway ended by itself: {code}\n{self.gateway.tail()}")
                return True
            time.sleep(0.004)
        return False

    def gather_last_words(self, connection: Optional[Connection]) -> int:
        """Every acknowledgement that the gateway wrote before it died is counted. How many messages had none."""
        if connection is None:
            return 0
        if self.tap is not None and not self.tap.await_closed(connection, 10):
            raise StageError("the tap still holds a connection of a dead gateway")
        return len(connection.unacknowledged)

    # The account.

    def differences(self, truth: oracle.Oracle, through: int) -> Tuple[List[str], int]:
        """Without what nobody promises: in a record that says `partial`, because the messages of its window were deleted
        before a late reading came, the figures that depend on the readings' order."""
        found, count = super().differences(truth, through)
        partial = {
            f"{record['device']} [{record['start']}, {record['end']})"
            for record in (item.get("record", {}) for item in self.received()) if record.get("partial")
        }
        self.partial = len(partial)
        return [text for text in found if not (
            text.split(")  ")[0] + ")" in partial and ORDER_DEPENDENT.search(text.split(")  ")[-1])
        )], count

    def stop_load(self) -> None:
        assert self.load is not None
        self.load.popen.send_signal(signal.SIGTERM)
        if self.load.wait(90) != 0:
            raise StageError(self.load.tail())

    def settle(self, seconds: float = 180) -> int:
        """Everything that was published has come through. The end of the last window that counts."""
        assert self.tap is not None
        tap = self.tap
        self.await_status(
            "all that was published is derived",
            lambda s: s["derive"]["lag_segments"] == 0 and self.is_idle(tap), seconds
        )
        self.look_at_memory()
        through = self.window_after(time.time_ns())
        self.await_time(through + (self.grace_seconds + 1) * NS)
        self.await_drained()
        return through

    def account(self) -> Account:
        """Compares what the receiver holds with the publisher's record, thought through again: each acknowledged
        message in exactly one window, every figure right."""
        truth = self.oracle_of_record()
        return self.account_of(truth, self.settle())

    def account_of(self, truth: oracle.Oracle, through: int) -> Account:
        report = self.status()
        dropped = report["store"]["dropped_records"] if report else 0
        if dropped and not self.leg.control:
            # Which is told and counted, and nothing that these proofs are about.
            raise StageError(f"the load was too much for the store: its quota took {dropped} records that waited")
        # Revisions for late readings come a little later.
        deadline = time.monotonic() + (2 if self.leg.control else 60)
        while True:
            found, count = self.differences(truth, through)
            if not found or time.monotonic() > deadline:
                found += self.check_store()
                if self.peak_memory > MEMORY_LIMIT:
                    found.append(f"memory: {self.peak_memory >> 20} MiB resident, more than {MEMORY_LIMIT >> 20} MiB")
                self.is_kept = bool(found) and not self.leg.control
                if self.is_kept:
                    self.stage.write("differences.txt", "\n".join(found) + "\n")
                return Account(truth.arrivals, count, found)
            time.sleep(1)

    def common_figures(self) -> Dict[str, Figure]:
        """What every proof tells: that deletion and quota took part, and what it cost."""
        pauses = self.log().count("the store is full: nothing is read")
        return {
            "carried": Figure(self.carried >> 20, "MiB"), "segments deleted": Figure(self.deleted),
            "pauses by quota": Figure(pauses), "partial records": Figure(self.partial), "memory": Figure(self.peak_memory >> 20, "MiB", is_peak=True),
        }

    def check_store(self) -> List[str]:
        """After an orderly stop: both files whole by SQLite's own word, and nothing was set aside."""
        assert self.gateway is not None
        found = []
        report = self.status()
        self.deleted = report["journal"]["oldest_segment"] - 1 if report else 0
        self.look_at_memory()
        code = self.gateway.stop(20)
        if code != 0:
            found.append(f"the gateway ended with {code}")
        folder = self.stage.path("store")
        found += [f"set aside: {name}" for name in os.listdir(folder) if ".damaged" in name]
        for name in ("journal.db", "outbox.db"):
            connection = sqlite3.connect(f"file:{folder}/{name}?mode=ro", uri=True)
            try:
                answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
            except sqlite3.DatabaseError as error:
                answer = str(error)
            finally:
                connection.close()
            if answer != "ok":
                found.append(f"{name}: {answer}")
        return found
