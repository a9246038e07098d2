"""Proofs by kill -9 of the gateway's neighbours: the receiver and the broker."""

from __future__ import annotations

import collections
import signal
import threading
import time
from typing import Any, Counter, Dict, List, Optional, Set, Tuple

import harness
import oracle
import records
from outcome import Figure, Leg, Outcome
from publisher import PADDING, BrokerError, Publisher
from scene import Scene
from stage import StageError


# 1 MB/s. Much more, and the open windows' messages with the logs would fill a store of 16 MiB.
HEAVY = {"rate": 250, "padding": 4_000}
# Records. What waits longer than it is killed would grow until the quota takes of it, which it may.
LONGEST_BACKLOG = 400


def receiver(leg: Leg) -> Outcome:
    """The receiver dies where batches are under way, and starts again with its file."""
    counted = attempts = 0
    with Scene("kill-receiver", leg) as scene:
        if leg.payload:
            vars(scene).update(HEAVY)
        scene.begin()
        assert scene.tap is not None and scene.receiver is not None
        scene.await_flow(None)
        while counted < leg.tries or scene.carried < leg.payload:
            attempts += 1
            if attempts > 3 * max(leg.tries, counted) + 10:
                raise StageError(f"too few kills hit anything: {counted} of {attempts}")
            # Where in a batch it strikes is left to chance; windows seal each second.
            time.sleep(scene.dice.uniform(0.1, 0.9))
            flows = bool(scene.unacknowledged)
            scene.receiver.kill()
            scene.await_status("a record waits", lambda s: s["uplinks"][0]["pending_records"] > 0, 15)
            counted += flows
            if leg.control:
                forget(scene.received_files[0])
            scene.restart_receiver()
            if scene.pending > LONGEST_BACKLOG:
                scene.await_status("the backlog leaves", lambda s: s["uplinks"][0]["pending_records"] < 100, 30)
        scene.stop_load()
        account = scene.account()
        return Outcome("kill-receiver", leg.control, counted, account.faults, {
            "attempts": Figure(attempts), "messages": Figure(account.messages), "records": Figure(account.records),
            **scene.common_figures(),
        })


def forget(path: str) -> None:
    """As a receiver would that answers before it stores: the last line is gone."""
    with open(path, "r+b") as file:
        lines = file.readlines()
        file.seek(0)
        file.truncate()
        file.writelines(lines[:-1])


def bare(payload: bytes) -> bytes:
    """A report without its padding: what tells it from every other is in front of that."""
    front, padding, _ = payload.partition(PADDING)
    return front + b"}" if padding else payload


class Load(threading.Thread):
    """Publishes, through every restart of the broker. What wasn't acknowledged when one died is given up."""

    def __init__(self, scene: Scene):
        super().__init__(name="load", daemon=True)
        self.scene = scene
        self.acknowledged: Set[bytes] = set()
        self.ending = threading.Event()
        self.failure: Optional[BaseException] = None

    def run(self) -> None:
        try:
            number = 0
            while not self.ending.is_set():
                number += 1
                try:
                    self.publish(number)
                except (BrokerError, OSError):
                    time.sleep(0.05)
        except BaseException as error:
            self.failure = error

    def publish(self, number: int) -> None:
        waiting: Dict[int, bytes] = {}
        load = self

        class Note:
            """What `Publisher` takes for its record."""

            count = 0

            def message(self, topic: str, payload: bytes, *_: Any, **__: Any) -> int:
                self.count += 1
                waiting[self.count] = bare(payload)
                return self.count

            def acknowledged(self, which: int) -> None:
                load.acknowledged.add(waiting.pop(which))

            def flush(self) -> None:
                pass

        publisher = Publisher(self.scene.broker_port, f"load-{number}", Note())  # type: ignore[arg-type]
        cameras = [harness.publisher_camera(index) for index in range(self.scene.devices)]
        start, sent = time.monotonic(), 0
        try:
            while not self.ending.is_set():
                while sent < (time.monotonic() - start) * self.scene.rate:
                    camera = cameras[sent % len(cameras)]
                    publisher.publish(camera.topic, camera.report(time.time_ns(), self.scene.padding))
                    sent += 1
                publisher.pump(0.01)
            publisher.close()
        finally:
            publisher.socket.close()


def broker(leg: Leg) -> Outcome:
    """The broker dies and comes back with what it saved last. What the gateway has acknowledged counts once."""
    passed: Set[Tuple[bytes, bytes]] = set()
    acknowledged: Set[Tuple[bytes, bytes]] = set()
    again: Counter[str] = collections.Counter()

    def watch(what: str, topic: bytes, payload: bytes) -> None:
        if topic.startswith(b"$"):
            return
        message = (topic, bare(payload))
        again[what] += message in (passed if what == "passed" else acknowledged)
        (passed if what == "passed" else acknowledged).add(message)

    with Scene("kill-broker", leg) as scene:
        scene.watcher = watch
        scene.begin(load=False)
        load = Load(scene)
        load.start()
        counted = attempts = 0
        before = None
        while counted < leg.tries or scene.carried < leg.payload:
            attempts += 1
            if attempts > 3 * max(leg.tries, counted) + 10:
                raise StageError(f"too few kills hit anything: {counted} of {attempts}")
            before = scene.await_flow(before)
            time.sleep(scene.dice.uniform(0.1, 0.4))
            if scene.dice.random() < 0.7:
                # What it saves now, with messages under way, is what it will wake up with.
                scene.broker.popen.send_signal(signal.SIGUSR1)
                time.sleep(scene.dice.uniform(0.02, 0.4))
            counted += scene.kill_broker(before) > 0
            scene.start_broker()
        scene.await_flow(before)
        time.sleep(1)
        load.ending.set()
        load.join(60)
        if load.failure is not None or load.is_alive():
            raise StageError(f"the load failed: {load.failure!r}")
        through = scene.settle()
        faults = once(scene, acknowledged, passed, through)
        faults += scene.check_store()
        forgotten = len(load.acknowledged - {payload for _, payload in passed})
        return Outcome("kill-broker", leg.control, counted, faults, {
            "attempts": Figure(attempts), "messages acknowledged by the gateway": Figure(len(acknowledged)),
            "delivered again": Figure(again["passed"]), "forgotten by the broker (not promised)": Figure(forgotten),
            **scene.common_figures(),
        })


def once(
    scene: Scene, acknowledged: Set[Tuple[bytes, bytes]], passed: Set[Tuple[bytes, bytes]], through: int
) -> List[str]:
    """Each acknowledged message counts once; one that went out and was not acknowledged, once at most."""
    counts: List[Counter[Tuple[str, int]]] = []
    for messages in (acknowledged, passed):
        truth = oracle.Oracle(scene.description())
        for topic, payload in messages:
            truth.feed(oracle.Message(topic.decode(), payload, time.time_ns(), False, True))
        counts.append(collections.Counter({
            key: record["received"] for key, record in truth.expected(through).items() if record["received"]
        }))
    held, faults = records.highest(scene.received())
    got = {(key.device, key.start): entry.record["received"] for key, entry in held.items() if not entry.void}
    for key in sorted(set(counts[0]) | set(counts[1]) | set(got)):
        least, most, found = counts[0][key], counts[1][key], got.get(key, 0)
        if not least <= found <= most:
            faults.append(f"{key[0]} [{records.format_time(key[1])}: received {found}, must be {least} to {most}")
    return faults
