#!/usr/bin/env python3
"""Accounts for every message: what was published against what the central server holds.

    reconcile.py --record published.ndjson --description sources.json --central-url http://127.0.0.1:8480
    reconcile.py --record published.ndjson --description sources.json --receiver received.ndjson

It reads the publisher's own file and the receiver's summaries, never the gateway's counters. Every acknowledged
message that bears a reading must be counted exactly once, in the right window of each device that it concerns; every
other message by nobody. The publisher's file says of each message which `devices` must count it ([] for rubbish) and,
where the payload bears one, its event `time`; a message without is counted in the window of its receipt, which is
known only to lie between its publication (less a second) and `--receipt-slack` later.

- A device's total over the whole run must be exact.
- Each window must be reachable: its messages with a time, and some choice of those without.
- Messages that the broker never acknowledged, or of QoS 0, are outside the promise: they may be counted once or not.
- Messages whose time was older than `lateness` when published are too late: counted by nobody.

`--through TIME` leaves out windows that end later; `--through sealed` leaves out, device by device, what comes after
its last window that is held. The description is a JSON object with `window_s` and `lateness_s`.

Exit: 0 everything balances, 1 it doesn't, 2 unusable input.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import textwrap
from collections import Counter, defaultdict
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import records
from records import NS, Held, Key, Published, Unreadable, format_time, parse_time

AHEAD = 300 * NS
EARLIEST = parse_time("2020-01-01T00:00:00Z")
SECOND = NS


class Claim(NamedTuple):
    """One message that one device must count, in one window of a range."""

    n: int
    first: int
    last: int
    certain: bool


class Device:
    def __init__(self) -> None:
        self.claims: List[Claim] = []
        self.held: Dict[int, int] = defaultdict(int)  # window → received
        self.sealed_through: Optional[int] = None
        self.open = 0
        self.problems: List[str] = []

    @property
    def certain(self) -> int:
        return sum(claim.certain for claim in self.claims)

    @property
    def uncertain(self) -> int:
        return len(self.claims) - self.certain

    @property
    def counted(self) -> int:
        return sum(self.held.values())


def deal(claims: List[Claim], held: Dict[int, int]) -> Tuple[Counter, Counter]:
    """Deals claims out to windows, window by window, the one first that can wait least: no other way fills more.
    Returns by window what it holds beyond that, and what had to go without a place there."""
    spare: Counter = Counter()
    homeless: Counter = Counter()
    waiting: List[int] = []  # the last window of each claim that could lie here
    coming = sorted(claims, key=lambda claim: claim.first, reverse=True)
    for window in sorted(set(held) | {claim.first for claim in claims} | {claim.last for claim in claims}):
        while coming and coming[-1].first <= window:
            heapq.heappush(waiting, coming.pop().last)
        room = held.get(window, 0)
        while room and waiting:
            heapq.heappop(waiting)
            room -= 1
        if room:
            spare[window] = room
        while waiting and waiting[0] <= window:
            homeless[heapq.heappop(waiting)] += 1
    return spare, homeless


class Reconciliation:
    def __init__(self, description: Dict[str, Any], receipt_slack: int = SECOND):
        self.window = round(description.get("window_s", 300) * NS)
        self.lateness = round(description.get("lateness_s", 86_400) * NS)
        self.receipt_slack = receipt_slack
        self.devices: Dict[str, Device] = defaultdict(Device)
        self.problems: List[str] = []
        self.kinds: Counter = Counter()
        self.published = 0
        self.acknowledged = 0
        self.unacknowledged = 0
        self.qos0 = 0
        self.counted_by_none = 0
        self.too_late = 0
        self.repeated = 0
        self.counted_by_several = 0

    # What the publisher says.

    def publish(self, messages: Iterable[Published]) -> None:
        contents = set()
        for message in messages:
            self.published += 1
            self.kinds[message.kind or "(none)"] += 1
            certain = message.qos > 0 and message.acknowledged
            if certain:
                self.acknowledged += 1
            elif message.qos > 0:
                self.unacknowledged += 1
            else:
                self.qos0 += 1
            if message.devices is None:
                raise Unreadable(f"message {message.n} says not which devices should count it")
            self._claim(message, certain)
            # Equal content is no redelivery: each message that was published counts for itself.
            content = (message.topic, message.payload)
            if content in contents and message.devices:
                self.repeated += certain
            contents.add(content)

    def _claim(self, message: Published, certain: bool) -> None:
        devices = set(message.devices or ())
        time = message.time
        if not devices:
            self.counted_by_none += certain
            return
        if time is not None and (time < EARLIEST or time > message.published_at + AHEAD):
            time = None
        if time is not None and message.published_at - time > self.lateness:
            self.too_late += certain
            return
        if len(devices) > 1:
            self.counted_by_several += certain
        if time is not None:
            first = last = time // self.window
        else:
            first = (message.published_at - SECOND) // self.window
            last = (message.published_at + self.receipt_slack) // self.window
        for name in devices:
            self.devices[name].claims.append(Claim(message.n, first, last, certain))

    # What the receiver holds.

    def hold(self, held: Dict[Key, Held]) -> None:
        for key, entry in held.items():
            received = entry.record.get("received")
            if not isinstance(received, int) or isinstance(received, bool) or received < 0:
                self.problems.append(f"{key}: received is {received!r}")
                continue
            if key.end - key.start != self.window or key.start % self.window:
                self.problems.append(f"{key}: no window of {self.window / NS:g} s")
                continue
            device = self.devices[key.device]
            device.sealed_through = max(device.sealed_through or 0, key.end // self.window)
            if not entry.void and received:
                device.held[key.start // self.window] += received

    # Judging.

    def cut(self, through: Optional[int], at_last_sealed: bool) -> None:
        """Leaves out windows that may still be open."""
        for device in self.devices.values():
            stop = device.sealed_through or 0 if at_last_sealed else None
            if through is not None:
                stop = through // self.window
            if stop is None:
                continue
            kept = []
            for claim in device.claims:
                if claim.first >= stop:
                    device.open += 1
                elif claim.last >= stop:
                    # On either side of the horizon: may be counted, need not be.
                    kept.append(claim._replace(last=stop - 1, certain=False))
                else:
                    kept.append(claim)
            device.claims = kept
            for window in [window for window in device.held if window >= stop]:
                del device.held[window]

    def judge(self) -> bool:
        for name, device in sorted(self.devices.items()):
            device.problems = list(self._judge(device))
        return not self.problems and not any(device.problems for device in self.devices.values())

    def _judge(self, device: Device) -> Iterable[str]:
        least, most = device.certain, device.certain + device.uncertain
        if not device.claims and device.counted:
            yield f"counted {device.counted}, and nothing was published for it"
            return
        if not least <= device.counted <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            yield f"counted {device.counted}, should be {wanted} ({device.counted - least:+d})"
        yield from self._windows(device)

    def _windows(self, device: Device) -> Iterable[str]:
        """Whether the claims can be dealt out so that each window gets just what it holds. Where all windows can be
        filled, and all that must be counted has room, both can be had at once (Mendelsohn and Dulmage)."""
        spare, _ = deal(device.claims, device.held)
        _, homeless = deal([claim for claim in device.claims if claim.certain], device.held)
        for window in sorted(set(spare) | set(homeless))[:5]:
            start = format_time(window * self.window)
            if window in spare:
                yield f"window {start}: {spare[window]} more than was published for it"
            if window in homeless:
                yield f"window {start}: {homeless[window]} fewer than was published for it"

    # Telling.

    def table(self, every_device: bool = False) -> str:
        totals = [
            ("published", self.published, ""),
            ("  acknowledged by the broker", self.acknowledged, ""),
            ("  not acknowledged", self.unacknowledged, "may or may not be counted"),
            ("  QoS 0", self.qos0, "may or may not be counted"),
            ("of the acknowledged", None, ""),
            ("  with readings", self.acknowledged - self.counted_by_none - self.too_late, ""),
            ("  of equal content to an earlier one", self.repeated, "each counts for itself"),
            ("  that several devices count", self.counted_by_several, ""),
            ("  that nobody must count", self.counted_by_none, "without a reading"),
            ("  too late", self.too_late, "counted by nobody"),
            ("to be counted, by device and message", self.due, "once each"),
            ("  in windows that are still open", self.still_open, "left out"),
            ("  perhaps one more each for", self.uncertain, "not acked, or at the edge"),
            ("counted in summaries", self.counted, ""),
            ("difference", self.difference, ""),
        ]
        lines = [""]
        for label, number, remark in totals:
            lines.append(f"{label:<40}{'' if number is None else format(number, ',d'):>12}   {remark}".rstrip())
        # A kind and its number stay together.
        kinds = ", ".join(f"{kind}\u00a0{n:,d}" for kind, n in sorted(self.kinds.items()))
        wrapped = textwrap.fill("published by kind: " + kinds, 78, break_on_hyphens=False)
        lines += ["", wrapped.replace("\u00a0", " ")]
        wrong = [name for name, device in sorted(self.devices.items()) if device.problems]
        listed = sorted(self.devices) if every_device else wrong[:40]
        if listed:
            width = max(len(name) for name in listed)
            lines += ["", f"{'device':<{width}}  {'due':>8}  {'counted':>8}  {'open':>6}"]
            for name in listed:
                device = self.devices[name]
                due = str(device.certain) + (f"+{device.uncertain}?" if device.uncertain else "")
                lines.append(f"{name:<{width}}  {due:>8}  {device.counted:>8}  {device.open:>6}")
                lines += [f"  {problem}" for problem in device.problems]
            if len(wrong) > len(listed):
                lines.append(f"… and {len(wrong) - len(listed)} devices more")
        lines += self.problems[:40]
        if wrong or self.problems:
            lines += ["", f"DOES NOT BALANCE: {len(wrong)} of {len(self.devices)} devices, "
                          f"{len(self.problems)} other faults"]
        else:
            lines += ["", f"balances: {len(self.devices)} devices, every message counted as often as it must be"]
        return "\n".join(lines)

    @property
    def due(self) -> int:
        return sum(device.certain + device.open for device in self.devices.values())

    @property
    def still_open(self) -> int:
        return sum(device.open for device in self.devices.values())

    @property
    def uncertain(self) -> int:
        return sum(device.uncertain for device in self.devices.values())

    @property
    def counted(self) -> int:
        return sum(device.counted for device in self.devices.values())

    @property
    def difference(self) -> int:
        """What was counted beyond the most that could be, or falls short of the least that must be."""
        return sum(
            min(0, device.counted - device.certain) + max(0, device.counted - device.certain - device.uncertain)
            for device in self.devices.values()
        )


def reconcile(
    description: Dict[str, Any],
    messages: Iterable[Published],
    envelopes: Iterable[Dict[str, Any]],
    through: Optional[int] = None,
    at_last_sealed: bool = False,
    receipt_slack: int = SECOND,
    gateway: Optional[str] = None,
) -> Tuple[bool, Reconciliation]:
    account = Reconciliation(description, receipt_slack)
    account.publish(messages)
    held, faults = records.highest(envelopes)
    account.problems += faults
    account.hold({key: entry for key, entry in held.items() if gateway is None or key.gateway == gateway})
    account.cut(through, at_last_sealed)
    return account.judge(), account


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--record", metavar="FILE", required=True, help="the publisher's record file")
    parser.add_argument("--description", metavar="FILE", required=True, help="window_s and lateness_s, JSON")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--central-url", metavar="URL", help="a lumbung-central, asked by its /v1/summaries")
    target.add_argument("--receiver", metavar="FILE", help="receiver.py's file")
    parser.add_argument("--token-file", metavar="FILE", help="bearer token for the central server")
    parser.add_argument("--gateway", help="only this gateway's summaries")
    parser.add_argument("--through", metavar="TIME|sealed", help="leave out windows that end later")
    parser.add_argument("--receipt-slack", metavar="SECONDS", type=float, default=1.0,
                        help="how long after its publication a message may be received (default %(default)s)")
    parser.add_argument("--devices", action="store_true", help="list every device, not only those that differ")
    options = parser.parse_args(arguments)
    try:
        if options.receiver:
            envelopes: Iterable[Dict[str, Any]] = records.received_file(options.receiver)
        else:
            token = records.read_token(options.token_file)
            envelopes = records.central_summaries(options.central_url, token, options.gateway)
        balances, account = reconcile(
            records.read_json(options.description),
            records.read_published(options.record),
            envelopes,
            through=None if options.through in (None, "sealed") else parse_time(options.through),
            at_last_sealed=options.through == "sealed",
            receipt_slack=round(options.receipt_slack * NS),
            gateway=options.gateway,
        )
    except Unreadable as error:
        print(f"reconcile: {error}", file=sys.stderr)
        return 2
    print(account.table(options.devices))
    return 0 if balances else 1


if __name__ == "__main__":
    sys.exit(main())
