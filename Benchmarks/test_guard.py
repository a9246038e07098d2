"""The guard notices what grew, and nothing else."""

import os
import tempfile
import unittest

import guard


def counts(**numbers):
    return {name: {"per": "message", "instructions": value} for name, value in numbers.items()}


class CompareTests(unittest.TestCase):
    def test_more_than_a_tenth_is_a_fault(self):
        faults = guard.compare(counts(decode=1000), counts(decode=1101))
        self.assertEqual(len(faults), 1)
        self.assertIn("decode: 1,101 instructions a message, 10 % more than the 1,000", faults[0])

    def test_a_tenth_and_less_passes(self):
        self.assertEqual(guard.compare(counts(decode=1000, route=10), counts(decode=1100, route=2)), [])

    def test_a_part_without_a_record_is_a_fault(self):
        self.assertEqual(guard.compare({}, counts(decode=1)), ["decode: is not in the record"])

    def test_what_must_be_flat_is_compared_within_the_run(self):
        both = {"commit": {"per": "message", "instructions": 1000}}
        for instructions, faults in ((1050, 0), (1051, 1)):
            both["commit after many"] = {"per": "message", "instructions": instructions}
            self.assertEqual(len(guard.compare(both, both)), faults)


class DumpTests(unittest.TestCase):
    def test_totals_are_found_by_the_part_s_name(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (
                ("out.1", "version: 1\ndesc: Trigger: Client Request: window update\nevents: Ir\ntotals: 4711\n"),
                ("out", "desc: Trigger: Program termination\ntotals: 5\n"), ("databases", ""),
            ):
                with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                    file.write(text)
            self.assertEqual(guard.dumps(folder), {"window update": 4711})


if __name__ == "__main__":
    unittest.main()
