"""What the tests on a box share: the packages, a box with them installed, a receiver outside, and ways to wait."""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
import time
import unittest
from typing import Any, Callable, Dict, List, Optional, Tuple

import stage
from box import Box
from harness import CAMERAS, source_toml
from stage import Process, Stage, StageError, await_value

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
TOOLS = os.path.join(REPOSITORY, "Tools")
LONG = bool(os.environ.get("LUMBUNG_BOX_LONG"))
WORK = os.environ.get("LUMBUNG_BOX_WORK", "")

BROKER_PORT = 1883
ADMIN_PORT = 8470
CENTRAL_PORT = 8480
# Outside of the box, on the network that it shares with the test.
RECEIVER_PORT = 8490
TAP_PORT = 8483

WINDOW_SECONDS = 2
GRACE_SECONDS = 1
LATENESS_SECONDS = 86_400
TOKEN = "a-token-of-the-box-tests"


def packages() -> List[str]:
    """The gateway's and the receiver's, as `make deb` made them."""
    folder = os.environ.get("DEBS", os.path.join(REPOSITORY, ".build", "deb"))
    found = sorted(glob.glob(os.path.join(folder, "lumbung*.deb")))
    if len(found) != 2:
        raise StageError(f"{folder} must hold the two packages, and holds {found}; run `make deb`")
    return found


def install(box: Box, paths: List[str], *options: str) -> str:
    """By dpkg alone: nothing is fetched, so what they depend on must be there."""
    os.makedirs(box.path("/tmp/packages"), exist_ok=True)
    inside = []
    for path in paths:
        name = f"/var/tmp/{os.path.basename(path)}"
        subprocess.run(["cp", path, box.path(name)], check=True)
        inside.append(name)
    output = box.run("dpkg", *options, "--install", *inside, seconds=300)
    box.run("rm", *inside)
    return output


def new_box() -> Box:
    """With nothing of ours on it."""
    return Box(os.environ["LUMBUNG_BOX_IMAGE"], WORK)


def installed_box() -> Box:
    """A copy of one on which the packages were installed; that one is made once."""
    image = os.path.join(WORK, "installed.img")
    if not os.path.exists(image):
        box = new_box()
        try:
            box.boot()
            install(box, packages())
            box.power_off()
            os.rename(box.image, image)
            open(box.image, "wb").close()
        finally:
            box.close()
    return Box(image, WORK)


def configuration(broker_port: int = BROKER_PORT, max_size: str = "256MiB", extra: str = "") -> str:
    return f"""\
[gateway]
id       = "box"
timezone = "Asia/Jakarta"

[broker]
url = "mqtt://127.0.0.1:{broker_port}"

[store]
path            = "/var/lib/lumbung"
max_size        = "{max_size}"
commit_interval = "200ms"

[summary]
window   = "{WINDOW_SECONDS}s"
grace    = "{GRACE_SECONDS}s"
lateness = "{LATENESS_SECONDS}s"

[time]
trust = "always"

[[uplink]]
name       = "central"
type       = "http"
url        = "http://127.0.0.1:{RECEIVER_PORT}"
# Given as a credential: there is no such file.
token_file = "/etc/lumbung/central.token"

[admin]
listen = "127.0.0.1:{ADMIN_PORT}"

{source_toml(CAMERAS)}
{extra}"""


DESCRIPTION = {
    "window_s": WINDOW_SECONDS, "grace_s": GRACE_SECONDS, "lateness_s": LATENESS_SECONDS, "trust": "always",
    "sources": [CAMERAS],
}


class BoxCase(unittest.TestCase):
    """A class of tests on one box, which is made and booted before the first and gone after the last."""

    box: Box
    stage: Stage

    @classmethod
    def make_box(cls) -> Box:
        return installed_box()

    @classmethod
    def setUpClass(cls) -> None:
        folder = os.path.join(WORK, cls.__name__)
        os.makedirs(folder)
        cls.stage = Stage(folder)
        cls.addClassCleanup(cls.stage.stop_all)
        cls.box = cls.make_box()
        cls.addClassCleanup(cls.box.close)
        cls.box.boot()

    # Players outside.

    @classmethod
    def start_receiver(cls) -> Process:
        token = cls.stage.write("token", TOKEN + "\n", 0o600)
        return cls.stage.start_listening(
            "receiver", [sys.executable, os.path.join(TOOLS, "receiver.py"), "--listen", f"127.0.0.1:{RECEIVER_PORT}",
                         "--token-file", token, "--out", cls.stage.path("received.ndjson")], RECEIVER_PORT)

    @classmethod
    def start_load(cls, rate: float, padding: int = 0, seconds: Optional[float] = None, name: str = "load") -> Process:
        command = [sys.executable, os.path.join(REPOSITORY, "Tests", "EndToEnd", "publisher.py"), "--broker",
                   f"127.0.0.1:{BROKER_PORT}", "--record", cls.stage.path(f"{name}.ndjson"), "--rate", str(rate),
                   "--padding", str(padding), "--devices", "20"]
        if seconds is not None:
            command += ["--for", str(seconds)]
        return cls.stage.start(name, command)

    @classmethod
    def give_token(cls) -> None:
        """As an administrator would: readable for root alone, in the place where systemd looks."""
        cls.box.write("/etc/credstore/lumbung.central.token", TOKEN + "\n", 0o600)

    @classmethod
    def configure(cls, text: str) -> None:
        cls.box.write("/etc/lumbung/gateway.toml", text, 0o640)

    # What they say.

    def status(self) -> Optional[Dict[str, Any]]:
        body = stage.get(ADMIN_PORT, "/api/status", timeout=2)
        return None if body is None else json.loads(body)

    def await_status(
        self, what: str, condition: Callable[[Dict[str, Any]], Any], seconds: float = 30
    ) -> Dict[str, Any]:
        seen: Dict[str, Any] = {}

        def probe() -> Optional[Dict[str, Any]]:
            seen["report"] = report = self.status()
            return report if report is not None and condition(report) else None

        def explain() -> str:
            log = "\n".join(self.box.log("lumbung")[-15:])
            return f"{json.dumps(seen.get('report'))[:2000]}\n{log}"

        return await_value(what, probe, seconds, explain=explain)

    def await_connected(self, seconds: float = 30) -> Dict[str, Any]:
        return self.await_status("the gateway has its broker", lambda s: s["broker"]["state"] == "connected", seconds)

    def await_new_pid(self, unit: str, before: int, seconds: float) -> int:
        """Another process than before runs as this unit."""
        def probe() -> Optional[int]:
            pid = self.box.main_pid(unit)
            return pid if pid not in (0, before) else None

        return await_value(f"{unit} runs again", probe, seconds, explain=lambda: "\n".join(self.box.log(unit)[-15:]))

    def stop(self, unit: str) -> Tuple[float, Dict[str, str]]:
        """How long it took by systemd's own clock, and how it ended."""
        began = time.monotonic()
        self.box.run("systemctl", "stop", unit)
        took = time.monotonic() - began
        return took, self.box.unit(unit, "Result", "ExecMainStatus", "ExecMainCode", "ActiveState")

    def require_notify(self) -> None:
        """What only a service that speaks to systemd can show."""
        kind = self.box.unit("lumbung", "Type")["Type"]
        if not kind.startswith("notify"):
            self.skipTest(f"lumbung.service is Type={kind}: it doesn't tell systemd how it is")
