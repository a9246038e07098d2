"""Tests of receiver.py: it takes what the interface says, and refuses what was broken on purpose.

  python3 -m unittest Tools/test_receiver.py
"""

import copy
import gzip
import http.client
import json
import os
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import receiver  # noqa: E402
import receiver_checks  # noqa: E402

EPOCH = "0b6a9f0e-7a43-4a57-9a53-0d8a8f4b9f11"
ALARM = "6e7a2b7c-1a2b-5c3d-8e4f-0123456789ab"


def summary(seq, revision=0, minute=40, mean=24.0, **more):
    return dict({
        "seq": seq, "type": "summary", "device": "sman1/cam-03", "class": "camera", "site": "sman1",
        "start": f"2026-11-22T03:{minute}:00Z", "end": f"2026-11-22T03:{minute + 5}:00Z", "revision": revision,
        "received": 2, "expected": 10, "time_quality": "trusted", "metrics": {
            "camera.fps": {"kind": "gauge", "unit": "1/s", "count": 2, "min": mean - 1, "max": mean + 1,
                           "sum": 2 * mean, "mean": mean, "stddev": 1.0, "first": mean - 1, "last": mean + 1,
                           "p50": mean - 1, "p95": mean + 1, "p99": mean + 1},
            "hw.network.io{port=1}": {"kind": "counter", "unit": "By", "count": 2, "first": 1000, "last": 91000,
                                      "increase": 90000, "resets": 0},
            "availability": {"kind": "state", "count": 2, "last": "online", "changes": 1,
                             "seconds": {"online": 280.0, "offline": 20}},
            "motion": {"kind": "event", "count": 4}}}, **more)


def alarm(seq, transition="raised", **more):
    return dict({
        "seq": seq, "type": "alarm", "id": ALARM, "transition": transition, "device": "odp/1", "class": "fiber-node",
        "rule": "weak-light", "severity": "critical", "metric": "optical.input-power", "value": -28.1,
        "threshold": -27.0, "time": "2026-11-22T03:41:00.5Z", "message": "too weak"}, **more)


def batch(records, lane="summary", generation=0, **more):
    last = records[-1].get("through", records[-1]["seq"]) if records else 1
    first = records[0]["seq"] if records else 1
    return dict({"gateway": "oki-01", "epoch": EPOCH, "generation": generation, "lane": lane, "first": first,
                 "last": last, "records": records}, **more)


def key(body):
    stream = f"{body['stream']}/" if "stream" in body else ""
    return f"{body['epoch']}/{body['generation']}/{stream}{body['lane']}/{body['first']}-{body['last']}"


class ReceiverTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "out.ndjson")
        self.start()

    def start(self, faults=None):
        self.server = receiver.Server(("127.0.0.1", 0), b"secret", self.path, faults)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.server.ledger.file.close()

    def tearDown(self):
        self.stop()
        self.folder.cleanup()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=10)
        try:
            try:
                connection.request(method, path, body, headers or {})
            except BrokenPipeError:
                pass  # Refused by its length alone, before all of it was sent: the answer is there.
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers
        finally:
            connection.close()

    def post(self, body, raw=None, **changes):
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Authorization": "Bearer secret"}
        if isinstance(body, dict):
            headers["Idempotency-Key"] = key(body)
        headers.update({name.replace("_", "-"): value for name, value in changes.items()})
        data = raw if raw is not None else gzip.compress(json.dumps(body).encode())
        headers = {name: value for name, value in headers.items() if value is not None}
        status, answer, _ = self.request("POST", "/v1/batches", data, headers)
        return status, answer

    def get(self, path):
        return self.request("GET", path)[1]

    def assertAccepted(self, body, accepted, duplicates=0):
        self.assertEqual(self.post(body), (200, {"accepted": accepted, "duplicates": duplicates}))

    def assertRefused(self, body, word, status=400, **changes):
        found, answer = self.post(body, **changes)
        self.assertEqual(found, status, answer)
        self.assertIn(word, answer["reason"])
        return answer


class Taking(ReceiverTest):
    def test_each_kind_of_record_is_taken_once(self):
        self.assertAccepted(batch([summary(1), summary(2, minute=45)]), 2)
        self.assertAccepted(batch([summary(1), summary(2, minute=45)]), 0, 2)
        silent = alarm(3, "cleared")
        for name in ("metric", "value", "threshold"):
            del silent[name]
        self.assertAccepted(batch([alarm(1), {"seq": 2, "type": "novel", "x": 1}, silent], "alarm"), 3)
        self.assertAccepted(batch([
            {"seq": 1, "type": "status", "backlog_records": 7}, {"seq": 2, "type": "refused", "lane": "summary",
             "number": 4, "reason": "poison"}, {"seq": 3, "through": 9, "type": "dropped", "reason": "quota"}],
            "status"), 3)
        stats = self.get("/stats")
        self.assertEqual((stats["batches"], stats["repeated_batches"]), (4, 1))
        self.assertEqual((stats["records"], stats["duplicates"]), (8, 2))
        self.assertEqual((stats["summaries"], stats["alarms"], stats["others"]), (2, 2, 4))
        self.assertEqual((stats["holes"], stats["unknown_types"], stats["refused_batches"]), ({}, 1, 0))

    def test_a_silent_a_retired_a_void_and_a_group_record_are_taken(self):
        void = summary(4, 1, void=True)
        for name in ("metrics", "received", "expected", "time_quality"):
            del void[name]
        group = summary(3, received=0, metrics={})
        group["group"] = group.pop("device")
        del group["class"]
        self.assertAccepted(batch([
            summary(1, received=0, metrics={}, retired=True), summary(2, minute=45), group, void]), 4)

    def test_the_highest_version_stays(self):
        self.assertAccepted(batch([summary(1, 1, mean=10.0)]), 1)
        self.assertAccepted(batch([summary(2, 0, mean=20.0)]), 1)
        self.assertAccepted(batch([summary(1, 0, mean=30.0)], generation=1), 1)
        self.assertAccepted(batch([summary(3, 5, mean=40.0)]), 1)
        held = self.get("/dump")["summaries"]
        self.assertEqual([entry["record"]["metrics"]["camera.fps"]["mean"] for entry in held], [30.0])
        self.assertEqual(self.get("/stats")["stale"], 2)

    def test_holes_are_told(self):
        self.assertAccepted(batch([summary(3)]), 1)
        self.assertAccepted(batch([{"seq": 6, "through": 8, "type": "dropped", "reason": "quota"}]), 1)
        name = f"oki-01/{EPOCH}/0//summary"
        self.assertEqual(self.get("/stats")["holes"], {name: [[1, 2], [4, 5]]})
        self.assertAccepted(batch([summary(1, minute=45), summary(2, minute=50)]), 2)
        self.assertEqual(self.get("/stats")["holes"], {name: [[4, 5]]})

    def test_halves_of_a_batch_are_duplicates_of_it(self):
        self.assertAccepted(batch([summary(1), summary(2, minute=45)]), 2)
        self.assertAccepted(batch([summary(2, minute=45)]), 0, 1)

    def test_what_was_applied_is_there_after_a_restart_without_a_torn_line(self):
        self.assertAccepted(batch([summary(1), summary(2, minute=45)]), 2)
        self.assertAccepted(batch([alarm(1)], "alarm"), 1)
        before = self.get("/dump")
        self.stop()
        with open(self.path, "ab") as file:
            file.write(b'{"gateway":"oki-01","ep')
        self.start()
        self.assertEqual(self.get("/dump"), before)
        self.assertAccepted(batch([summary(2, minute=45), summary(3, minute=50)]), 1, 1)
        with open(self.path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual([line["record"]["seq"] for line in lines], [1, 2, 1, 3])
        self.assertEqual(set(lines[0]), {"gateway", "epoch", "generation", "lane", "record"})


class Refusing(ReceiverTest):
    def test_headers(self):
        good = batch([summary(1)])
        self.assertRefused(good, "bearer", 401, Authorization="Bearer wrong")
        self.assertRefused(good, "bearer", 401, Authorization=None)
        self.assertRefused(good, "Content-Type", Content_Type="text/plain")
        self.assertRefused(good, "Content-Encoding", Content_Encoding=None)
        self.assertRefused(good, "not taken", 415, Content_Encoding="zstd")
        self.assertRefused(good, "Idempotency-Key", Idempotency_Key=None)
        self.assertRefused(good, "Idempotency-Key", Idempotency_Key=key(good) + "0")
        self.assertEqual(self.get("/stats")["records"], 0)

    def test_bodies(self):
        good = batch([summary(1)])
        whole = gzip.compress(json.dumps(good).encode())
        self.assertRefused(good, "gzip", raw=b"{}")
        self.assertRefused(good, "gzip", raw=whole[:-4])
        self.assertRefused(good, "gzip", raw=whole + b"x")
        self.assertRefused(good, "JSON", raw=gzip.compress(b"\xff"))
        self.assertRefused(good, "JSON", raw=gzip.compress(b"["))
        self.assertRefused(good, "NaN", raw=gzip.compress(b'{"a":NaN}'))
        self.assertRefused(good, "twice", raw=gzip.compress(b'{"a":1,"a":1}'))
        self.assertRefused(good, "decompressed", 413, raw=gzip.compress(b" " * (receiver_checks.MAX_JSON + 1)))
        self.assertRefused(good, "more than", 413, raw=b"x" * (receiver.MAX_BODY + 1))

    def test_envelopes(self):
        for name, value, word in (
                ("gateway", "OKI 1", "gateway"), ("gateway", 1, "gateway"), ("epoch", "x", "epoch"),
                ("generation", -1, "generation"), ("generation", True, "generation"), ("lane", "other", "lane"),
                ("first", 0, "first"), ("last", 2, "last"), ("last", 1.0, "last"), ("first", 2, "seq"),
                ("records", [], "records"), ("records", {}, "records"), ("stream", "", "stream")):
            with self.subTest(name=name, value=value):
                self.assertRefused(dict(batch([summary(1)]), **{name: value}), word)

    def test_numbering(self):
        hole = batch([summary(1), summary(3, minute=45)])
        self.assertEqual(self.assertRefused(hole, '"seq" is 3 where 2')["index"], 1)
        self.assertRefused(batch([summary(1), summary(1, minute=45)]), '"seq" is 1 where 2')
        overlap = [{"seq": 1, "through": 4, "type": "dropped", "reason": "quota"}, summary(4)]
        self.assertRefused(batch(overlap), '"seq" is 4 where 5')

    def test_a_stream_counts_for_itself_and_stands_in_the_key(self):
        self.assertAccepted(batch([summary(1)]), 1)
        self.assertAccepted(batch([summary(1, mean=3.0, minute=45)], stream="cameras"), 1)
        self.assertRefused(
            batch([summary(1)], stream="north"), "Idempotency-Key", Idempotency_Key=key(batch([summary(1)])))

    def test_a_number_may_not_get_another_content(self):
        self.assertAccepted(batch([summary(1)]), 1)
        self.assertRefused(batch([summary(1, mean=3.0)]), "another content")
        self.assertRefused(batch([summary(1, mean=3.0), summary(2, minute=45)]), "another content")
        self.assertEqual(self.get("/stats")["records"], 1)

    def test_what_was_dropped_may_not_have_come_nor_come_after(self):
        self.assertAccepted(batch([summary(1), summary(2, minute=45)]), 2)
        dropped = {"seq": 2, "through": 4, "type": "dropped", "reason": "quota"}
        self.assertRefused(batch([dict(dropped, seq=1)]), "another content")
        self.assertRefused(batch([dict(dropped, seq=3, through=10**9)]), "at once")
        self.assertAccepted(batch([dict(dropped, seq=3)]), 1)
        self.assertAccepted(batch([dict(dropped, seq=3)]), 0, 1)
        self.assertRefused(batch([summary(4)]), "another record")

    def test_summaries(self):
        def metric(name, field, value):
            def change(record):
                if value is None:
                    del record["metrics"][name][field]
                else:
                    record["metrics"][name][field] = value
            return change

        def field(name, value):
            def change(record):
                if value is None:
                    del record[name]
                else:
                    record[name] = value
            return change

        changes = [field(name, None) for name in (
            "device", "class", "start", "end", "revision", "received", "time_quality", "metrics")]
        changes += [field(name, value) for name, value in (
            ("group", "g"), ("class", "lamp"), ("site", 1), ("start", "2026-11-22T03:41:00Z"),
            ("start", "2026-11-22 03:40:00"), ("start", "2026-02-30T03:40:00Z"), ("end", "2026-11-22T03:40:00Z"),
            ("revision", 0.0), ("revision", -1), ("received", "2"), ("expected", 10.5), ("time_quality", "good"),
            ("void", False), ("retired", 1), ("metrics", []))]
        changes += [metric("camera.fps", name, None) for name in (
            "kind", "count", "min", "max", "sum", "mean", "stddev", "first", "last", "p50", "p95", "p99")]
        changes += [metric("camera.fps", name, value) for name, value in (
            ("kind", "level"), ("unit", 1), ("count", 0), ("count", 2.0), ("min", 99), ("max", "25"), ("sum", 1),
            ("mean", True), ("stddev", -1), ("last", 99.0), ("p50", 99.0), ("p95", 1.0))]
        changes += [metric("hw.network.io{port=1}", name, value) for name, value in (
            ("increase", None), ("resets", None), ("first", None), ("last", "x"), ("increase", -1), ("resets", 0.5))]
        changes += [metric("availability", name, value) for name, value in (
            ("last", None), ("changes", None), ("seconds", None), ("last", 1), ("seconds", {"online": -1}),
            ("seconds", {"online": 299, "offline": 2}), ("seconds", {"online": "1"}))]
        changes += [metric("motion", "count", value) for value in (None, -1, 1.5)]
        changes += [lambda record: record["metrics"].update({"a{b": {"kind": "event", "count": 1}})]
        for number, change in enumerate(changes):
            with self.subTest(number=number):
                record = copy.deepcopy(summary(2, minute=45))
                change(record)
                status, answer = self.post(batch([summary(1), record]))
                self.assertEqual((status, answer.get("index")), (400, 1), answer)
        self.assertEqual(self.get("/stats")["records"], 0)

    def test_alarms_and_others(self):
        for name, value in (
                ("id", "x"), ("id", EPOCH), ("transition", "moved"), ("device", ""), ("class", None), ("rule", 1),
                ("severity", "bad"), ("value", "x"), ("value", None), ("threshold", None), ("time", "now"),
                ("message", None), ("type", "summary"), ("seq", 0)):
            with self.subTest(name=name, value=value):
                self.assertRefused(dict(batch([alarm(1)], "alarm"), records=[dict(alarm(1), **{name: value})]), "")
        for record, word in (
                ({"type": "refused", "lane": "summary", "reason": "x"}, "number"),
                ({"type": "refused", "lane": "other", "number": 1, "reason": "x"}, "lane"),
                ({"type": "refused", "lane": "summary", "number": 1}, "reason"),
                ({"type": "dropped", "reason": "x"}, "through"),
                ({"type": "dropped", "through": 1}, "reason"),
                ({"type": "status", "backlog_records": -1}, "backlog_records"),
                ({"type": "alarm"}, "no place"), ({"type": 1}, "type"), ({}, "type")):
            with self.subTest(record=record):
                self.assertRefused(batch([dict(record, seq=1)], "status"), word)

    def test_other_paths(self):
        self.assertEqual(self.request("POST", "/v2/batches", b"{}")[0], 404)
        self.assertEqual(self.request("GET", "/v1/gateways")[0], 404)


class Misbehaving(ReceiverTest):
    def test_every_fault_happens_and_nothing_is_lost_or_doubled(self):
        self.stop()
        self.start("7:0.6")
        for number in range(60):
            body = batch([summary(2 * number + 1, minute=40), summary(2 * number + 2, minute=45)])
            for _ in range(100):
                try:
                    if self.post(body)[0] == 200:
                        break
                except (OSError, http.client.HTTPException):
                    pass
            else:
                self.fail("no try succeeded")
        stats = self.get("/stats")
        self.assertTrue(all(stats["faults"].values()), stats["faults"])
        self.assertEqual((stats["records"], stats["holes"]), (120, {}))
        self.assertEqual(stats["duplicates"], 2 * stats["repeated_batches"])
        self.assertGreater(stats["repeated_batches"], 0)

    def test_a_single_record_is_never_told_to_be_halved(self):
        self.stop()
        self.start("1:1")
        statuses = set()
        for _ in range(80):
            try:
                statuses.add(self.post(batch([summary(1)]))[0])
            except (OSError, http.client.HTTPException):
                pass
        self.assertEqual(statuses, {200, 429, 500, 503})

    def test_the_same_seed_gives_the_same_faults(self):
        one, other = receiver.Faults("3:0.5"), receiver.Faults("3:0.5")
        self.assertEqual([one.next() for _ in range(50)], [other.next() for _ in range(50)])


if __name__ == "__main__":
    unittest.main()
