"""What has come to the independent receiver: each record once, by key and version."""

import hashlib
import json
import os
import threading

from receiver_checks import KNOWN_TYPES, Refusal, instant, require


def canonical(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Numbers:
    """The numbers of one numbering: those without a hole from 1 on as a count, the others as a set."""

    def __init__(self):
        self.whole, self.beyond = 0, set()

    def __contains__(self, seq):
        return seq <= self.whole or seq in self.beyond

    def add(self, first, through):
        if first <= self.whole + 1:
            self.whole = max(self.whole, through)
        else:
            self.beyond.update(range(first, through + 1))
        while self.whole + 1 in self.beyond:
            self.whole += 1
            self.beyond.discard(self.whole)
        if first <= self.whole:
            self.beyond = {seq for seq in self.beyond if seq > self.whole}

    def holes(self):
        holes, following = [], self.whole + 1
        for seq in sorted(self.beyond):
            if seq > following:
                holes.append([following, seq - 1])
            following = seq + 1
        return holes


class Ledger:
    """Applies each record by key and version, and remembers it in a file of one JSON object a line."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.summaries, self.alarms, self.others = {}, {}, {}
        self.numbers, self.contents, self.keys = {}, {}, {}
        self.counts = dict.fromkeys(
            ("batches", "repeated_batches", "records", "duplicates", "stale", "unknown_types", "refused_batches",
             "oversized"), 0)
        self.refusals = []
        self.file = open(path, "a+b")
        self.reload()

    def reload(self):
        self.file.seek(0)
        whole = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                # Torn by a crash: its batch was never answered, so it comes again.
                break
            whole += len(line)
            entry = json.loads(line)
            self.note(entry)
            self.counts["records"] += 1
        self.file.truncate(whole)
        self.file.seek(0, os.SEEK_END)

    def apply(self, batch, key):
        with self.lock:
            envelope = {name: batch[name] for name in ("gateway", "epoch", "generation", "lane")}
            if batch.get("stream"):
                envelope["stream"] = batch["stream"]
            identity = (batch["gateway"], batch.get("stream", ""), key)
            content = canonical(batch)
            require(self.keys.get(identity, content) == content, "the same Idempotency-Key came with another content")
            entries, duplicates = [], 0
            for index, record in enumerate(batch["records"]):
                entry = dict(envelope, record=record)
                place = self.numbering(entry) + (record["seq"],)
                if place in self.contents and self.contents[place] != canonical(record):
                    raise Refusal(400, f'"seq" {record["seq"]} came before with another content', index)
                if place in self.contents:
                    duplicates += 1
                elif self.is_covered(entry):
                    raise Refusal(400, f'"seq" {record["seq"]} is one that another record covers already', index)
                else:
                    entries.append(entry)
            for entry in entries:
                self.file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            self.counts["batches"] += 1
            self.counts["repeated_batches"] += identity in self.keys
            self.counts["records"] += len(entries)
            self.counts["duplicates"] += duplicates
            self.keys[identity] = content
            for entry in entries:
                self.note(entry)
            return {"accepted": len(entries), "duplicates": duplicates}

    @staticmethod
    def numbering(entry):
        return tuple(entry.get(name, "") for name in ("gateway", "epoch", "generation", "stream", "lane"))

    def is_covered(self, entry):
        """Whether some of the record's numbers have come in another record."""
        record, numbers = entry["record"], self.numbers.get(self.numbering(entry))
        through = record["through"] if record["type"] == "dropped" else record["seq"]
        covered = range(record["seq"], through + 1)
        return numbers is not None and any(seq in numbers for seq in covered)

    def note(self, entry):
        """Takes a record in that has not come under this number before."""
        record = entry["record"]
        numbering = self.numbering(entry)
        kind = record["type"]
        through = record["through"] if kind == "dropped" else record["seq"]
        self.numbers.setdefault(numbering, Numbers()).add(record["seq"], through)
        self.contents[numbering + (record["seq"],)] = canonical(record)
        if kind == "summary":
            subject = ("device", record["device"]) if "device" in record else ("group", record["group"])
            key = (entry["gateway"], entry["epoch"], *subject, instant(record, "start"), instant(record, "end"))
            held = self.summaries.get(key)
            if held is None or self.version(held) < self.version(entry):
                self.summaries[key] = entry
            else:
                self.counts["stale"] += 1
        elif kind == "alarm":
            self.alarms.setdefault((record["id"], record["transition"]), entry)
        else:
            self.counts["unknown_types"] += kind not in KNOWN_TYPES
            self.others[numbering + (record["seq"],)] = entry

    @staticmethod
    def version(entry):
        return entry["generation"], entry["record"]["revision"]

    def refuse(self, refusal):
        with self.lock:
            self.counts["refused_batches"] += 1
            self.refusals = (self.refusals + [refusal.body()])[-20:]

    def dump(self):
        with self.lock:
            return {name: [held[key] for key in sorted(held)] for name, held in (
                ("summaries", self.summaries), ("alarms", self.alarms), ("others", self.others))}

    def stats(self):
        with self.lock:
            holes = {"/".join(map(str, numbering)): numbers.holes() for numbering, numbers in self.numbers.items()}
            return dict(
                self.counts, summaries=len(self.summaries), alarms=len(self.alarms), others=len(self.others),
                holes={name: found for name, found in sorted(holes.items()) if found}, refusals=list(self.refusals))
