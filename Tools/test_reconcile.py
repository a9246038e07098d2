"""The reconciliation balances what is right, and fails where either side is altered by a single message."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import reconcile
import records
from records import NS

BASE = records.parse_time("2026-11-22T03:40:00Z")
WINDOW = 10
DESCRIPTION = {"window_s": WINDOW, "grace_s": 2, "lateness_s": 3600}


def at(seconds: float) -> str:
    return records.format_time(BASE + round(seconds * NS))


class Scene:
    """A minute of a small district, and the summaries that it must give."""

    def __init__(self, seed: int = 1):
        dice = random.Random(seed)
        self.lines: list = [{"format": "publications", "seed": seed}]
        self.counts: dict = {}
        for n in range(1, 301):
            published = n / 5
            message = {
                "n": n, "topic": f"t/{n % 7}", "payload": str(n), "qos": 1, "retain": False,
                "published_at": at(published), "kind": "reading",
            }
            if n % 20 == 0:
                message.update(kind="rubbish", devices=[], payload_b64="/wA=")
                del message["payload"]
            elif n % 31 == 0:
                message.update(kind="late", devices=["cam-late"], time=at(published - 7200))
            elif n % 11 == 0:
                # Without a time: counted where it was received, half a second later at most.
                message.update(kind="no-time", devices=["ups"])
                self._count("ups", published + dice.random() / 2)
            elif n % 13 == 0:
                message.update(kind="stats", devices=["frigate", "frigate/a"], time=at(published - 0.3))
                self._count("frigate", published - 0.3)
                self._count("frigate/a", published - 0.3)
            else:
                name = f"cam-{n % 7}"
                shift = dice.choice([-15, -0.2, -0.2, -0.2])
                message.update(devices=[name], time=at(published + shift))
                if n % 17 == 0:
                    message["payload"] = "the same"
                self._count(name, published + shift)
            self.lines += [message, {"ack": n}]

    def _count(self, device: str, seconds: float) -> None:
        window = int(seconds // WINDOW)
        self.counts[(device, window)] = self.counts.get((device, window), 0) + 1

    def received(self, counts: dict = None) -> list:
        """Every window in two versions, of which the first, lower one says something else; and silent windows."""
        lines = []
        counts = dict(self.counts if counts is None else counts)
        for device in {device for device, _ in counts}:
            for window in range(-2, 8):
                counts.setdefault((device, window), 0)
        for (device, window), count in sorted(counts.items()):
            for revision, number in ((1, count), (0, count // 2)):
                lines.append(
                    {
                        "gateway": "g", "epoch": "e", "generation": 0, "lane": "summary",
                        "record": {
                            "seq": len(lines) + 1, "type": "summary", "device": device, "class": "camera",
                            "start": at(window * WINDOW), "end": at((window + 1) * WINDOW), "revision": revision,
                            "received": number, "metrics": {},
                        },
                    }
                )
        return lines


def run(published: list, received: list, *options: str) -> tuple:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, lines in (("record", published), ("received", received), ("description", [DESCRIPTION])):
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = reconcile.main(
                ["--record", paths[0], "--receiver", paths[1], "--description", paths[2], *options]
            )
        return code, output.getvalue()


class Balance(unittest.TestCase):
    def test_what_is_right_balances(self) -> None:
        for seed in range(5):
            scene = Scene(seed)
            code, output = run(scene.lines, scene.received())
            self.assertEqual(code, 0, output)
            self.assertIn("balances: ", output)

    def test_the_table_accounts_for_every_message(self) -> None:
        scene = Scene()
        _, output = run(scene.lines, scene.received(), "--devices")
        lines = {line[:40].strip(): line[40:].split()[0] for line in output.splitlines() if line[40:].strip()}
        self.assertEqual(lines["published"], "300")
        self.assertEqual(lines["acknowledged by the broker"], "300")
        self.assertEqual(lines["that nobody must count"], "15")
        self.assertEqual(lines["too late"], "9")
        self.assertEqual(lines["that several devices count"], "20")
        self.assertEqual(lines["with readings"], "276")
        self.assertEqual(lines["counted in summaries"], "296")
        self.assertEqual(lines["difference"], "0")
        self.assertIn("rubbish 15", output)

    def test_epochs_add_up(self) -> None:
        scene = Scene()
        lines = scene.received()
        last = max(n for n, line in enumerate(lines) if line["record"]["received"] > 1 and line["record"]["revision"])
        rest = copy.deepcopy(lines[last])
        lines[last]["record"]["received"] -= 1
        rest["epoch"] = "another"
        rest["record"]["received"] = 1
        self.assertEqual(run(scene.lines, lines + [rest])[0], 0)

    def test_a_message_that_was_not_acknowledged_may_be_counted_or_not(self) -> None:
        scene = Scene()
        without = [line for line in scene.lines if line != {"ack": 1}]
        self.assertEqual(run(without, scene.received())[0], 0)
        window = (records.parse_time(scene.lines[1]["time"]) - BASE) // (WINDOW * NS)
        fewer = dict(scene.counts)
        fewer[("cam-1", window)] -= 1
        self.assertEqual(run(without, scene.received(fewer))[0], 0)
        fewer[("cam-1", window)] -= 1
        self.assertEqual(run(without, scene.received(fewer))[0], 1)

    def test_open_windows_are_left_out_beyond_the_horizon(self) -> None:
        scene = Scene()
        sealed = {key: count for key, count in scene.counts.items() if key[1] < 4}
        lines = [line for line in scene.received(sealed) if line["record"]["end"] <= at(40)]
        self.assertEqual(run(scene.lines, lines)[0], 1)
        self.assertEqual(run(scene.lines, lines, "--through", at(40))[0], 0)
        self.assertEqual(run(scene.lines, lines, "--through", "sealed")[0], 0)

    def test_what_may_be_counted_or_not_is_no_difference(self) -> None:
        def number(label: str, output: str) -> str:
            return next(line[40:].split()[0] for line in output.splitlines() if line[:40].strip() == label)

        scene = Scene()
        without = [line for line in scene.lines if line != {"ack": 1}]
        _, output = run(without, scene.received())
        self.assertEqual(number("perhaps one more each for", output), "1")
        self.assertEqual(number("difference", output), "0")
        more = dict(scene.counts)
        more[("cam-1", 0)] += 1
        self.assertEqual(number("difference", run(without, scene.received(more))[1]), "1")


class OneMessage(unittest.TestCase):
    """Altering either side by one message makes it fail."""

    def setUp(self) -> None:
        self.scene = Scene()

    def assertFails(self, published: list, received: list, fragment: str = "") -> None:
        code, output = run(published, received)
        self.assertEqual(code, 1, output)
        self.assertIn("DOES NOT BALANCE", output)
        self.assertIn(fragment, output)

    def test_any_window_that_counts_one_more_or_one_less(self) -> None:
        for key in sorted(self.scene.counts):
            for step in (1, -1):
                altered = dict(self.scene.counts)
                altered[key] += step
                with self.subTest(key=key, step=step):
                    self.assertFails(self.scene.lines, self.scene.received(altered), f"({step:+d})")

    def test_any_acknowledged_message_gone_from_the_publishers_side(self) -> None:
        received = self.scene.received()
        for n in range(1, 301, 3):
            message = self.scene.lines[n * 2 - 1]
            if not message["devices"] or message["kind"] == "late":
                continue
            without = [line for line in self.scene.lines if line.get("n", line.get("ack")) != n]
            with self.subTest(n=n):
                self.assertFails(without, received)

    def test_a_message_more_on_the_publishers_side(self) -> None:
        extra = dict(self.scene.lines[1], n=999)
        self.assertFails(self.scene.lines + [extra, {"ack": 999}], self.scene.received(), "(-1)")

    def test_a_message_counted_in_the_wrong_window(self) -> None:
        moved = dict(self.scene.counts)
        moved[("cam-1", 2)] -= 1
        moved[("cam-1", 3)] += 1
        self.assertFails(self.scene.lines, self.scene.received(moved), "1 fewer than was published")

    def test_a_message_without_a_time_counted_far_from_its_receipt(self) -> None:
        moved = dict(self.scene.counts)
        moved[("ups", 1)] -= 1
        moved[("ups", 5)] += 1
        self.assertFails(self.scene.lines, self.scene.received(moved), "more than was published")

    def test_rubbish_that_was_counted(self) -> None:
        altered = dict(self.scene.counts)
        altered[("rubbish", 1)] = 1
        self.assertFails(self.scene.lines, self.scene.received(altered), "nothing was published for it")

    def test_a_late_message_that_was_counted(self) -> None:
        altered = dict(self.scene.counts)
        altered[("cam-late", -2)] = 1
        self.assertFails(self.scene.lines, self.scene.received(altered), "nothing was published for it")

    def test_a_highest_version_that_is_void(self) -> None:
        lines = self.scene.received()
        voided = copy.deepcopy(next(line for line in lines if line["record"]["received"] > 0))
        voided["record"].update(revision=2, void=True)
        self.assertFails(self.scene.lines, lines + [voided])

    def test_a_device_that_never_arrived(self) -> None:
        lines = [line for line in self.scene.received() if line["record"]["device"] != "ups"]
        self.assertFails(self.scene.lines, lines, "counted 0")


class Unusable(unittest.TestCase):
    def test_a_record_that_says_not_who_should_count(self) -> None:
        scene = Scene()
        del scene.lines[1]["devices"]
        self.assertEqual(run(scene.lines, scene.received())[0], 2)

    def test_an_acknowledgement_of_a_message_that_is_not_listed(self) -> None:
        scene = Scene()
        code, output = run(scene.lines + [{"ack": 4711}], scene.received())
        self.assertEqual(code, 2)
        self.assertIn("4711", output)

    def test_a_damaged_line_is_named(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "record")
            with open(path, "w", encoding="utf-8") as file:
                file.write('{"n":1\n{"ack":1}\n')
            with self.assertRaisesRegex(records.Unreadable, "record:1"):
                records.read_published(path)

    def test_a_last_line_still_being_written_is_left_out(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "record")
            with open(path, "w", encoding="utf-8") as file:
                file.write(json.dumps(Scene().lines[1]) + "\n" + '{"ac')
            self.assertEqual(len(records.read_published(path)), 1)


class Dealing(unittest.TestCase):
    def test_the_most_urgent_goes_first(self) -> None:
        claims = [reconcile.Claim(1, 0, 1, True), reconcile.Claim(2, 0, 0, True)]
        self.assertEqual(reconcile.deal(claims, {0: 1, 1: 1}), ({}, {}))
        self.assertEqual(reconcile.deal(claims, {1: 2}), ({1: 1}, {0: 1}))

    def test_agrees_with_trying_every_way(self) -> None:
        dice = random.Random(7)
        for _ in range(300):
            claims = []
            for n in range(dice.randrange(6)):
                first = dice.randrange(4)
                claims.append(reconcile.Claim(n, first, min(3, first + dice.randrange(3)), True))
            held = {window: dice.randrange(3) for window in range(4)}
            spare, homeless = reconcile.deal(claims, held)
            placed = sum(held.values()) - sum(spare.values())
            self.assertEqual(placed, len(claims) - sum(homeless.values()))
            self.assertEqual(placed, self.most(claims, held))

    def most(self, claims: list, held: dict) -> int:
        if not claims:
            return 0
        first, rest = claims[0], claims[1:]
        best = self.most(rest, held)
        for window in range(first.first, first.last + 1):
            if held.get(window, 0):
                best = max(best, 1 + self.most(rest, {**held, window: held[window] - 1}))
        return best


if __name__ == "__main__":
    unittest.main()
