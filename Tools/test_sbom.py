"""The list of parts: what is linked in is on it, what was only fetched isn't."""

import json
import os
import tempfile
import unittest
from typing import Dict, Set
from unittest import mock

import sbom


class Parts(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for package, module, licence in (("swift-nio", "NIOCore", "Apache License\nVersion 2.0"),
                                         ("async-http-client", "AsyncHTTPClient", "Apache License"),
                                         ("TOMLKit", "TOMLKit", "Permission is hereby granted, free of charge")):
            os.makedirs(os.path.join(self.folder, package, "Sources", module))
            self.write(f"{package}/LICENSE.txt", licence)
        self.write("TOMLKit/Sources/CTOML/Sources/toml.hpp",
                   "#define TOML_LIB_MAJOR 3\n#define  TOML_LIB_MINOR 4\n#define TOML_LIB_PATCH 0\n")
        pins = [{"identity": name.lower(), "location": f"https://example.org/{name}.git",
                 "state": {"revision": "abc", "version": "1.0.0"}}
                for name in ("swift-nio", "async-http-client", "TOMLKit")]
        self.resolved = self.write("Package.resolved", json.dumps({"pins": pins}))

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def packages(self, linked: Set[str]) -> Dict[str, dict]:
        with mock.patch.object(sbom, "linked_modules", return_value=linked):
            found = sbom.swift_packages(self.resolved, self.folder, "program")
        return {component["name"]: component for component in found + sbom.vendored(found, self.folder)}

    def test_only_what_is_linked_is_a_part(self) -> None:
        self.assertEqual(set(self.packages({"NIOCore"})), {"swift-nio"})

    def test_a_part_has_version_revision_and_licence(self) -> None:
        part = self.packages({"NIOCore"})["swift-nio"]
        self.assertEqual(part["purl"], "pkg:swift/example.org/swift-nio@1.0.0")
        self.assertEqual(part["licenses"], [{"license": {"id": "Apache-2.0"}}])
        self.assertEqual(part["externalReferences"][0]["comment"], "abc")

    def test_what_a_part_carries_along_is_a_part_too(self) -> None:
        self.assertEqual(self.packages({"TOMLKit"})["toml++"]["version"], "3.4.0")

    def test_a_package_whose_sources_are_not_there_counts_as_linked(self) -> None:
        os.rename(os.path.join(self.folder, "swift-nio"), os.path.join(self.folder, "elsewhere"))
        self.assertIn("swift-nio", self.packages(set()))

    def test_modules_are_read_from_mangled_names(self) -> None:
        with mock.patch.object(sbom, "run", return_value="00 T $s7NIOCore4FooV\n00 t main\n00 d $s4JSON\n"):
            self.assertEqual(sbom.linked_modules("program"), {"NIOCore", "JSON"})


if __name__ == "__main__":
    unittest.main()
