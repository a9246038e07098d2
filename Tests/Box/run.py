#!/usr/bin/env python3
"""Tests of the packages on a Debian box with a real systemd, booted in namespaces of this machine. Needs root, and the
packages that Tools/packages-box.txt lists.

    Tests/Box/run.py                       all, in the short form
    Tests/Box/run.py --long                1,000 power cuts instead of 30; --cuts N: as many as you like
    Tests/Box/run.py test_service          one file, or file.Class.test_name
    Tests/Box/run.py --shell               a box with the packages installed, and a shell in it

The packages are those in .build/deb (`make deb`), or in $DEBS. Exit: 0 all passed, 1 not, 69 something is missing.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
for _folder in (HERE, os.path.join(REPOSITORY, "Tools"), os.path.join(REPOSITORY, "Tests", "EndToEnd")):
    sys.path.insert(0, _folder)

import base  # noqa: E402
import box  # noqa: E402

CACHE = os.path.join(REPOSITORY, ".build", "box")
NEEDED = ["debootstrap", "systemd-nspawn", "mkfs.ext4", "unshare", "nsenter", "ip", "dpkg-deb"]


def outside(options: argparse.Namespace) -> int:
    """Makes what needs the network, then runs the rest in namespaces of its own, and clears up behind it."""
    if os.geteuid() != 0:
        print("a box with its own systemd needs root", file=sys.stderr)
        return 69
    missing = [name for name in NEEDED if shutil.which(name, path=box.PATH) is None]
    if missing:
        print(f"missing: {', '.join(missing)}; Tools/install-packages installs them", file=sys.stderr)
        return 69
    image = base.image(CACHE)
    clear_up()
    name = f"{os.getpid()}"
    work = tempfile.mkdtemp(prefix=f"run-{name}-", dir=CACHE)
    # An end by these signals is an orderly one, too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
                   "--propagation", "private", sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
        environment = {**os.environ, "LUMBUNG_BOX": name, "LUMBUNG_BOX_IMAGE": image, "LUMBUNG_BOX_WORK": work,
                       "LUMBUNG_BOX_LONG": "1" if options.long else "",
                       "LUMBUNG_BOX_CUTS": str(options.cuts or (1000 if options.long else 30))}
        # Namespaces, mounts and everything in them go with this process, even where it is killed.
        return subprocess.run(command, env=environment, preexec_fn=end_with_parent).returncode
    finally:
        remove_groups(f"lumbung-box-{name}-")
        shutil.rmtree(work, ignore_errors=True)


def end_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def clear_up() -> None:
    """What runs left behind that were killed: files and empty control groups."""
    for name in os.listdir(CACHE):
        parts = name.split("-")
        if parts[0] == "run" and len(parts) > 2 and not os.path.exists(f"/proc/{parts[1]}"):
            remove_groups(f"lumbung-box-{parts[1]}-")
            shutil.rmtree(os.path.join(CACHE, name), ignore_errors=True)


def remove_groups(prefix: str) -> None:
    with open("/proc/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    for mount in mounts[:1]:
        for name in os.listdir(mount):
            if name.startswith(prefix):
                box.remove_group(os.path.join(mount, name))


def inside(options: argparse.Namespace) -> int:
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"],
        # Whatever version this machine's control groups are of, the box's are of the second.
        ["sh", "-c", "umount -R /sys/fs/cgroup || umount -l /sys/fs/cgroup"],
        ["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"],
    ):
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    if options.shell:
        return shell()
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(options.tests) if options.tests else loader.discover(HERE)
    result = unittest.TextTestRunner(verbosity=2, failfast=options.failfast).run(suite)
    return 0 if result.wasSuccessful() else 1


def shell() -> int:
    import case

    machine = case.installed_box()
    try:
        machine.boot()
        return machine.start("bash", "-l", stdin=None).wait()
    finally:
        machine.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", metavar="TEST")
    parser.add_argument("--long", action="store_true", default=os.environ.get("LONG", "") not in ("", "0"))
    parser.add_argument("--cuts", type=int, metavar="N", help="power cuts of the whole box")
    parser.add_argument("--failfast", action="store_true")
    parser.add_argument("--shell", action="store_true")
    options = parser.parse_args()
    return inside(options) if "LUMBUNG_BOX" in os.environ else outside(options)


if __name__ == "__main__":
    sys.exit(main())
