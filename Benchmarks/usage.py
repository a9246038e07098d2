"""What the operating system says that a process has used, and what is made of several runs."""

from __future__ import annotations

import ctypes
import os
import statistics
import struct
from dataclasses import dataclass
from typing import Iterable, List, Optional

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """Of one process, all its threads: seconds of processor, bytes given to the block device, the most resident."""

    cpu: float
    written: int
    peak: int


def usage(pid: int) -> Usage:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        times = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        io = dict(line.split(":", 1) for line in file)
    return Usage((int(times[11]) + int(times[12])) / TICKS, int(io["write_bytes"]), int(status["VmHWM"].split()[0]) << 10)


def median(values: Iterable[Optional[float]]) -> Optional[float]:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def load() -> float:
    with open("/proc/loadavg", encoding="ascii") as file:
        return float(file.read().split()[0])


def compressed_batches(corpus: str, messages_a_batch: int, level: int = 3) -> List[int]:
    """What batches of so many messages of a corpus take, compressed one by one: topic and payload of each with their
    lengths, one after another."""
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_compress.restype = ctypes.c_size_t
    zstd.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    zstd.ZSTD_compressBound.restype = ctypes.c_size_t
    zstd.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
    with open(corpus, "rb") as file:
        content = file.read()
    sizes: List[int] = []
    batch: List[bytes] = []
    at = 0
    while at < len(content):
        topic, payload = struct.unpack_from("<II", content, at)
        batch.append(content[at:at + 8] + content[at + 9:at + 9 + topic + payload])
        at += 9 + topic + payload
        if len(batch) == messages_a_batch or at >= len(content):
            joined = b"".join(batch)
            target = ctypes.create_string_buffer(zstd.ZSTD_compressBound(len(joined)))
            sizes.append(zstd.ZSTD_compress(target, len(target), joined, len(joined), level))
            batch = []
    return sizes
