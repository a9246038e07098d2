"""The checksums of a database's pages, as the gateway's own layer below SQLite writes them: for a file that a test has
changed on purpose and that must not look damaged.
"""

from __future__ import annotations

import struct

RESERVED = 8
MASK = 0xFFFFFFFF


def seal(path: str) -> None:
    """Gives every page the checksum of what it holds now."""
    with open(path, "r+b") as file:
        header = file.read(100)
        assert header[20] == RESERVED, "the file has no room for checksums"
        size = struct.unpack(">H", header[16:18])[0]
        file.seek(0)
        pages = file.read()
        for number in range(len(pages) // size):
            content = pages[number * size:(number + 1) * size - RESERVED]
            file.seek((number + 1) * size - RESERVED)
            file.write(checksum(content, number))


def checksum(content: bytes, number: int) -> bytes:
    first, second = (number + 1) & MASK, 0x4C756D62
    for one, other in struct.iter_unpack("<II", content):
        first = (first + one + second) & MASK
        second = (second + other + first) & MASK
    return struct.pack("<II", first, second)
