"""A certificate authority for a test, by the `openssl` program."""

from __future__ import annotations

import os
import subprocess
from typing import Tuple

_CONFIG = """\
[ca]
default_ca = it
[it]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


class Authority:
    def __init__(self, folder: str, name: str = "authority"):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder, 0o700)
        self.certificate = self._path("ca.pem")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self._path("ca.key"), "-out",
                      self.certificate, "-subj", f"/CN={name}", "-days", "30")
        for file, text in (("index.txt", ""), ("serial", "01\n"), ("ca.cnf", _CONFIG.format(folder=self.folder))):
            with open(self._path(file), "w", encoding="ascii") as out:
                out.write(text)

    def issue(self, name: str, begin: str = "20250101000000Z", end: str = "20450101000000Z") -> Tuple[str, str]:
        """Certificate and key for 127.0.0.1, valid between two moments (YYYYMMDDHHMMSSZ)."""
        certificate, key, request = (self._path(f"{name}.{kind}") for kind in ("pem", "key", "csr"))
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}",
                      "-addext", "subjectAltName=IP:127.0.0.1")
        self._openssl("ca", "-batch", "-config", self._path("ca.cnf"), "-cert", self.certificate, "-keyfile",
                      self._path("ca.key"), "-in", request, "-out", certificate, "-startdate", begin, "-enddate", end,
                      "-notext")
        os.chmod(key, 0o600)
        return certificate, key

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _openssl(self, *arguments: str) -> None:
        result = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise AssertionError(f"openssl {' '.join(arguments)}\n{result.stdout}")
