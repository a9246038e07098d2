"""Damaged, foreign and newer files: found, set aside, told, and the gateway goes on without anybody's help."""

from __future__ import annotations

import glob
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
import unittest
from typing import Any, Dict, List, Optional

import harness
import pages
import stage
from harness import NS
from stage import await_value

sys.path.insert(0, os.path.join(harness.HERE, "..", "Faults"))

from disk import Disk, run  # noqa: E402

# What a service manager does: so often the gateway may end and be started again before it stays.
STARTS = 3


class Case(harness.Case):
    # One window over the whole test: its messages are read again at each start.
    window_seconds = 3600

    def setUp(self) -> None:
        super().setUp()
        self.dice = random.Random(7)
        self.journal_path = self.stage.path("store", "journal.db")
        self.outbox_path = self.stage.path("store", "outbox.db")
        self.starts = 0

    def load(self, messages: int = 3000) -> int:
        """Messages that don't compress, in many commits; gives how many are in the journal."""
        before = self.status()["journal"]["messages"]
        publisher = self.publisher(f"published-{time.time_ns()}.ndjson")
        camera = harness.publisher_camera(1)
        step = messages // 20
        for sent in range(step, messages + 1, step):
            for _ in range(step):
                report = json.loads(camera.report(time.time_ns()))
                report["noise"] = self.dice.randbytes(60).hex()
                publisher.publish(camera.topic, json.dumps(report).encode())
            publisher.drain()
            # Each step is in a commit of its own: what damage costs doesn't depend on how fast this machine is.
            held = self.await_journal(before + sent)
        publisher.close()
        return held["journal"]["messages"]

    def crash(self) -> None:
        self.gateway.kill()

    def restart(self) -> Dict[str, Any]:
        """Starts the gateway as a service manager would, until it stays and takes messages."""
        deadline = time.monotonic() + 60
        while True:
            self.starts += 1
            self.assertLessEqual(self.starts, STARTS, f"it doesn't stay\n{self.gateway.tail()}")
            process = self.stage.start("lumbung", [self.lumbung, "run", "--config", self.config])
            self.gateway = process

            def settled() -> Optional[str]:
                if not process.running:
                    return "ended"
                report = self.status() if stage.listens(self.admin_port) else None
                return "up" if report and report["broker"]["state"] == "connected" else None

            state = await_value("it is up, or has ended", settled, deadline - time.monotonic(), explain=process.tail)
            if state == "up":
                # Whatever is met while it begins to derive has been met.
                time.sleep(1.5)
                if process.running:
                    return self.status()

    def log(self) -> str:
        with open(self.gateway.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def aside(self, path: str) -> List[str]:
        return [name for name in sorted(glob.glob(path + ".damaged-*")) if not name.endswith(("-wal", "-shm"))]

    def assert_told(self, what: str, set_aside: Optional[str] = None) -> Dict[str, Any]:
        """In the status, as text and JSON, in the log, and to the central server."""
        report = self.await_status(f"{what} is told", lambda s: any(i["what"] == what for i in s["incidents"]))
        incident = next(i for i in report["incidents"] if i["what"] == what)
        self.assertTrue(incident["reason"])
        shown = self.run_lumbung("status", "--config", self.config)
        self.assertIn(f"{what}: {incident['reason']}"[:100], shown.stdout)
        as_json = json.loads(self.run_lumbung("status", "--config", self.config, "--json").stdout)
        self.assertIn(incident["id"], [i["id"] for i in as_json["incidents"]])
        self.assertIn(what, self.log())
        if set_aside:
            self.assertEqual(self.aside(set_aside), [incident["set_aside"]])
            # When and why.
            self.assertRegex(incident["set_aside"], r"\.damaged-\d{8}T\d{6}Z-[a-z-]+$")

        def arrived() -> bool:
            return any(incident["id"] in json.dumps(item) for item in self.received())

        await_value(f"{what} reaches the central server", arrived, 30)
        return incident

    def assert_goes_on(self) -> None:
        """Messages are taken, and another start finds nothing wrong."""
        before = self.status()["journal"]["messages"]
        self.assertGreaterEqual(self.load(200), before + 200)
        incidents = self.status()["incidents"]
        self.crash()
        self.starts = 0
        after = self.restart()
        self.assertEqual(self.starts, 1, self.gateway.tail())
        self.assertEqual(after["incidents"], incidents)

    def flip(self, path: str, start: float, end: float, count: int) -> None:
        """Flips a bit in `count` places of a part of the file."""
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            for _ in range(count):
                file.seek(self.dice.randrange(int(size * start), max(int(size * end), int(size * start) + 1)))
                byte = file.read(1)[0]
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte ^ 1 << self.dice.randrange(8)]))

    def settle(self, path: str) -> None:
        """Moves the log into the file, as a checkpoint does."""
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    def truncate(self, path: str, part: float) -> None:
        os.truncate(path, int(os.path.getsize(path) * part))

    def remove_log(self, path: str) -> None:
        for suffix in ("-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)


class Journal(Case):
    def begin(self) -> int:
        self.start_all()
        count = self.load()
        self.crash()
        return count

    def test_noise_in_the_pages_is_found_and_all_but_them_saved(self) -> None:
        count = self.begin()
        self.settle(self.journal_path)
        size = os.path.getsize(self.journal_path)
        with open(self.journal_path, "r+b") as file:
            for part in range(2, 9):
                file.seek(size * part // 10 // 1024 * 1024)
                file.write(self.dice.randbytes(1024))
        report = self.restart()
        incident = self.assert_told("journal-damaged", self.journal_path)
        self.assertGreater(incident["salvaged"], 2)
        self.assertGreater(report["journal"]["messages"], count // 4)
        self.assert_goes_on()

    def test_a_flipped_bit_in_a_segment_costs_that_segment_alone(self) -> None:
        count = self.begin()
        self.settle(self.journal_path)
        with open(self.journal_path, "rb") as file:
            content = file.read()
        # In the middle of a row's overflow pages: SQLite has no checksum of its own there.
        with sqlite3.connect(self.journal_path) as database:
            row = database.execute("SELECT id, content FROM segment WHERE length(content) > 8000 ORDER BY id LIMIT 1")
            number, frame = row.fetchone()
        database.close()
        place = content.find(frame[4000:4100])
        self.assertGreater(place, 0)
        with open(self.journal_path, "r+b") as file:
            file.seek(place + 50)
            file.write(bytes([content[place + 50] ^ 0x10]))
        report = self.restart()
        incident = self.assert_told("segment-damaged")
        self.assertEqual(incident["gaps"], str(number))
        self.assertGreaterEqual(report["journal"]["messages"], count)
        self.assertEqual(self.aside(self.journal_path), [])
        self.assert_goes_on()

    def test_a_flipped_bit_in_the_log_costs_no_more_than_its_commit(self) -> None:
        count = self.begin()
        self.flip(self.journal_path + "-wal", 0.4, 0.5, 3)
        report = self.restart()
        self.assert_told("journal-repaired")
        self.assertGreater(report["journal"]["messages"], count // 2)
        self.assert_goes_on()

    def test_a_file_that_was_cut_off_is_salvaged(self) -> None:
        count = self.begin()
        self.settle(self.journal_path)
        self.truncate(self.journal_path, 0.6)
        report = self.restart()
        self.assert_told("journal-damaged", self.journal_path)
        self.assertGreater(report["journal"]["messages"], count // 3)
        self.assert_goes_on()

    def foreign(self, content: bytes) -> None:
        self.begin()
        self.remove_log(self.journal_path)
        with open(self.journal_path, "wb") as file:
            file.write(content)
        self.restart()
        incident = self.assert_told("journal-damaged", self.journal_path)
        with open(incident["set_aside"], "rb") as file:
            self.assertEqual(file.read(), content)
        self.assert_goes_on()

    def test_a_file_that_is_no_database_is_set_aside(self) -> None:
        self.foreign(b"this is no database\n" * 500)

    def test_another_applications_database_is_set_aside(self) -> None:
        other = self.stage.path("other.db")
        with sqlite3.connect(other) as database:
            database.execute("PRAGMA application_id=77")
            database.execute("CREATE TABLE recipes(name)")
        database.close()
        with open(other, "rb") as file:
            self.foreign(file.read())

    def test_a_newer_schema_is_refused_and_not_a_byte_of_it_changes(self) -> None:
        self.begin()
        with sqlite3.connect(self.journal_path) as database:
            database.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
            database.execute("PRAGMA user_version=99")
        database.close()
        self.settle(self.journal_path)
        assert_refused_untouched(self, self.journal_path)


class Windows(Case):
    """Short windows, so that there is something in the outbox."""

    window_seconds = 5

    def begin(self) -> None:
        self.start_all()
        publisher = self.publisher("windows.ndjson")
        cameras = [harness.publisher_camera(number) for number in range(40)]
        until = self.window_after(self.window_after(time.time_ns()))
        self.pace(publisher, 100, until,
                  lambda: publisher.publish(*(lambda c: (c.topic, c.report(time.time_ns())))(self.dice.choice(cameras))))
        publisher.close()
        self.await_status("windows are sealed", lambda s: s["derive"]["sealed_windows"] > 20, 30)
        self.crash()


class Shortened(Windows):
    def test_a_journals_log_that_was_cut_off_is_told_by_what_was_derived_already(self) -> None:
        self.begin()
        self.truncate(self.journal_path + "-wal", 0.3)
        self.restart()
        incident = self.assert_told("journal-shortened")
        self.assertTrue(incident["gaps"])
        self.assert_goes_on()


class Outbox(Windows):
    def test_noise_in_the_pages_is_found_and_it_is_made_anew(self) -> None:
        self.begin()
        self.settle(self.outbox_path)
        size = os.path.getsize(self.outbox_path)
        with open(self.outbox_path, "r+b") as file:
            for page in range(2, size // 4096 - 1):
                file.seek(page * 4096)
                file.write(self.dice.randbytes(64))
        self.restart()
        self.assert_told("outbox-damaged", self.outbox_path)
        self.assert_goes_on()

    def test_a_flipped_bit_in_the_log_loses_nothing_that_was_derived_from_the_journal(self) -> None:
        self.begin()
        self.flip(self.outbox_path + "-wal", 0.3, 0.5, 3)
        self.restart()
        self.assert_goes_on()

    def test_a_file_that_was_cut_off_is_made_anew(self) -> None:
        self.begin()
        self.settle(self.outbox_path)
        self.truncate(self.outbox_path, 0.5)
        self.restart()
        self.assert_told("outbox-damaged", self.outbox_path)
        self.assert_goes_on()

    def foreign(self, content: bytes) -> None:
        self.begin()
        self.remove_log(self.outbox_path)
        with open(self.outbox_path, "wb") as file:
            file.write(content)
        self.restart()
        incident = self.assert_told("outbox-damaged", self.outbox_path)
        with open(incident["set_aside"], "rb") as file:
            self.assertEqual(file.read(), content)
        self.assert_goes_on()

    def test_a_file_that_is_no_database_is_set_aside(self) -> None:
        self.foreign(b"this is no database\n" * 500)

    def test_another_applications_database_is_set_aside_whatever_its_version(self) -> None:
        for version in (0, 1, 99):
            other = self.stage.path(f"other-{version}.db")
            with sqlite3.connect(other) as database:
                database.execute(f"PRAGMA user_version={version}")
                database.execute("CREATE TABLE recipes(name)")
            database.close()
        with open(self.stage.path("other-99.db"), "rb") as file:
            self.foreign(file.read())

    def test_a_file_that_is_gone_is_made_anew_and_told(self) -> None:
        self.begin()
        self.remove_log(self.outbox_path)
        os.unlink(self.outbox_path)
        self.restart()
        self.assert_told("outbox-damaged")
        self.assert_goes_on()

    def test_a_newer_schema_is_refused_and_not_a_byte_of_it_changes(self) -> None:
        self.begin()
        with sqlite3.connect(self.outbox_path) as database:
            database.execute("ALTER TABLE derive_cursor ADD COLUMN novelty")
            database.execute("PRAGMA user_version=99")
        database.close()
        self.settle(self.outbox_path)
        pages.seal(self.outbox_path)
        assert_refused_untouched(self, self.outbox_path)


def assert_refused_untouched(test: Case, path: str) -> None:
    with open(path, "rb") as file:
        before = file.read()
    for _ in range(2):
        result = test.run_lumbung("run", "--config", test.config)
        test.assertIn(result.returncode, (74, 78), result.stderr)
        test.assertIn("99", result.stderr)
        test.assertIn("version", result.stderr)
        test.assertIn(path, result.stderr)
        with open(path, "rb") as file:
            test.assertEqual(file.read(), before)
    test.assertEqual(test.aside(path), [])


class Writers(Case):
    def test_a_second_gateway_on_the_same_store_is_refused_by_name(self) -> None:
        self.start_all()
        result = self.run_lumbung("run", "--config", self.config)
        self.assertEqual(result.returncode, 74)
        self.assertIn(self.journal_path, result.stderr)
        self.assertIn("another lumbung", result.stderr)
        self.assertTrue(self.gateway.running)
        self.await_connected()

    def test_tools_leave_a_stores_files_as_they_are(self) -> None:
        self.start_all()
        self.load(500)
        self.assertEqual(self.gateway.stop(), 0)
        before = self.contents()
        for command in (["messages", "--format", "ndjson"], ["status"], ["check"]):
            self.run_lumbung(command[0], "--config", self.config, *command[1:])
            self.assertEqual(self.contents(), before, command)

    def contents(self) -> Dict[str, bytes]:
        found = {}
        for path in (self.journal_path, self.outbox_path):
            for suffix in ("", "-wal"):
                with open(path + suffix, "rb") as file:
                    found[path + suffix] = file.read()
        return found


@unittest.skipUnless(os.geteuid() == 0, "mounting a file system needs root")
class ReadOnly(Case):
    """A file system that takes no writes, by an administrator's word or by the kernel's after an error."""

    def setUp(self) -> None:
        super().setUp()
        self.disk = Disk(self.stage.path("image"), self.stage.path("store"), 64)
        self.addCleanup(self.disk.close)
        # Before the disk is unmounted: cleanups run in reverse.
        self.addCleanup(lambda: self.gateway and self.gateway.kill())

    def publish(self, count: int) -> None:
        publisher = self.publisher(f"published-{time.time_ns()}.ndjson")
        camera = harness.publisher_camera(2)
        for _ in range(count):
            publisher.publish(camera.topic, camera.report(time.time_ns()))
        publisher.close()

    def test_at_the_start_it_is_told_and_waited_for(self) -> None:
        self.start_all()
        count = self.load(300)
        self.assertEqual(self.gateway.stop(), 0)
        run("mount", "-o", "remount,ro", self.disk.folder)
        self.gateway = self.stage.start("lumbung", [self.lumbung, "run", "--config", self.config])
        await_value("it is told", lambda: "Read-only file system" in self.log(), 10, explain=self.gateway.tail)
        self.publish(50)
        time.sleep(2)
        self.assertTrue(self.gateway.running, self.gateway.tail())
        self.assertLess(self.log().count("Read-only file system"), 4, "told once, not each second")
        run("mount", "-o", "remount,rw", self.disk.folder)
        writable = time.monotonic()
        await_value("it begins", lambda: stage.listens(self.admin_port), 10, explain=self.gateway.tail)
        self.await_journal(count + 50)
        self.assertLess(time.monotonic() - writable, 5)
        self.assertEqual(len(self.journal()), 350)

    def test_while_running_nothing_is_acknowledged_and_nothing_is_lost(self) -> None:
        self.start_all()
        self.load(300)
        run("mount", "-o", "remount,errors=remount-ro", self.disk.folder)
        device = subprocess.check_output(["findmnt", "-no", "SOURCE", self.disk.folder], text=True).strip()
        with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w", encoding="ascii") as file:
            file.write("the end-to-end tests")
        self.publish(50)

        def told() -> bool:
            report = self.status() if self.gateway.running and stage.listens(self.admin_port) else None
            return not self.gateway.running or bool(report and report["store"].get("refusal"))

        await_value("it is told", told, 15, explain=self.gateway.tail)
        self.assertRegex(self.log(), "read-?only|I/O error|disk I/O")
        self.gateway.stop()
        self.disk.unmount()
        subprocess.run(["e2fsck", "-fy", self.disk.image], stdout=subprocess.DEVNULL, check=False)
        self.disk.mount()
        self.restart()
        await_value("all that was published is there, once", lambda: len(self.journal()) >= 350, 15, every=0.5)
        self.assertEqual(len(self.journal()), 350)


if __name__ == "__main__":
    unittest.main()
