"""From the previous version, with a store that is full and a configuration that was changed."""

from __future__ import annotations

import os
import subprocess

import stage
from box import Box
from case import LONG, WORK, BoxCase, configuration, install, new_box, packages

# On top of the new version's files: what a package of before was like in what an upgrade looks at.
OLD_VERSION = "0.0.9~previous"


def previous() -> "list[str]":
    """The packages of the last release, where $PREVIOUS_DEBS names a folder of them; else the new ones with an older
    number and other configuration files."""
    folder = os.environ.get("PREVIOUS_DEBS")
    if folder:
        return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".deb"))
    made = []
    for path in packages():
        tree = os.path.join(WORK, "previous", os.path.basename(path))
        os.makedirs(os.path.dirname(tree), exist_ok=True)
        subprocess.run(["dpkg-deb", "--raw-extract", path, tree], check=True)
        edit(os.path.join(tree, "DEBIAN", "control"),
             lambda text: "\n".join(f"Version: {OLD_VERSION}" if line.startswith("Version:") else line
                                    for line in text.split("\n")))
        for name in ("etc/lumbung/gateway.toml", "etc/mosquitto/conf.d/lumbung.conf"):
            if os.path.exists(os.path.join(tree, name)):
                edit(os.path.join(tree, name), lambda text: text + "\n# As the version before had it.\n")
        subprocess.run(["dpkg-deb", "--build", "-Znone", "--root-owner-group", tree, tree + ".old.deb"], check=True,
                       stdout=subprocess.DEVNULL)
        made.append(tree + ".old.deb")
    return made


def edit(path: str, change: "object") -> None:
    with open(path, encoding="utf-8") as file:
        text = change(file.read())  # type: ignore[operator]
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Upgrade(BoxCase):
    max_size = "64MiB" if LONG else "16MiB"

    @classmethod
    def make_box(cls) -> Box:
        return new_box()

    def count(self) -> int:
        return int(self.box.run("sh", "-c", "lumbung messages --config /etc/lumbung/gateway.toml | wc -l"))

    def test_a_full_store_and_a_changed_configuration_survive(self) -> None:
        install(self.box, previous())
        self.give_token()
        text = configuration(max_size=self.max_size) + "\n# Ours.\n"
        self.configure(text)
        self.box.run("systemctl", "restart", "lumbung")
        self.await_connected()
        # No central server: what is sealed stays, until the store is full and the broker keeps what comes.
        load = self.start_load(rate=400, padding=12_000)
        limit = int(self.max_size.removesuffix("MiB")) << 20
        self.await_status("the store is full", lambda s: s["store"]["bytes"] > 0.85 * limit, 120)
        load.stop()
        before = self.await_status("all is derived", lambda s: s["derive"]["lag_segments"] == 0, 60)
        pid = self.box.main_pid("lumbung")

        output = install(self.box, packages(), "--force-confdef", "--force-confold")

        self.assertNotIn("rror", output)
        self.await_new_pid("lumbung", pid, 20)
        after = self.await_connected()
        self.assertEqual(self.box.read("/etc/lumbung/gateway.toml"), text, "the configuration was kept")
        self.assertEqual(self.box.run("stat", "--format=%a %U:%G", "/etc/lumbung/gateway.toml"), "640 root:lumbung")
        self.assertNotIn("As the version before", self.box.read("/etc/mosquitto/conf.d/lumbung.conf"),
                         "what nobody changed is the new version's")
        self.assertGreaterEqual(
            after["uplinks"][0]["pending_records"], before["uplinks"][0]["pending_records"], "records were lost")
        self.assertFalse([name for name in os.listdir(self.box.path("/var/lib/lumbung")) if ".damaged" in name])
        self.assertGreater(self.count(), 0)

        self.start_receiver()
        self.await_status("everything is delivered", lambda s: s["uplinks"][0]["pending_records"] == 0, 120)
        self.assertEqual(self.box.run("systemctl", "--failed", "--no-legend", "--plain"), "")
        self.assertIsNotNone(stage.get(8470, "/metrics"))
