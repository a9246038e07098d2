"""The judgement on a long run: what rises is told from what only goes up and down."""

import argparse
import random
import unittest
from typing import List

import soak
from soak import Sample

OPTIONS = argparse.Namespace(devices=500, rate=100)
MIB = 1 << 20


def samples(rise: float = 0.0, resident: float = 30 * MIB, cpu: float = 0.005, threads: int = 12) -> List[Sample]:
    """An hour, a sample each ten seconds; memory rises by `rise` in all."""
    dice = random.Random(1)
    made = []
    for index in range(360):
        seconds = 10.0 * (index + 1)
        memory = int(resident + rise * seconds / 3600 + dice.uniform(-MIB, MIB))
        made.append(Sample(seconds, memory, memory, threads + index % 2, 40, cpu * seconds, 0, 0, int(100 * seconds)))
    return made


class Judgement(unittest.TestCase):
    def faults(self, run: List[Sample]) -> str:
        return "\n".join(soak.judge(run, OPTIONS)[1])

    def test_what_goes_up_and_down_is_level(self) -> None:
        self.assertEqual(self.faults(samples()), "")

    def test_memory_that_rises_slowly_is_found(self) -> None:
        self.assertIn("memory rises", self.faults(samples(rise=6 * MIB)))

    def test_the_limits_hold(self) -> None:
        self.assertIn("more than 40", self.faults(samples(resident=45 * MIB)))
        self.assertIn("more than 1", self.faults(samples(cpu=0.02)))

    def test_files_that_are_not_closed_are_found(self) -> None:
        run = [sample._replace(files=40 + index // 20) for index, sample in enumerate(samples())]
        self.assertIn("files are not level", self.faults(run))

    def test_a_load_that_did_not_come_proves_nothing(self) -> None:
        run = [sample._replace(received=0) for sample in samples()]
        self.assertIn("not what was asked for", self.faults(run))

    def test_too_short_a_run_is_no_proof(self) -> None:
        self.assertIn("too few", self.faults(samples()[:5]))


if __name__ == "__main__":
    unittest.main()
