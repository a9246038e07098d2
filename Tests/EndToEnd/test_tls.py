"""The page and the central server over TLS, with clients that aren't ours: curl, and Python's ssl."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import unittest
from typing import List, Optional, Tuple

import harness
import stage
from authority import Authority
from stage import await_value


def curl(url: str, ca: str, *more: str) -> Tuple[int, str]:
    """Exit code and body."""
    result = subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", ca, *more, url], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    return result.returncode, result.stdout


# curl's word for a certificate that it doesn't trust.
CURL_UNTRUSTED = 60


class PageOverTLS(harness.Case):
    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.folder)

    def configure(self, certificate: str, key: str) -> None:
        self.write_config()
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        listen = f'listen = "127.0.0.1:{self.admin_port}"\n'
        self.stage.write("gateway.toml", text.replace(
            listen, listen + f"cert_file = {json.dumps(certificate)}\nkey_file = {json.dumps(key)}\n"))

    def refusal(self, command: str = "run") -> str:
        result = self.run_lumbung(command, "--config", self.config)
        self.assertEqual(result.returncode, 78, result.stderr)
        return result.stderr

    def test_curl_reads_page_and_metrics_and_who_has_another_authority_reads_nothing(self) -> None:
        self.configure(*self.authority.issue("page"))
        self.start_broker()
        self.start_gateway()
        url = f"https://127.0.0.1:{self.admin_port}"
        code, body = curl(url + "/", self.authority.certificate)
        self.assertEqual(code, 0, body)
        self.assertIn("</html>", body)
        code, body = curl(url + "/metrics", self.authority.certificate, "--tlsv1.3")
        self.assertIn("lumbung_", body)
        code, body = curl(url + "/healthz", self.authority.certificate, "--tls-max", "1.2")
        self.assertEqual(code, 0, body)
        other = Authority(self.folder, "other")
        self.assertEqual(curl(url + "/", other.certificate)[0], CURL_UNTRUSTED)
        code, body = curl(url.replace("https", "http") + "/api/status", self.authority.certificate)
        self.assertIn("write https://", body)
        # Our own command trusts the certificate that the configuration names.
        status = self.run_lumbung("status", "--json", "--config", self.config)
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertIn("broker", json.loads(status.stdout))

    def test_keys_that_do_not_fit_or_that_all_may_read_are_refused_with_the_cure(self) -> None:
        certificate, key = self.authority.issue("page")
        _, other = self.authority.issue("other")
        self.configure(certificate, other)
        self.assertIn("is not that of", self.refusal())
        self.assertIn("is not that of", self.refusal("check"))
        self.configure(certificate, key)
        os.chmod(key, 0o644)
        self.assertIn(f"chmod 640 {key}", self.refusal())
        os.chmod(key, 0o600)
        self.configure(certificate, key + "x")
        self.assertIn("there is no such file", self.refusal())
        self.configure(key, key)
        self.assertIn("certificate", self.refusal())
        self.stage.write("gateway.toml", open(self.config, encoding="utf-8").read().replace("key_file", "# "))
        self.assertIn("go together", self.refusal("check"))

    def test_an_expired_certificate_is_told_and_does_not_stop_the_messages(self) -> None:
        self.configure(*self.authority.issue("page", "20200101000000Z", "20210101000000Z"))
        check = self.run_lumbung("check", "--config", self.config)
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertIn("has expired", check.stderr)
        self.start_broker()
        self.start_gateway()
        code, body = curl(f"https://127.0.0.1:{self.admin_port}/", self.authority.certificate)
        self.assertEqual(code, CURL_UNTRUSTED, body)
        self.assertIn("expired", body)


class CentralOverTLS(harness.Case):
    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.folder)
        self.certificate, self.key = self.authority.issue("central")
        self.central = stage.program("lumbung-central", "LUMBUNG_CENTRAL_BIN")

    def command(self, *more: str) -> List[str]:
        return [self.central, "serve", "--listen", f"127.0.0.1:{self.receiver_port}", "--database",
                f"sqlite:{self.stage.path('central.db')}", "--token-file", self.token_file, *more]

    def start_central(self) -> None:
        self.receiver = self.stage.start_listening("central", self.command(
            "--cert-file", self.certificate, "--key-file", self.key), self.receiver_port)

    def connect(self, ca: Optional[str] = None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self.receiver_port, timeout=20,
            context=ssl.create_default_context(cafile=ca or self.authority.certificate))

    def refusal(self, *more: str) -> str:
        result = subprocess.run(self.command(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, text=True)
        self.assertEqual(result.returncode, 78, result.stderr)
        return result.stderr

    def batch(self, first: int, count: int) -> bytes:
        records = [{"seq": first + index, "type": "status", "note": "x" * 400} for index in range(count)]
        return gzip.compress(json.dumps({
            "gateway": "bench", "epoch": "7b8f4f5c-7d4b-4a50-9a5e-0f6f3a8e6d11", "generation": 0, "lane": "status",
            "first": first, "last": first + count - 1, "records": records}).encode(), compresslevel=0)

    def post(self, connection: http.client.HTTPSConnection, body: bytes) -> Tuple[int, bytes]:
        connection.request("POST", "/v1/batches", body, {
            "Authorization": "Bearer a-token-of-the-tests", "Content-Type": "application/json",
            "Content-Encoding": "gzip"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def test_batches_larger_than_a_record_of_tls_come_whole_on_one_connection(self) -> None:
        self.start_central()
        connection = self.connect()
        first = 1
        for count in (1, 40, 400, 400):
            status, body = self.post(connection, self.batch(first, count))
            self.assertEqual(status, 200, body)
            first += count
        connection.request("GET", "/v1/gateways")
        answer = connection.getresponse()
        self.assertIn(b"bench", answer.read())
        connection.close()

    def test_a_gateway_delivers_to_it_and_one_with_another_authority_keeps_what_it_has(self) -> None:
        self.start_central()
        self.write_config()
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        url = f'"http://127.0.0.1:{self.receiver_port}"\n'
        right = text.replace(url, url.replace("http:", "https:") + f"ca_file = {json.dumps(self.authority.certificate)}\n")
        wrong = right.replace(self.authority.certificate, Authority(self.folder, "other").certificate)
        self.assertNotEqual(right, wrong)
        self.stage.write("gateway.toml", wrong)
        self.start_broker()
        self.start_gateway()
        self.await_status("the uplink tells of the certificate",
                          lambda report: "certificate" in json.dumps(report["uplinks"][0]).lower())
        self.assertEqual(self.gateway.stop(), 0)
        self.stage.write("gateway.toml", right)
        self.start_gateway()
        self.await_status("records are delivered", lambda report: report["uplinks"][0]["delivered_records"] > 0)

    def test_a_renewed_certificate_is_shown_to_the_next_and_half_a_renewal_to_nobody(self) -> None:
        self.start_central()
        old = self.connect()
        old.request("GET", "/healthz")
        self.assertIn(b"ok", old.getresponse().read())
        renewed, key = Authority(self.folder, "renewed").issue("central")
        # First the certificate alone: the old pair stays in use.
        shutil.copyfile(renewed, self.certificate + ".new")
        os.replace(self.certificate + ".new", self.certificate)
        between = self.connect()
        between.request("GET", "/healthz")
        self.assertEqual(between.getresponse().status, 200)
        with open(self.stage.path("central.log"), encoding="utf-8") as log:
            self.assertIn("the old certificate stays", log.read())
        shutil.copyfile(key, self.key + ".new")
        os.chmod(self.key + ".new", 0o600)
        os.replace(self.key + ".new", self.key)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect().request("GET", "/healthz")
        new = self.connect(os.path.join(self.folder, "renewed", "ca.pem"))
        new.request("GET", "/healthz")
        self.assertEqual(new.getresponse().status, 200)
        # Who was connected before stays.
        old.request("GET", "/healthz")
        self.assertEqual(old.getresponse().status, 200)

    def test_rubbish_and_silence_hold_nobody_up(self) -> None:
        self.start_central()
        sockets = []
        for greeting in (b"", b"\x16\x03\x01", b"\0" * 600, b"\x16\x03\x01\xff\xff" + b"x" * 20_000, b"GET / HTTP/1.1\r\n\r\n",
                         b"\x80\x2e\x01"):
            connection = socket.create_connection(("127.0.0.1", self.receiver_port), timeout=30)
            connection.sendall(greeting)
            sockets.append(connection)
        good = self.connect()
        good.request("GET", "/healthz")
        self.assertEqual(good.getresponse().status, 200)
        # Who doesn't come to terms is sent away: the silent one, too.
        for connection in sockets:
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            connection.close()

    def test_a_client_that_says_goodbye_first_still_gets_its_answer(self) -> None:
        self.start_central()
        context = ssl.create_default_context(cafile=self.authority.certificate)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        raw = socket.create_connection(("127.0.0.1", self.receiver_port), timeout=20)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outgoing.read())
                incoming.write(raw.recv(65536))
        client.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        try:
            client.unwrap()
        except ssl.SSLError:
            pass
        raw.sendall(outgoing.read())
        answer = b""
        while True:
            data = raw.recv(65536)
            if not data:
                break
            incoming.write(data)
            try:
                answer += client.read(65536)
            except ssl.SSLError:
                pass
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)

    def test_what_cannot_be_used_is_refused_with_the_cure(self) -> None:
        _, other = self.authority.issue("other")
        self.assertIn("is not that of", self.refusal("--cert-file", self.certificate, "--key-file", other))
        os.chmod(other, 0o604)
        self.assertIn("chmod 640", self.refusal("--cert-file", self.certificate, "--key-file", other))
        self.assertIn("No such file", self.refusal("--cert-file", self.certificate, "--key-file", other + "x"))
        os.chmod(self.token_file, 0o644)
        self.assertIn(f"chmod 640 {self.token_file}", self.refusal())


if __name__ == "__main__":
    unittest.main()
