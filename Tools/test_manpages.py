"""The manual pages: what a program's own help holds is on its page, and nothing of it is taken for markup."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest

import manpages

HELP = {
    "command": {
        "commandName": "lumbung", "abstract": "Keeps things.", "shouldDisplay": True,
        "arguments": [], "subcommands": [{
            "commandName": "check", "abstract": "Looks at a file.", "shouldDisplay": True,
            "discussion": "First paragraph.\n\n.second begins with a dot",
            "arguments": [
                {"kind": "option", "names": [{"kind": "long", "name": "config"}], "isOptional": True,
                 "preferredName": {"kind": "long", "name": "config"}, "valueName": "FILE", "abstract": "The file.",
                 "defaultValue": "/etc/a-b", "shouldDisplay": True},
                {"kind": "flag", "names": [{"kind": "long", "name": "hidden"}], "isOptional": True,
                 "preferredName": {"kind": "long", "name": "hidden"}, "shouldDisplay": False},
                {"kind": "positional", "valueName": "payload", "isOptional": False, "isRepeating": True,
                 "abstract": "What to look at.", "shouldDisplay": True},
            ],
        }],
    }
}


class ManualPages(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.program = os.path.join(self.folder, "lumbung")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\ncat <<'END'\n" + json.dumps(HELP) + "\nEND\n")
        os.chmod(self.program, os.stat(self.program).st_mode | stat.S_IXUSR)
        self.configuration = os.path.join(self.folder, "gateway.toml")
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write("# Words.\n\n# ---- Who this is ----\n\n[gateway]\n# a 'quoted' word\nid = \"a\\b\"\n")
        subprocess.run([
            sys.executable, manpages.__file__, "--version", "1.2.3", "--epoch", "0", "--out", self.folder,
            "--configuration", self.configuration, self.program], check=True)

    def read(self, name: str) -> str:
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def test_each_command_has_a_page_with_its_options(self) -> None:
        page = self.read("lumbung-check.1")
        self.assertIn('.TH "LUMBUNG\\-CHECK" "1" "1970-01-01" "Lumbung 1.2.3"', page)
        self.assertIn("\\fBlumbung check\\fR [\\fB\\-\\-config\\fR \\fIFILE\\fR] \\fIpayload\\fR...", page)
        self.assertIn("The file. Without it: /etc/a\\-b.", page)
        self.assertNotIn("hidden", page)
        self.assertIn("See \\fBlumbung\\-check\\fR(1).", self.read("lumbung.1"))

    def test_no_line_of_text_begins_a_request(self) -> None:
        self.assertIn("\n\\&.second begins with a dot\n", self.read("lumbung-check.1"))

    def test_the_configurations_page_is_the_shipped_file_by_chapters(self) -> None:
        page = self.read("gateway.toml.5")
        self.assertIn(".SH WHO THIS IS\n", page)
        self.assertIn('id = "a\\eb"', page)

    def test_the_same_input_gives_the_same_page(self) -> None:
        before = self.read("lumbung-check.1")
        self.setUp()
        self.assertEqual(self.read("lumbung-check.1"), before)


if __name__ == "__main__":
    unittest.main()
