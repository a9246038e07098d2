"""Nothing depends on the kind of processor: most boxes in the field are arm64, and this is often built on amd64."""

from __future__ import annotations

import os
import re
import unittest
from typing import Iterator, List, Tuple

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What to look for, and why it would not do.
EVERYWHERE = [
    (r"\bx86[_-]64\b|\bamd64\b|\baarch64\b|\barm64\b", "names one kind of processor"),
]
IN_CODE = [
    (r"#(else)?if\s+arch\(|\barch\(", "compiles differently for one kind of processor"),
    (r"#\s*(el)?if.*__(x86_64|i386|aarch64|arm|SSE|AVX|ARM_NEON)", "compiles differently for one kind of processor"),
    (r"\b(imm|x86|arm_neon)intrin\.h|\b_mm\d*_|\b__asm__\b|\basm\s*\(", "is written for one kind of processor"),
    (r"-m(arch|cpu|tune|sse|avx)\b", "compiles for one kind of processor"),
    # char has no sign there: CChar is UInt8, and has no bit pattern to be made from.
    (r"U?Int8\(bitPattern:", "takes char for signed; truncatingIfNeeded works for both"),
    # Whole numbers are read byte by byte, or by loadUnaligned.
    (r"\.load\((fromByteOffset|as:)", "reads at an address that must be a multiple of the size; use loadUnaligned"),
]
CODE = (".swift", ".c", ".cpp", ".h", ".modulemap")
# The documents tell for what packages are built, and these files of the packaging, of tests and of history quote it.
EXCEPT = {"Tools/test_portable.py"}


def files(*folders: str) -> Iterator[str]:
    for folder in folders:
        for root, _, names in os.walk(os.path.join(REPOSITORY, folder)):
            for name in names:
                path = os.path.relpath(os.path.join(root, name), REPOSITORY)
                if path not in EXCEPT and "__pycache__" not in path:
                    yield path
    for name in ("Package.swift", "Makefile"):
        yield name


def findings(path: str, text: str) -> List[Tuple[int, str]]:
    patterns = EVERYWHERE + (IN_CODE if path.endswith(CODE) else [])
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        found += [(number, why) for pattern, why in patterns if re.search(pattern, line)]
    return found


class Portable(unittest.TestCase):
    def test_nothing_is_written_for_one_kind_of_processor(self) -> None:
        looked_at = 0
        for path in files("Sources", "Tools", "debian", "systemd", "Config"):
            with open(os.path.join(REPOSITORY, path), encoding="utf-8", errors="replace") as file:
                text = file.read()
            looked_at += 1
            for number, why in findings(path, text):
                self.fail(f"{path}:{number} {why}")
        self.assertGreater(looked_at, 300)

    def test_control_what_is_so_written_is_found(self) -> None:
        for line in ("#if arch(x86_64)", "#include <immintrin.h>", "let a = UInt8(bitPattern: c)", "p.load(as: Int64.self)",
                     'cSettings: [.unsafeFlags(["-march=native"])]', "__asm__ volatile", "build for amd64"):
            self.assertTrue(findings("Sources/X/X.swift", line), line)
        self.assertEqual(findings("Sources/X/X.swift", "let architecture = dpkg() // machine"), [])

    def test_packages_take_their_architecture_from_where_they_are_made(self) -> None:
        with open(os.path.join(REPOSITORY, "debian", "control"), encoding="utf-8") as file:
            kinds = re.findall(r"^Architecture: (.*)$", file.read(), re.MULTILINE)
        self.assertEqual(kinds, ["any", "any"])
        with open(os.path.join(REPOSITORY, "Tools", "deb"), encoding="utf-8") as file:
            self.assertIn("dpkg --print-architecture", file.read())


if __name__ == "__main__":
    unittest.main()
