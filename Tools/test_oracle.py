"""The oracle agrees with figures computed by hand, and finds every fault planted into them."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import oracle
import records

BASE = records.parse_time("2026-11-22T03:40:00Z")

DESCRIPTION = {
    "window_s": 60,
    "grace_s": 10,
    "lateness_s": 86_400,
    "trust": "always",
    "sources": [
        {
            "topic": "school/{site}/cctv/{cam}/telemetry",
            "device": "{site}/{cam}",
            "site": "{site}",
            "class": "camera",
            "interval_s": 30,
            "time": {"path": "/ts", "unit": "ms"},
            "metrics": [
                {"name": "camera.fps", "path": "/fps", "unit": "1/s", "kind": "gauge"},
                {"name": "optical.input-power", "path": "/rx", "unit": "dBm", "kind": "gauge"},
                {"name": "hw.network.io", "path": "/io", "unit": "By", "kind": "counter"},
                {"name": "frames", "path": "/up", "unit": "1", "kind": "counter"},
                {"name": "availability", "path": "/st", "kind": "state"},
                {"name": "motion", "path": "/mot", "kind": "event"},
            ],
        },
        {
            "topic": "ups/{id}/load",
            "format": "scalar",
            "device": "ups-{id}",
            "class": "other",
            "metrics": [{"name": "load", "path": "", "unit": "%", "kind": "gauge"}],
        },
        {"topic": "panel/{rest...}", "device": "{rest}", "class": "videotron", "time": {"path": "/t", "unit": "iso"}},
    ],
}


def camera(second: float, received: float, **readings: object) -> dict:
    """One report of sman1/cam-03; times are seconds after 03:40:00."""
    payload = {"ts": BASE // 1_000_000 + round(second * 1000)}
    payload.update(readings)
    return line("school/sman1/cctv/cam-03/telemetry", json.dumps(payload), received)


def line(topic: str, payload: str, received: float) -> dict:
    return {
        "segment": 1,
        "received": records.format_time(BASE + round(received * records.NS)),
        "topic": topic,
        "payload": payload,
        "qos": 1,
        "retained": False,
        "synchronised": True,
    }


MESSAGES = [
    # 03:40: a wrap of one counter (4294967000 → 296 is 592), a reset of another (700 → 40 counts 40).
    camera(10, 10.5, fps=24.0, rx=-20, io=4294967000, up=500, st="online", mot=1),
    camera(30, 30.5, fps=26.0, rx=-10, io=296, up=700, st="online", mot=2),
    camera(50, 50.5, fps=25.0, rx=-10, io=1296, up=40, st="offline"),
    line("ups/7/load", " 42.5\n", 59.9),
    line("ups/7/load", "forty", 60.0),
    line("other/topic", "1", 60.0),
    # 03:41 is silent. 03:42: two at the same second, then two that are earlier and equal to each other.
    camera(140, 140.5, fps=20, up=100, st="offline"),
    camera(140, 140.6, fps=22, up=130, st="online"),
    camera(125, 141.0, fps=21, up=90, st="online"),
    camera(125, 141.1, fps=23),
    # More than 24 h late: in no window. 03:43: too far ahead, and before 2020, are both taken as received.
    camera(141 - 86_401, 141.5, fps=99),
    camera(190 + 301, 190, fps=10),
    line("school/sman1/cctv/cam-03/telemetry", '{"ts":5000,"fps":12}', 191),
    # No metric table: every leaf but the time.
    line("panel/hall/1", '{"t":"2026-11-22T10:43:05+07:00","a":{"b":[3,"x"]},"on":true,"n":null}', 186),
]

EXPECTED = [
    {
        "type": "summary", "device": "sman1/cam-03", "class": "camera", "site": "sman1", "revision": 0,
        "start": "2026-11-22T03:40:00Z", "end": "2026-11-22T03:41:00Z", "received": 3, "expected": 2,
        "time_quality": "trusted",
        "metrics": {
            "camera.fps": {
                "kind": "gauge", "unit": "1/s", "count": 3, "min": 24, "max": 26, "sum": 75, "mean": 25,
                "stddev": 0.816496580927726, "first": 24, "last": 25, "p50": 25, "p95": 26, "p99": 26,
            },
            # (0.01 + 0.1 + 0.1) mW / 3 = 0.07 mW.
            "optical.input-power": {
                "kind": "gauge", "unit": "dBm", "count": 3, "min": -20, "max": -10, "sum": -40,
                "mean": -11.549019599857432, "stddev": 4.714045207910317, "first": -20, "last": -10,
                "p50": -10, "p95": -10, "p99": -10,
            },
            "hw.network.io": {
                "kind": "counter", "unit": "By", "count": 3, "first": 4294967000, "last": 1296, "increase": 1592,
                "resets": 0,
            },
            "frames": {
                "kind": "counter", "unit": "1", "count": 3, "first": 500, "last": 40, "increase": 240, "resets": 1,
            },
            "availability": {
                "kind": "state", "count": 3, "last": "offline", "changes": 1,
                "seconds": {"online": 40.0, "offline": 10.0},
            },
            "motion": {"kind": "event", "count": 3},
        },
    },
    {
        "type": "summary", "device": "sman1/cam-03", "class": "camera", "site": "sman1", "revision": 0,
        "start": "2026-11-22T03:41:00Z", "end": "2026-11-22T03:42:00Z", "received": 0, "expected": 2,
        "time_quality": "trusted",
        "metrics": {
            "availability": {"kind": "state", "count": 0, "last": "offline", "changes": 0, "seconds": {"offline": 60}},
        },
    },
    {
        "type": "summary", "device": "sman1/cam-03", "class": "camera", "site": "sman1", "revision": 1,
        "start": "2026-11-22T03:42:00Z", "end": "2026-11-22T03:43:00Z", "received": 4, "expected": 2,
        "time_quality": "trusted",
        "metrics": {
            # By time and arrival: 21, 23, 20, 22.
            "camera.fps": {
                "kind": "gauge", "unit": "1/s", "count": 4, "min": 20, "max": 23, "sum": 86, "mean": 21.5,
                "stddev": 1.118033988749895, "first": 21, "last": 22, "p50": 21, "p95": 23, "p99": 23,
            },
            # 40 was carried in: +50, +10, +30.
            "frames": {
                "kind": "counter", "unit": "1", "count": 3, "first": 90, "last": 130, "increase": 90, "resets": 0,
            },
            # offline until :05, online until :20, then offline for no time at all, then online.
            "availability": {
                "kind": "state", "count": 3, "last": "online", "changes": 3, "seconds": {"offline": 5, "online": 55},
            },
        },
    },
    {
        "type": "summary", "device": "sman1/cam-03", "class": "camera", "site": "sman1", "revision": 0,
        "start": "2026-11-22T03:43:00Z", "end": "2026-11-22T03:44:00Z", "received": 2, "expected": 2,
        "time_quality": "trusted",
        "metrics": {
            "camera.fps": {
                "kind": "gauge", "unit": "1/s", "count": 2, "min": 10, "max": 12, "sum": 22, "mean": 11,
                "stddev": 1, "first": 10, "last": 12, "p50": 10, "p95": 12, "p99": 12,
            },
            "availability": {
                "kind": "state", "count": 0, "last": "online", "changes": 0, "seconds": {"online": 60},
            },
        },
    },
    {
        "type": "summary", "device": "ups-7", "class": "other", "revision": 0,
        "start": "2026-11-22T03:40:00Z", "end": "2026-11-22T03:41:00Z", "received": 1, "time_quality": "trusted",
        "metrics": {
            "load": {
                "kind": "gauge", "unit": "%", "count": 1, "min": 42.5, "max": 42.5, "sum": 42.5, "mean": 42.5,
                "stddev": 0, "first": 42.5, "last": 42.5, "p50": 42.5, "p95": 42.5, "p99": 42.5,
            },
        },
    },
] + [
    {
        "type": "summary", "device": "ups-7", "class": "other", "revision": 0, "received": 0,
        "start": f"2026-11-22T03:4{minute}:00Z", "end": f"2026-11-22T03:4{minute + 1}:00Z",
        "time_quality": "trusted", "metrics": {},
    }
    for minute in (1, 2, 3)
] + [
    {
        "type": "summary", "device": "hall/1", "class": "videotron", "revision": 0, "received": 1,
        "start": "2026-11-22T03:43:00Z", "end": "2026-11-22T03:44:00Z", "time_quality": "trusted",
        "metrics": {
            "a.b.0": {
                "kind": "gauge", "unit": "1", "count": 1, "min": 3, "max": 3, "sum": 3, "mean": 3, "stddev": 0,
                "first": 3, "last": 3, "p50": 3, "p95": 3, "p99": 3,
            },
            "a.b.1": {"kind": "state", "count": 1, "last": "x", "changes": 0, "seconds": {"x": 55}},
            "on": {"kind": "state", "count": 1, "last": "true", "changes": 0, "seconds": {"true": 55}},
        },
    },
]

FIRST, SILENT, TIES, CLOCK = 0, 1, 2, 3
THROUGH = "2026-11-22T03:44:00Z"


def envelopes(summaries: list) -> list:
    """As a receiver writes them, with the state before the revision of 03:42, and records that don't matter here."""
    lines = [{"type": "alarm", "id": "x", "transition": "raised"}]
    for record in summaries:
        if record["revision"] > 0:
            before = copy.deepcopy(record)
            before["revision"] = 0
            before["received"] = 2
            lines.append(before)
        lines.append(record)
    lines.reverse()  # the order of arrival decides nothing
    return [
        {"gateway": "g", "epoch": "e", "generation": 0, "lane": "summary", "record": dict(record, seq=number)}
        for number, record in enumerate(lines, 1)
    ]


def run(received: list, messages: list = MESSAGES, through: str = THROUGH) -> tuple:
    """The oracle as a program: its exit code and what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, lines in (("messages", messages), ("received", received), ("description", [DESCRIPTION])):
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.writelines(json.dumps(item) + "\n" for item in lines)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = oracle.main(
                ["--messages", paths[0], "--received", paths[1], "--description", paths[2], "--through", through]
            )
        return code, output.getvalue()


class Agreement(unittest.TestCase):
    maxDiff = None

    def test_agrees_with_figures_computed_by_hand(self) -> None:
        code, output = run(envelopes(EXPECTED))
        self.assertEqual(code, 0, output)
        self.assertIn("14 messages (1 refused, 1 too late, 1 of no source), 3 devices, 9 records, 0 diff", output)

    def test_windows_after_the_horizon_may_be_missing(self) -> None:
        self.assertEqual(run(envelopes([r for r in EXPECTED if r["end"] < THROUGH]), through=EXPECTED[0]["end"])[0], 0)

    def test_a_window_after_the_horizon_must_be_right_all_the_same(self) -> None:
        wrong = copy.deepcopy(EXPECTED)
        wrong[CLOCK]["received"] = 3
        self.assertEqual(run(envelopes(wrong), through=EXPECTED[0]["end"])[0], 1)

    def test_a_percentile_may_be_off_by_less_than_one_percent(self) -> None:
        near = copy.deepcopy(EXPECTED)
        near[FIRST]["metrics"]["camera.fps"]["p95"] = 26 * 1.009
        self.assertEqual(run(envelopes(near))[0], 0)

    def test_a_void_record_counts_as_none(self) -> None:
        voided = dict(EXPECTED[FIRST], start="2026-11-22T03:30:00Z", end="2026-11-22T03:31:00Z", void=True)
        self.assertEqual(run(envelopes(EXPECTED + [voided]))[0], 0)

    def test_unusable_input_is_told_apart_from_a_difference(self) -> None:
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = oracle.main(["--messages", "/nowhere/m", "--received", "/nowhere/r", "--description", "/nowhere/d"])
        self.assertEqual(code, 2)
        self.assertIn("/nowhere/d: No such file", errors.getvalue())


class PlantedFaults(unittest.TestCase):
    """Each plants one fault into a copy of the right output; the oracle must name the record and the field."""

    def assertFound(self, summaries: list, *fragments: str) -> None:
        code, output = run(envelopes(summaries))
        self.assertEqual(code, 1, output)
        self.assertTrue(any(all(part in line for part in fragments) for line in output.splitlines()), output)

    def setUp(self) -> None:
        self.copy = copy.deepcopy(EXPECTED)

    def metric(self, record: int, name: str) -> dict:
        return self.copy[record]["metrics"][name]

    def test_1_a_reading_counted_twice(self) -> None:
        self.copy[FIRST]["received"] = 4
        fps = self.metric(FIRST, "camera.fps")
        fps.update(count=4, sum=101, mean=25.25)
        self.assertFound(self.copy, "sman1/cam-03 [2026-11-22T03:40:00Z", "received: expected 3, got 4")

    def test_2_a_reading_lost(self) -> None:
        self.metric(FIRST, "motion")["count"] = 1
        self.assertFound(self.copy, "03:40:00Z", "motion.count: expected 3.0, got 1")

    def test_3_a_wrong_maximum(self) -> None:
        self.metric(FIRST, "camera.fps")["max"] = 25.999
        self.assertFound(self.copy, "camera.fps.max: expected 26.0, got 25.999")

    def test_4_a_percentile_off_by_three_percent(self) -> None:
        self.metric(TIES, "camera.fps")["p50"] = 21 * 1.03
        self.assertFound(self.copy, "03:42:00Z", "camera.fps.p50: expected 21.0")

    def test_5_a_wrong_increase_over_a_reset(self) -> None:
        self.metric(FIRST, "frames")["increase"] = 200
        self.assertFound(self.copy, "frames.increase: expected 240.0, got 200")

    def test_6_seconds_shifted_across_a_border(self) -> None:
        self.metric(FIRST, "availability")["seconds"] = {"online": 40, "offline": 9}
        self.metric(SILENT, "availability")["seconds"] = {"offline": 61}
        self.assertFound(self.copy, "03:40:00Z", "availability.seconds.offline: expected 10.0, got 9")
        self.assertFound(self.copy, "03:41:00Z", "availability.seconds.offline: expected 60.0, got 61")

    def test_7_a_silent_window_missing(self) -> None:
        del self.copy[SILENT]
        self.assertFound(self.copy, "03:41:00Z", "received 0", "got nothing")

    def test_8_the_wrong_one_of_two_at_the_same_time(self) -> None:
        self.metric(TIES, "camera.fps")["first"] = 23
        self.assertFound(self.copy, "camera.fps.first: expected 21.0, got 23")
        self.metric(TIES, "camera.fps").update(first=21, last=20)
        self.assertFound(self.copy, "camera.fps.last: expected 22.0, got 20")

    def test_9_a_stale_revision(self) -> None:
        self.copy[TIES].update(revision=0, received=2)
        self.assertFound(self.copy, "03:42:00Z", "received: expected 4, got 2")

    def test_10_a_record_too_many(self) -> None:
        self.copy.append(dict(self.copy[FIRST], device="sman1/cam-04"))
        self.assertFound(self.copy, "sman1/cam-04", "expected nothing")

    def test_two_contents_under_one_version(self) -> None:
        self.copy.append(dict(self.copy[SILENT], received=1))
        self.assertFound(self.copy, "03:41:00Z", "two contents under generation 0, revision 0")

    def test_every_single_number_matters(self) -> None:
        """Whatever figure of whatever record is moved by 2 %, plus 2, is found."""
        planted = 0
        for index, record in enumerate(EXPECTED):
            for name, metric in record["metrics"].items():
                for field, value in metric.items():
                    if field in ("kind", "unit"):
                        continue
                    moved = copy.deepcopy(EXPECTED)
                    target = moved[index]["metrics"][name]
                    if field == "seconds":
                        target[field] = {state: length * 1.02 + 2 for state, length in value.items()}
                    elif field == "last" and isinstance(value, str):
                        target[field] = value + "!"
                    else:
                        target[field] = value * 1.02 + 2
                    self.assertEqual(run(envelopes(moved))[0], 1, f"{name}.{field}")
                    planted += 1
        self.assertGreater(planted, 80)


class Retirement(unittest.TestCase):
    def test_a_device_retires_after_a_day_of_silence_and_comes_back(self) -> None:
        heard = oracle.Oracle(DESCRIPTION)
        for second in (0, 86_400 * 2):
            heard.feed(
                oracle.Message("ups/1/load", b"1", BASE + second * records.NS, False, True)
            )
        found = heard.expected(BASE + (86_400 * 2 + 60) * records.NS)
        retired = [start for (_, start), record in found.items() if record.get("retired")]
        self.assertEqual(retired, [BASE + (86_400 - 60) * records.NS])
        self.assertEqual(len(found), 86_400 // 60 + 1)
        self.assertEqual(found[("ups-1", BASE + 86_400 * 2 * records.NS)]["received"], 1)


class Retained(unittest.TestCase):
    def test_a_retained_message_sets_a_state_and_counts_nothing(self) -> None:
        heard = oracle.Oracle(DESCRIPTION)
        first, *_ = MESSAGES
        heard.feed(
            oracle.Message(first["topic"], b'{"st":"offline","fps":1}', BASE - 30 * records.NS, True, True)
        )
        heard.feed(
            oracle.Message(first["topic"], first["payload"].encode(), BASE + 11 * records.NS, False, True)
        )
        found = heard.expected(BASE + 60 * records.NS)
        self.assertEqual(list(found), [("sman1/cam-03", BASE)])
        state = found[("sman1/cam-03", BASE)]["metrics"]["availability"]
        self.assertEqual((state["count"], state["changes"]), (1, 1))
        self.assertEqual(state["seconds"], {"offline": 10.0, "online": 50.0})


if __name__ == "__main__":
    unittest.main()
