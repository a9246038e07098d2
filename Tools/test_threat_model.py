"""The threat model names the test that shows each measure: those tests exist."""

import os
import re
import unittest

import stage

DOCUMENT = os.path.join(stage.REPOSITORY, "docs", "threat-model.md")
TESTS = os.path.join(stage.REPOSITORY, "Tests")


class ThreatModel(unittest.TestCase):
    def test_every_test_that_is_named_exists(self) -> None:
        with open(DOCUMENT, encoding="utf-8") as file:
            rows = [line for line in file if line.startswith("|") and line.count("|") == 4]
        files = {os.path.splitext(name)[0] for _, _, names in os.walk(TESTS) for name in names}
        self.assertGreater(len(rows), 10)
        for row in rows[2:]:
            named = re.findall(r"`(?:Tests/)?(?:\w+/)?(\w+)`", row.rsplit("|", 2)[1])
            for name in named:
                self.assertTrue(name in files or os.path.isdir(os.path.join(TESTS, name)), f"{name}, in: {row}")

    def test_it_fits_on_one_page(self) -> None:
        with open(DOCUMENT, encoding="utf-8") as file:
            self.assertLess(len(file.read().split()), 1000)


if __name__ == "__main__":
    unittest.main()
