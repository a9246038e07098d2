"""What else could stand in the gateway's place. Each takes the same messages from the same broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import players
import stage
from players import Programs, broker
from stage import Stage, await_value
from usage import usage

HERE = os.path.dirname(os.path.abspath(__file__))
# Where `Tools/install-packages --bench` puts it.
THINGSBOARD = os.path.join(os.path.dirname(HERE), ".build", "benchmarks", "thingsboard", "bin", "thingsboard-gateway")
Peer = Callable[[Stage, Any, str], Dict[str, Any]]


def python_with_paho() -> Optional[str]:
    """The distribution's package is seen by the distribution's Python alone."""
    for program in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([program, "-c", "import paho.mqtt.client"], stderr=subprocess.DEVNULL).returncode == 0:
            return program
    return None


def available(programs: Programs, quick: bool) -> Iterator[Tuple[str, Peer]]:
    yield "bridge", bridge
    if python_with_paho() is None:
        return
    yield "script", script
    if os.access(THINGSBOARD, os.X_OK):
        yield "thingsboard", thingsboard


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
    process = a_stage.start("script", [str(python_with_paho()), os.path.join(HERE, "script_peer.py"), str(a_broker.port), database])
    log = a_stage.path("script.log")

    def lines() -> list:
        with open(log, encoding="ascii", errors="replace") as file:
            return file.read().split()

    await_value("the script has subscribed", lambda: "subscribed" in lines(), 15)
    seen = lambda: int(([line for line in lines() if line.isdigit()] or ["0"])[-1])  # noqa: E731
    return measure(bench, a_broker, process, corpus, 10_000 if bench.options.quick else 50_000, seen)


def thingsboard(a_stage: Stage, bench: Any, corpus: str) -> Dict[str, Any]:
    """ThingsBoard's own gateway, as it comes: it names the device by the topic, hands on the payload, and keeps what
    waits in files. A second broker stands in for the server."""
    a_broker = broker(a_stage, "broker")
    server = broker(a_stage, "server")
    counter = "server-counter"
    a_stage.start(counter, [str(python_with_paho()), os.path.join(HERE, "thingsboard_peer.py"), str(server.port)])

    def lines(name: str) -> list:
        with open(a_stage.path(name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    await_value("the server has subscribed", lambda: "subscribed" in lines(counter), 15)
    folder = a_stage.path("thingsboard")
    os.makedirs(os.path.join(folder, "data"))
    os.makedirs(os.path.join(folder, "logs"))
    write = lambda name, value: json.dump(value, open(os.path.join(folder, name), "w", encoding="utf-8"))  # noqa: E731
    unlimited = {name: "0:0," for name in (
        "rateLimits", "dpRateLimits", "messagesRateLimits", "deviceMessagesRateLimits", "deviceRateLimits",
        "deviceDpRateLimits")}
    write("tb_gateway.json", {
        "thingsboard": {
            "host": "127.0.0.1", "port": server.port, "remoteShell": False, "remoteConfiguration": False, "qos": 1,
            "statistics": {"enable": False}, "security": {"type": "accessToken", "accessToken": "bench"},
            "minPackSendDelayMS": 50, "minPackSizeToSend": 500, "checkConnectorsConfigurationInSeconds": 60, **unlimited},
        "storage": {"type": "file", "data_folder_path": os.path.join(folder, "data") + "/", "max_file_count": 1000,
                    "max_read_records_count": 100, "max_records_per_file": 10_000},
        "grpc": {"enabled": False},
        "connectors": [{"type": "mqtt", "name": "devices", "configuration": "mqtt.json"}]})
    raw = {"type": "raw", "key": "payload", "value": "[:]"}
    write("mqtt.json", {
        "broker": {"host": "127.0.0.1", "port": a_broker.port, "clientId": "thingsboard", "version": 5,
                   "maxMessageNumberPerWorker": 10, "maxNumberOfWorkers": 100, "cleanSession": False, "cleanStart": False,
                   "sessionExpiryInterval": 4_294_967_295, "security": {"type": "anonymous"}},
        "mapping": [{"topicFilter": "#", "subscriptionQos": 1, "converter": {
            "type": "bytes", "timeout": 60_000, "attributes": [], "timeseries": [raw],
            "deviceInfo": {"deviceNameExpressionSource": "topic", "deviceNameExpression": "(.+)",
                           "deviceProfileExpressionSource": "constant", "deviceProfileExpression": "default"}}}]})
    write("logs.json", {"version": 1, "root": {"level": "ERROR"}})
    process = a_stage.start("thingsboard-gateway", ["env", "-C", folder, f"TB_GW_CONFIG_DIR={folder}", THINGSBOARD])

    def seen() -> int:
        return int(([line for line in lines(counter) if line.isdigit()] or ["0"])[-1])

    def probe() -> bool:
        subprocess.run(["mosquitto_pub", "-p", str(a_broker.port), "-q", "1", "-t", "probe", "-m", "1"], check=True)
        return seen() > 0

    await_value("the gateway reports", probe, 60, 1, explain=lambda: "\n".join(lines("thingsboard-gateway")[-20:]))
    time.sleep(3)
    begun = seen()
    return measure(bench, a_broker, process, corpus, 5_000 if bench.options.quick else 20_000, lambda: seen() - begun)
