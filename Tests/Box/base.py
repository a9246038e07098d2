"""The box before anything of ours is on it: Debian 12 with systemd, the broker, and the libraries that the packages
depend on, so that installing them needs no network. Made once by debootstrap and kept as a file system in a file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile

SUITE = "bookworm"
# What the packages' Depends name, and what a small box has anyway. Nothing to compile with, nothing of Swift's.
PACKAGES = [
    "systemd", "systemd-sysv", "dbus", "procps", "iproute2", "mosquitto", "ca-certificates", "tzdata",
    "libcurl4", "libmosquitto1", "libsimdjson14", "libsqlite3-0", "libssl3", "libstdc++6", "libzstd1", "zlib1g",
]
# Sparse: what isn't written takes no room.
MEBIBYTES = 2048


def run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}")


def image(folder: str) -> str:
    """The base system's image in `folder`, made where it isn't there yet (two minutes, from Debian's mirrors)."""
    key = hashlib.sha256("\n".join([SUITE, str(MEBIBYTES), *PACKAGES]).encode()).hexdigest()[:12]
    path = os.path.join(folder, f"base-{key}.img")
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    print(f"making the base system by debootstrap: {path}", flush=True)
    root = tempfile.mkdtemp(prefix="base-", dir=folder)
    try:
        mirror = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
        # In a mount namespace of its own: what it mounts goes with it.
        run("unshare", "--mount", "--propagation", "private", "debootstrap", "--variant=minbase",
            f"--include={','.join(PACKAGES)}", SUITE, root, mirror)
        finish(root)
        pack(root, path)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return path


def finish(root: str) -> None:
    """What a box that is set up has: a name, an identity, no downloaded packages."""
    shutil.rmtree(os.path.join(root, "var/cache/apt/archives"), ignore_errors=True)
    os.makedirs(os.path.join(root, "var/cache/apt/archives/partial"))
    for name, text in (("etc/hostname", "lumbung-box\n"), ("etc/hosts", "127.0.0.1 localhost lumbung-box\n"),
                       ("etc/machine-id", hashlib.sha256(b"lumbung-box").hexdigest()[:32] + "\n")):
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write(text)


def pack(root: str, path: str) -> None:
    partial = path + ".partial"
    with open(partial, "wb") as file:
        file.truncate(MEBIBYTES << 20)
    run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", root, partial)
    os.rename(partial, path)
