"""What every proof has: a broker, a tap, a gateway with a small store, an independent receiver, and load that goes on
whatever happens; and at the end the account.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from typing import Dict, List, NamedTuple, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "EndToEnd"))

import harness  # noqa: E402
import oracle  # noqa: E402
import stage  # noqa: E402
from disk import Disk  # noqa: E402
from harness import NS  # noqa: E402
from stage import Process, Stage, StageError, await_value  # noqa: E402
from tap import Connection, Tap, Watcher  # noqa: E402

CONTROLS = {
    "synchronous=NORMAL": {"LUMBUNG_FAILPOINTS_ALLOWED": "1", "LUMBUNG_TEST_SYNCHRONOUS": "NORMAL"},
    "acknowledged early": {"LUMBUNG_FAILPOINTS_ALLOWED": "1", "LUMBUNG_TEST_ACK_EARLY": "1"},
}


class Account(NamedTuple):
    messages: int
    records: int
    faults: List[str]


class Scene(harness.Case):
    """Use it with `with`; the folder stays where something failed."""

    window_seconds = 1
    grace_seconds = 1
    # About 0.9 MB/s: the log is moved into the file every few seconds, and the quota of 16 MiB takes part.
    rate = 400
    padding = 2000
    devices = 20
    # Late readings must come while the raw messages of their window are kept.
    late = 1.0
    # Told by the tap of every message.
    watcher: Optional[Watcher] = None

    def __init__(self, name: str, control: Optional[str] = None, on_disk: int = 0):
        super().__init__()
        self.name = name
        self.control = control
        self.variables: Dict[str, str] = dict(CONTROLS.get(control or "", {}))
        self.on_disk = on_disk
        self.disk: Optional[Disk] = None
        self.tap: Optional[Tap] = None
        self.load: Optional[Process] = None
        self.is_kept = False
        self.dice = random.Random(f"{name}/{control}")

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
                self.disk = Disk(self.stage.path("disk.img"), self.stage.path("store"), self.on_disk)
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind: Optional[type] = None, *_: object) -> None:
        self.doCleanups()
        self.stage.stop_all()
        if self.disk is not None:
            if self.is_kept:
                shutil.copytree(self.stage.path("store"), self.stage.path("store-kept"))
            self.disk.close()
        if kind is None and not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            tails = self.stage.tails() if kind else ""
            print(f"{self.name}: kept {self.folder}\n{tails}", file=sys.stderr, flush=True)

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
        text = stage.set_key(text, "store", "raw_retention", '"30s"')
        self.stage.write("gateway.toml", text)

    def start_gateway(self, **variables: str) -> Process:
        self.gateway = Process(
            "lumbung", [self.lumbung, "run", "--config", self.config], self.stage.path("lumbung.log"),
            env={**os.environ, **self.variables, **variables},
        )
        self.stage.processes = [p for p in self.stage.processes if p.running] + [self.gateway]
        return self.gateway

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

    # Cycles.

    def await_flow(self, before: Optional[Connection], seconds: float = 30) -> Connection:
        """The gateway has a new connection and has acknowledged something on it."""

        def probe() -> Optional[Connection]:
            connection = self.tap.current if self.tap else None
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
            if not self.gateway.running:
                code = self.gateway.popen.returncode
                if code not in (-signal.SIGKILL, -signal.SIGALRM):
                    raise StageError(f"the gateway ended by itself: {code}\n{self.gateway.tail()}")
                return True
            time.sleep(0.003)
        return False

    def gather_last_words(self, connection: Optional[Connection]) -> int:
        """Every acknowledgement that the gateway wrote before it died is counted. How many messages had none."""
        if connection is None:
            return 0
        if self.tap is not None and not self.tap.await_closed(connection, 10):
            raise StageError("the tap still holds a connection of a dead gateway")
        return len(connection.unacknowledged)

    # The account.

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
            "all that was published is derived", lambda s: s["derive"]["lag_segments"] == 0 and self.is_idle(tap), seconds
        )
        through = self.window_after(time.time_ns())
        self.await_time(through + (self.grace_seconds + 1) * NS)
        self.await_drained()
        return through

    def account(self, seconds: float = 60) -> Account:
        """Compares what the receiver holds with the publisher's record, thought through again: each acknowledged
        message in exactly one window, every figure right."""
        truth = self.oracle_of_record()
        return self.account_of(truth, self.settle(), seconds)

    def account_of(self, truth: oracle.Oracle, through: int, seconds: float) -> Account:
        deadline = time.monotonic() + seconds
        while True:
            found, count = self.differences(truth, through)
            # Revisions for late readings come a little later.
            if not found or time.monotonic() > deadline:
                found += self.check_store()
                self.is_kept = bool(found) and not self.control
                if self.is_kept:
                    self.stage.write("differences.txt", "\n".join(found) + "\n")
                return Account(truth.arrivals, count, found)
            time.sleep(1)

    def check_store(self) -> List[str]:
        """After an orderly stop: both files whole by SQLite's own word, and nothing was set aside."""
        assert self.gateway is not None
        found = []
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
