#!/usr/bin/env python3
"""Prints what a built program is made of, as CycloneDX 1.5: the Swift packages and the runtime that are linked into
it, each with its version, revision and licence, and the distribution's libraries that it needs.

    sbom.py --version 0.1.0 --epoch SECONDS --resolved Package.resolved --checkouts .build/checkouts --program FILE

Run on the machine that built it, before the program is stripped: what is linked in is told from its symbols.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from typing import Any, Dict, List, Optional, Set

LICENCES = [
    ("Apache-2.0", "Apache License"),
    ("MIT", "Permission is hereby granted, free of charge"),
    ("BSD-3-Clause", "Redistributions in binary form"),
]


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def licence_of(folder: str) -> Optional[str]:
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.upper().startswith("LICENSE"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                text = file.read()
            for licence, words in LICENCES:
                if words in text:
                    return licence
    return None


def modules_of(folder: str) -> Set[str]:
    """Names of the folders with sources: those of the modules."""
    found = set()
    for base in ("Sources", "src"):
        path = os.path.join(folder, base)
        if os.path.isdir(path):
            found |= {name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name))}
    return found


def linked_modules(program: str) -> Set[str]:
    """The Swift modules whose symbols the program holds: a mangled name begins with its module's length and name."""
    found = set()
    for line in run("nm", program).splitlines():
        symbol = line.rsplit(" ", 1)[-1]
        match = re.match(r"\$s(\d+)", symbol)
        if match:
            start = match.end()
            found.add(symbol[start:start + int(match.group(1))])
    return found


def swift_packages(resolved: str, checkouts: str, program: str) -> List[Dict[str, Any]]:
    with open(resolved, encoding="utf-8") as file:
        pins = json.load(file)["pins"]
    linked = linked_modules(program)
    components = []
    for pin in pins:
        location = re.sub(r"\.git$", "", pin["location"])
        folder = os.path.join(checkouts, os.path.basename(location))
        modules = modules_of(folder)
        # Fetched for a part of a dependency that isn't used: not in the program.
        if modules and not modules & linked:
            continue
        state = pin["state"]
        purl = f"pkg:swift/{location.split('://', 1)[-1]}@{state.get('version') or state['revision']}"
        component = {
            "type": "library", "bom-ref": purl, "name": pin["identity"],
            "version": state.get("version") or state["revision"], "purl": purl,
            "externalReferences": [{"type": "vcs", "url": location, "comment": state["revision"]}],
        }
        licence = licence_of(folder)
        if licence:
            component["licenses"] = [{"license": {"id": licence}}]
        components.append(component)
    return components


def vendored(resolved: List[Dict[str, Any]], checkouts: str) -> List[Dict[str, Any]]:
    """What a package carries along in its own sources: (package, name, purl, file that tells its version)."""
    known = [
        ("tomlkit", "toml++", "pkg:github/marzer/tomlplusplus", "TOMLKit/Sources/CTOML/Sources/toml.hpp", "TOML_LIB"),
        ("swift-nio", "llhttp", "pkg:github/nodejs/llhttp", "swift-nio/Sources/CNIOLLHTTP/include/c_nio_llhttp.h",
         "LLHTTP_VERSION"),
    ]
    found = []
    for package, name, purl, header, prefix in known:
        path = os.path.join(checkouts, header)
        if package not in {component["name"] for component in resolved} or not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            numbers = dict(re.findall(rf"#define\s+{prefix}_(MAJOR|MINOR|PATCH)\s+(\d+)", file.read()))
        version = ".".join(numbers.get(part, "0") for part in ("MAJOR", "MINOR", "PATCH"))
        found.append({"type": "library", "bom-ref": f"{purl}@{version}", "name": name, "version": version,
                      "purl": f"{purl}@{version}", "description": f"in the sources of {package}",
                      "licenses": [{"license": {"id": "MIT"}}]})
    return found


def swift_runtime() -> Dict[str, Any]:
    version = re.search(r"Swift version (\S+)", run("swift", "--version"))
    number = version.group(1) if version else "unknown"
    purl = f"pkg:swift/github.com/swiftlang/swift@{number}"
    return {
        "type": "framework", "bom-ref": purl, "name": "swift-runtime", "version": number, "purl": purl,
        "description": "Standard library, concurrency, Dispatch and FoundationEssentials, linked statically",
        "licenses": [{"expression": "Apache-2.0 WITH Swift-exception"}],
    }


def system_libraries(program: str) -> List[Dict[str, Any]]:
    """The packages that own what the program itself asks the loader for."""
    needed = re.findall(r"\(NEEDED\)\s+Shared library: \[([^\]]+)\]", run("readelf", "-d", program))
    paths = dict(re.findall(r"(\S+) => (\S+)", run("ldd", program)))
    packages: Dict[str, List[str]] = {}
    for name in needed:
        path = paths.get(name)
        if path is None:
            continue
        owner = None
        # Where /lib is a link to /usr/lib, the package manager may know a file by either name.
        for candidate in (path, os.path.realpath(path), path.replace("/usr/lib", "/lib", 1), "/usr" + path):
            done = subprocess.run(
                ["dpkg", "-S", candidate], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if done.returncode == 0:
                owner = done.stdout.split(": ", 1)[0].split(",")[0]
                break
        packages.setdefault(owner or name, []).append(name)
    components = []
    for owner, names in sorted(packages.items()):
        component: Dict[str, Any] = {"type": "library", "name": owner.split(":")[0], "description": ", ".join(names)}
        if ".so" in owner:
            component["bom-ref"] = owner  # of no package
        else:
            version, architecture = run("dpkg-query", "-W", "-f=${Version} ${Architecture}", owner).split()
            purl = f"pkg:deb/debian/{owner.split(':')[0]}@{version}?arch={architecture}"
            component.update({"bom-ref": purl, "version": version, "purl": purl})
        components.append(component)
    return components


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--epoch", type=int, required=True, help="the date on it, in seconds since 1970")
    parser.add_argument("--resolved", required=True, metavar="FILE")
    parser.add_argument("--checkouts", required=True, metavar="DIR")
    parser.add_argument("--program", required=True, metavar="FILE")
    options = parser.parse_args()
    with open(options.program, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    name = os.path.basename(options.program)
    components = swift_packages(options.resolved, options.checkouts, options.program)
    components += vendored(components, options.checkouts)
    components.append(swift_runtime())
    components += system_libraries(options.program)
    reference = f"{name}@{options.version}"
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        # The same program always has the same document.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'lumbung:{reference}:{digest}')}",
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(options.epoch)),
            "component": {
                "type": "application", "bom-ref": reference, "name": name, "version": options.version,
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "description": "as it was linked, before stripping",
            },
        },
        "components": components,
        "dependencies": [{"ref": reference, "dependsOn": [component["bom-ref"] for component in components]}],
    }
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
