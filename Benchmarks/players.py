"""The processes that a benchmark runs: programs of its own in C, the broker, the gateway, its peers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(REPOSITORY, "Tools"))

import stage  # noqa: E402
from stage import Process, Stage, StageError, await_value  # noqa: E402

BUILT = os.path.join(REPOSITORY, ".build", "benchmarks")
# Far fewer than a broker may have to hold, and enough that its acknowledgements are never waited for.
PUBLISHER_WINDOW = 4000

# Beside those of Config/simulated-district.toml, so that there are twenty.
MORE_ALARMS = [
    ("camera-cold", 'class = "camera"', "hw.temperature", "below = 5.0\nclear = 8.0", "30s"),
    ("camera-bitrate", 'class = "camera"', "camera.bitrate", "above = 9000.0\nclear = 8000.0", "30s"),
    ("camera-no-bits", 'class = "camera"', "camera.bitrate", "below = 50.0\nclear = 100.0", "30s"),
    ("camera-young", 'class = "camera"', "system.uptime", "below = 10.0\nclear = 60.0", None),
    ("frigate-slow", 'class = "camera"', "camera.detection_fps", "above = 40.0\nclear = 30.0", "30s"),
    ("panel-hot", 'class = "videotron"', "hw.temperature", "above = 80.0\nclear = 75.0", "30s"),
    ("panel-voltage", 'class = "videotron"', "hw.voltage", "below = 4.0\nclear = 4.5", "10s"),
    ("panel-young", 'class = "videotron"', "system.uptime", "below = 10.0\nclear = 60.0", None),
    ("panel-port-1", 'class = "videotron"', "videotron.port-1.current", "above = 9000.0\nclear = 8500.0", "10s"),
    ("panel-power", 'class = "videotron"', "hw.power", "above = 3000.0\nclear = 2800.0", "30s"),
    ("node-hot", 'class = "fiber-node"', "hw.temperature", "above = 70.0\nclear = 65.0", "30s"),
]


def compile_native(name: str, *flags: str) -> str:
    """One of `native`, built where its source is newer."""
    os.makedirs(BUILT, exist_ok=True)
    source = os.path.join(HERE, "native", name + ".c")
    target = os.path.join(BUILT, name + (".so" if "-shared" in flags else ""))
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", target, source, *flags], check=True)
    return target


class Programs:
    def __init__(self) -> None:
        self.floor = compile_native("floor", "-lmosquitto")
        self.publisher = compile_native("publisher")
        self.proxy = compile_native("proxy")
        self.synctime = compile_native("synctime", "-shared", "-fPIC", "-ldl")
        self.lumbung = stage.program("lumbung", "LUMBUNG_BIN")
        self.bench = stage.program("lumbung-bench", "LUMBUNG_BENCH_BIN")

    def corpus(self, path: str, devices: int, messages: int, rate: float, start: Optional[float] = None) -> Dict[str, Any]:
        """The simulated district's messages; `start` in seconds since 1970 is when its devices begin."""
        command = [self.bench, "corpus", "--devices", str(devices), "--messages", str(messages), "--rate", str(rate)]
        if start is not None:
            command += ["--start", str(int(start * 1000))]
        return json.loads(subprocess.run([*command, path], check=True, stdout=subprocess.PIPE).stdout)


class Talker:
    """One of our C programs, which says a line when it is ready and one of JSON at its end."""

    def __init__(self, command: List[str]):
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def ready(self) -> None:
        if not self.popen.stdout or not self.popen.stdout.readline():
            raise StageError(f"{self.popen.args}: ended before it was ready")

    def go(self) -> None:
        if self.popen.stdin:
            self.popen.stdin.write(b"go\n")
            self.popen.stdin.flush()

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def end(self, seconds: float) -> Dict[str, Any]:
        """Waits, and then asks it to end."""
        try:
            output, _ = self.popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.popen.terminate()
            output, _ = self.popen.communicate(timeout=60)
        line = output.decode().strip().splitlines()[-1:]
        return json.loads(line[0]) if line else {}


def broker(a_stage: Stage, name: str, extra: str = "") -> Process:
    """A fresh broker with our drop-in's settings, and room for a whole burst."""
    port = stage.free_port()
    folder = a_stage.path(name)
    os.makedirs(folder, exist_ok=True)
    text = stage.broker_settings(folder, port).replace("max_queued_bytes 67108864", "max_queued_bytes 4294967296")
    config = a_stage.write(name + ".conf", text + extra)
    process = a_stage.start_listening(name, [stage.mosquitto(), "-c", config], port)
    process.port = port  # type: ignore[attr-defined]
    return process


class Gateway:
    """The gateway as a user would run it, with the simulated district's sources, and a receiver."""

    def __init__(self, a_stage: Stage, programs: Programs, broker_port: int, name: str,
                 env: Optional[Dict[str, str]] = None):
        self.stage, self.name = a_stage, name
        self.folder = a_stage.path(name)
        os.makedirs(self.folder, exist_ok=True)
        self.admin_port, receiver_port = stage.free_port(), stage.free_port()
        token = a_stage.write(name + ".token", "a-token-of-the-benchmark\n", 0o600)
        self.receiver = a_stage.start_listening(name + "-receiver", [
            sys.executable, os.path.join(REPOSITORY, "Tools", "receiver.py"), "--listen", f"127.0.0.1:{receiver_port}",
            "--token-file", token, "--out", a_stage.path(name + ".ndjson")], receiver_port)
        with open(os.path.join(REPOSITORY, "Config", "simulated-district.toml"), encoding="utf-8") as file:
            text = file.read()
        for rule, scope, metric, limits, hold in MORE_ALARMS:
            text += f'\n[[alarm]]\nname = "{rule}"\n{scope}\nmetric = "{metric}"\n{limits}\nseverity = "warning"\n'
            text += f'for = "{hold}"\n' if hold else ""
        text += '\n[[alarm]]\nname = "panel-silent"\nclass = "videotron"\nmissing = "3m"\nseverity = "warning"\n'
        text += (f'\n[[uplink]]\nname = "central"\ntype = "http"\nurl = "http://127.0.0.1:{receiver_port}"\n'
                 f"token_file = {json.dumps(token)}\n")
        for table, key, value in (
            ("broker", "url", json.dumps(f"mqtt://127.0.0.1:{broker_port}")),
            ("store", "path", json.dumps(self.folder)), ("store", "max_size", '"4GiB"'),
            ("summary", "window", '"1m"'), ("summary", "grace", '"10s"'),
            ("admin", "listen", json.dumps(f"127.0.0.1:{self.admin_port}")),
        ):
            text = stage.set_key(text, table, key, value)
        self.config = a_stage.write(name + ".toml", text)
        self.process = Process(name, [programs.lumbung, "run", "--config", self.config], a_stage.path(name + ".log"),
                               env={**os.environ, **(env or {})})
        a_stage.processes.append(self.process)
        self.await_status("the gateway is connected", lambda s: s["broker"]["state"] == "connected", 60)

    @property
    def pid(self) -> int:
        return self.process.pid

    def status(self) -> Optional[Dict[str, Any]]:
        if not self.process.running:
            raise StageError(f"the gateway ended\n{self.process.tail()}")
        body = stage.get(self.admin_port, "/api/status")
        return None if body is None else json.loads(body)

    def await_status(self, what: str, condition: Any, seconds: float, every: float = 0.2) -> Dict[str, Any]:
        def probe() -> Optional[Dict[str, Any]]:
            report = self.status()
            return report if report is not None and condition(report) else None

        return await_value(what, probe, seconds, every, explain=lambda: json.dumps(self.status())[:2000])

    def stop(self) -> None:
        self.process.stop(60)
        self.receiver.stop()


def stopwatch() -> Any:
    began = time.monotonic()
    return lambda: time.monotonic() - began
