"""The packages on a fresh box: what they bring, what works at once, what stays and what goes."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time

import stage
from box import Box
from case import ADMIN_PORT, CENTRAL_PORT, BoxCase, configuration, install, new_box, packages

# Stripped; beyond it something of Foundation's ICU would be in it.
MOST_BYTES = 34_000_000


class FreshInstallation(BoxCase):
    before_installing: float

    @classmethod
    def make_box(cls) -> Box:
        return new_box()

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.before_installing = time.monotonic()
        install(cls.box, packages())

    def mode(self, path: str) -> str:
        """As `stat` in the box has it: mode, owner and group."""
        return self.box.run("stat", "--format=%a %U:%G", path)

    def test_the_gateway_runs_with_the_shipped_configuration(self) -> None:
        self.await_connected()
        self.assertEqual(stage.get(ADMIN_PORT, "/healthz"), b"ok\n")
        self.assertEqual(self.box.run("systemctl", "is-enabled", "lumbung"), "enabled")

    def test_the_receiver_runs_with_a_token_of_its_own(self) -> None:
        stage.await_value("the receiver answers", lambda: stage.get(CENTRAL_PORT, "/healthz"), 20,
                          explain=lambda: "\n".join(self.box.log("lumbung-central")))
        self.assertEqual(self.mode("/etc/lumbung-central/tokens"), "600 root:root")
        token = self.box.run("cat", "/etc/lumbung-central/tokens")
        self.assertRegex(token, r"\A[A-Za-z0-9_-]{32}\Z")
        self.assertIsNone(stage.get(CENTRAL_PORT, "/v1/batches"), "writing without a token")

    def test_nothing_failed_on_the_box(self) -> None:
        self.assertEqual(self.box.run("systemctl", "--failed", "--no-legend", "--plain"), "")

    def test_configuration_and_store_are_nobody_elses_business(self) -> None:
        self.await_connected()
        for path, expected in {
            "/etc/lumbung": "750 root:lumbung", "/etc/lumbung/gateway.toml": "640 root:lumbung",
            "/etc/lumbung/profiles": "750 root:lumbung", "/etc/lumbung-central": "700 root:root",
            "/var/lib/lumbung": "750 lumbung:lumbung",
        }.items():
            self.assertEqual(self.mode(path), expected, path)
        for name in os.listdir(self.box.path("/var/lib/lumbung")):
            mode = os.lstat(self.box.path(f"/var/lib/lumbung/{name}")).st_mode
            self.assertEqual(stat.S_IMODE(mode) & 0o027, 0, name)

    def test_a_technician_of_the_group_reads_the_journal_without_root(self) -> None:
        self.await_connected()
        as_nobody = ("setpriv", "--reuid=nobody", "--clear-groups")
        messages = ("lumbung", "messages", "--config", "/etc/lumbung/gateway.toml")
        self.assertEqual(self.box.exit_code(*as_nobody, "--regid=lumbung", *messages), 0)
        self.assertNotEqual(self.box.exit_code(*as_nobody, "--regid=nogroup", *messages), 0)

    def test_the_broker_took_its_settings(self) -> None:
        unit = self.box.unit("mosquitto", "ActiveState", "ExecMainStartTimestampMonotonic")
        self.assertEqual(unit["ActiveState"], "active")
        self.assertGreater(int(unit["ExecMainStartTimestampMonotonic"]), self.before_installing * 1e6,
                           "it runs on as it was before there was a drop-in")
        self.assertTrue(self.box.read("/etc/mosquitto/conf.d/lumbung.conf"))

    def test_only_libraries_of_the_distribution_are_needed(self) -> None:
        for program in ("lumbung", "lumbung-central"):
            needed = self.box.run("ldd", f"/usr/bin/{program}")
            self.assertNotIn("not found", needed)
            self.assertNotIn("swift", needed.lower())
            self.assertNotIn("Foundation", needed)

    def test_the_programs_are_small_and_hold_no_unicode_database(self) -> None:
        for program in ("lumbung", "lumbung-central"):
            path = self.box.path(f"/usr/bin/{program}")
            self.assertLess(os.path.getsize(path), MOST_BYTES, program)
            with open(path, "rb") as file:
                content = file.read()
            self.assertIsNone(re.search(rb"icudt\d+", content), f"{program} holds ICU's data")

    def test_every_command_has_its_manual_page(self) -> None:
        pages = {name.removesuffix(".gz") for name in os.listdir(self.box.path("/usr/share/man/man1"))}
        for program in ("lumbung", "lumbung-central"):
            self.assertIn(f"{program}.1", pages)
            text = self.box.run(program, "--help")
            commands = re.findall(r"^  ([a-z]+) ", text.partition("SUBCOMMANDS:")[2], re.MULTILINE)
            self.assertTrue(commands)
            for command in commands:
                self.assertIn(f"{program}-{command}.1", pages)
        self.assertTrue(os.path.exists(self.box.path("/usr/share/man/man5/gateway.toml.5.gz")))

    def test_bash_completes_commands_and_options(self) -> None:
        script = self.box.path("/usr/share/bash-completion/completions/lumbung")
        asked = f"""
            source {script}
            function=$(complete -p lumbung | sed 's/.*-F \\([^ ]*\\).*/\\1/')
            COMP_WORDS=(lumbung che); COMP_CWORD=1; COMP_LINE='lumbung che'; COMP_POINT=11
            $function lumbung che lumbung; echo "${{COMPREPLY[*]}}"
            unset COMPREPLY
            COMP_WORDS=(lumbung check --conf); COMP_CWORD=2; COMP_LINE='lumbung check --conf'; COMP_POINT=20
            $function lumbung --conf check; echo "${{COMPREPLY[*]}}"
        """
        lines = subprocess.run(["bash", "-c", asked], stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")
        self.assertEqual([line.strip() for line in lines[:2]], ["check", "--config"])

    def test_profiles_are_found_by_name(self) -> None:
        self.box.write("/root/profile.toml", configuration(
            extra='[[source]]\nname = "s"\ntopic = "shelly/#"\nformat = "profile:shelly-gen2"\n').replace(
                'token_file = "/etc/lumbung/central.token"\n', ""))
        self.assertIn("valid", self.box.run("lumbung", "check", "--config", "/root/profile.toml"))

    def test_the_list_of_parts_names_what_is_linked(self) -> None:
        import json

        for program in ("lumbung", "lumbung-central"):
            document = json.loads(self.box.read(f"/usr/share/doc/{program}/sbom.cdx.json"))
            names = {component["name"] for component in document["components"]}
            self.assertLessEqual({"swift-runtime", "hummingbird", "swift-nio", "libsqlite3-0"}, names)
            for component in document["components"]:
                self.assertTrue(component.get("version"), component["name"])


class Leaving(BoxCase):
    """In the order of their names: what was removed can't be purged before."""

    def test_1_removing_keeps_configuration_and_store(self) -> None:
        self.await_connected()
        self.box.run("dpkg", "--remove", "lumbung", "lumbung-central", seconds=300)
        self.assertFalse(os.path.exists(self.box.path("/usr/bin/lumbung")))
        for path in ("/etc/lumbung/gateway.toml", "/var/lib/lumbung/journal.db", "/etc/lumbung-central/tokens"):
            self.assertTrue(os.path.exists(self.box.path(path)), path)
        self.assertEqual(self.box.run("systemctl", "--failed", "--no-legend", "--plain"), "")
        self.assertIsNone(stage.get(ADMIN_PORT, "/healthz"))

    def test_2_installing_again_finds_what_was_kept(self) -> None:
        before = os.stat(self.box.path("/var/lib/lumbung/journal.db")).st_ino
        install(self.box, packages())
        self.await_connected()
        self.assertEqual(os.stat(self.box.path("/var/lib/lumbung/journal.db")).st_ino, before)

    def test_3_purging_leaves_nothing(self) -> None:
        self.box.run("dpkg", "--purge", "lumbung", "lumbung-central", seconds=300)
        for path in ("/etc/lumbung", "/etc/lumbung-central", "/var/lib/lumbung", "/var/lib/lumbung-central",
                     "/var/lib/private/lumbung-central", "/etc/mosquitto/conf.d/lumbung.conf", "/usr/share/lumbung",
                     "/usr/share/doc/lumbung", "/etc/systemd/system/multi-user.target.wants/lumbung.service"):
            self.assertFalse(os.path.lexists(self.box.path(path)), path)
        self.assertEqual(self.box.run("systemctl", "is-active", "mosquitto"), "active")
        self.assertEqual(self.box.run("systemctl", "--failed", "--no-legend", "--plain"), "")
