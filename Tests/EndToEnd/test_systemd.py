"""What the programs tell systemd, over a socket such as systemd holds: ready when they are, alive as long as they
work, stopping in order."""

from __future__ import annotations

import os
import signal
import socket
import time
import unittest
from typing import Dict, List, Optional

from harness import Case
import hold
import stage
from stage import Process

WATCHDOG_SECONDS = 2


class Supervisor:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, path: str):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.path = path
        self.told: List[Dict[str, str]] = []

    def environment(self, watchdog: Optional[float] = None) -> Dict[str, str]:
        environment = dict(os.environ, NOTIFY_SOCKET=self.path)
        environment.pop("WATCHDOG_PID", None)
        if watchdog is not None:
            environment["WATCHDOG_USEC"] = str(int(watchdog * 1_000_000))
        return environment

    def listen(self, seconds: float) -> Optional[Dict[str, str]]:
        self.socket.settimeout(max(seconds, 0.001))
        try:
            text = self.socket.recv(65536).decode()
        except socket.timeout:
            return None
        message = dict(line.split("=", 1) for line in text.splitlines())
        self.told.append(message)
        return message

    def await_message(self, key: str, process: Process, seconds: float = 30) -> Dict[str, str]:
        """The next message that sets `key`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.listen(min(1, deadline - time.monotonic()))
            if message is not None and key in message:
                return message
            if message is None and not process.running:
                break
        raise stage.StageError(f"{key} was not told; told was {self.told}\n{process.tail()}")

    def forget(self) -> None:
        """Passes over what was told so far."""
        while self.listen(0) is not None:
            pass


class SystemdCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.supervisor = Supervisor(self.stage.path("notify"))
        self.addCleanup(self.supervisor.socket.close)

    def supervised(self, name: str, command: List[str], watchdog: Optional[float] = None) -> Process:
        process = Process(name, command, self.stage.path(name + ".log"), env=self.supervisor.environment(watchdog))
        self.stage.processes.append(process)
        return process

    def assert_hang_starves(self, process: Process) -> None:
        """A process that stands still feeds no watchdog; one that goes on does."""
        self.supervisor.await_message("WATCHDOG", process)
        process.popen.send_signal(signal.SIGSTOP)
        self.supervisor.forget()
        self.assertIsNone(self.supervisor.listen(WATCHDOG_SECONDS * 1.5), "a process that hangs can't be alive")
        process.popen.send_signal(signal.SIGCONT)
        self.supervisor.await_message("WATCHDOG", process)


class CentralIsSupervised(SystemdCase):
    def start(self, watchdog: Optional[float] = None) -> Process:
        central = stage.program("lumbung-central", "LUMBUNG_CENTRAL_BIN")
        return self.supervised(
            "lumbung-central",
            [central, "serve", "--listen", f"127.0.0.1:{self.receiver_port}",
             "--database", "sqlite:" + self.stage.path("central.db")], watchdog)

    def test_ready_is_told_once_requests_are_answered_and_stopping_at_the_end(self) -> None:
        process = self.start()
        ready = self.supervisor.await_message("READY", process)
        self.assertEqual(stage.get(self.receiver_port, "/healthz") is not None, True)
        self.assertIn(str(self.receiver_port), ready["STATUS"])
        self.assertFalse(any("WATCHDOG" in message for message in self.supervisor.told), "nobody asked for it")
        process.popen.send_signal(signal.SIGTERM)
        self.supervisor.await_message("STOPPING", process)
        self.assertEqual(process.wait(10), 0)

    def test_the_watchdog_is_fed_while_the_receiver_works_and_not_while_it_hangs(self) -> None:
        self.assert_hang_starves(self.start(WATCHDOG_SECONDS))

    def test_a_receiver_that_can_not_start_is_never_ready(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.receiver_port))
            other.listen()
            process = self.start()
            self.assertEqual(process.wait(30), 69)
        self.supervisor.forget()
        self.assertFalse(any("READY" in message for message in self.supervisor.told), self.supervisor.told)


class GatewayIsSupervised(SystemdCase):
    def start(self, watchdog: Optional[float] = None) -> Process:
        self.gateway = self.supervised("lumbung", [self.lumbung, "run", "--config", self.config], watchdog)
        return self.gateway

    def test_ready_is_told_once_the_broker_was_tried_and_stopping_at_the_end(self) -> None:
        self.write_config()
        self.start_broker()
        process = self.start()
        ready = self.supervisor.await_message("READY", process)
        self.assertIn("broker connected", ready["STATUS"])
        self.assertFalse(any("WATCHDOG" in message for message in self.supervisor.told), "nobody asked for it")
        process.popen.send_signal(signal.SIGTERM)
        self.supervisor.await_message("STOPPING", process)
        self.assertEqual(process.wait(10), 0)

    def test_a_broker_that_is_away_is_told_and_is_no_reason_to_be_unready(self) -> None:
        self.write_config()
        process = self.start()
        ready = self.supervisor.await_message("READY", process)
        self.assertIn("broker waiting", ready["STATUS"])
        self.assertIn("refused", ready["STATUS"])

    def test_a_gateway_that_can_not_keep_messages_is_never_ready(self) -> None:
        self.write_config()
        self.stage.write("store", "a file where the folder should be")
        self.start_broker()
        process = self.start()
        self.assertEqual(process.wait(30), 74)
        self.supervisor.forget()
        self.assertFalse(any("READY" in message for message in self.supervisor.told), self.supervisor.told)

    def test_the_watchdog_is_fed_while_the_gateway_works_and_not_while_it_hangs(self) -> None:
        self.write_config()
        self.start_broker()
        self.assert_hang_starves(self.start(WATCHDOG_SECONDS))

    def test_one_thread_that_hangs_starves_the_watchdog(self) -> None:
        """The journal's thread alone is held, as by a disk that doesn't answer."""
        self.write_config()
        self.start_broker()
        process = self.start(WATCHDOG_SECONDS)
        self.supervisor.await_message("WATCHDOG", process)
        self.await_connected()
        tracer = hold.Held(hold.thread(process.popen.pid, "journal"))
        self.addCleanup(tracer.release)
        starving = self.await_starving(process)
        self.assertIn("journal", starving)
        tracer.release()
        self.supervisor.await_message("WATCHDOG", process)

    def await_starving(self, process: Process) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message = self.supervisor.listen(1)
            if message is not None and "hangs" in message.get("STATUS", ""):
                return message["STATUS"]
        raise stage.StageError(f"nothing starved; told was {self.supervisor.told[-5:]}\n{process.tail()}")


if __name__ == "__main__":
    unittest.main()
