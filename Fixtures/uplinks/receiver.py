"""A receiver of batches that answers as it is told and remembers what it was sent. For tests, over loopback only.

It prints its port (with --tls DIR also the path of its certificate, made by openssl in that folder) and ends when its
standard input is closed. Told by GET requests:

  /script?A|B|C   the next answers, one a request, before the rules:
                    429 Retry-After=1   that status, with these headers
                    swallow             takes the batch in, then closes without an answer
                    close               closes at once
                    hang                takes the batch in and never answers
                    big 200             that status with a body of 4 MiB
  /rules?A|B|C    what holds from then on (replaces the rules before):
                    refuse TEXT 400     that status where the body holds TEXT
                    most 10             413 where there are more records
                    token T             401 for any other; repeats the wrong one in its answer
                    no-zstd             415 for zstd
                    lane alarm 503      that status for a lane
                    say TEXT            200 with that text as the body
  /log?N          waits until N batches have come, then one line each, fields parted by tabs:
                    lane, first, last, records, encoding, key, authorization, client port, status
"""
import gzip
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_plus

lock = threading.Condition()
script, rules, log = [], [], []


def judge(headers, lane, body, count):
    for rule in rules:
        words = rule.split(" ")
        if words[0] == "refuse" and words[1].encode() in body:
            return int(words[2]), b"poison"
        if words[0] == "most" and count > int(words[1]):
            return 413, b""
        if words[0] == "token" and headers.get("Authorization") != "Bearer " + words[1]:
            return 401, ("no such token: " + str(headers.get("Authorization"))).encode()
        if words[0] == "no-zstd" and headers.get("Content-Encoding") == "zstd":
            return 415, b""
        if words[0] == "lane" and words[1] == lane:
            return int(words[2]), b""
        if words[0] == "say":
            return 200, rule[4:].encode()
    return 200, b""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        command, _, argument = self.path.partition("?")
        parts = [part for part in unquote_plus(argument).split("|") if part]
        with lock:
            if command == "/script":
                script[:] = parts
            elif command == "/rules":
                rules[:] = parts
            elif command == "/log":
                lock.wait_for(lambda: len(log) >= int(argument or 0), timeout=60)
                return self.reply(200, "\n".join(log).encode())
            else:
                return self.reply(404, b"nothing here")
        self.reply(200)

    def do_POST(self):
        headers = self.headers
        with lock:
            step = script.pop(0) if script else ""
        raw = b"" if step == "close" else self.rfile.read(int(headers.get("Content-Length", 0)))
        key = headers.get("Idempotency-Key", "")
        lane, _, span = key.partition("/")[2].partition("/")[2].partition("/")
        first, _, last = span.partition("-")
        body, count = raw, -1
        if headers.get("Content-Encoding") == "gzip" and raw:
            body = gzip.decompress(raw)
            batch = json.loads(body)
            count = len(batch["records"])
            is_sound = (
                self.path == "/v1/batches"
                and headers.get("Content-Type") == "application/json"
                and headers.get("User-Agent") == "lumbung"
                and key == "%s/%d/%s/%d-%d" % tuple(batch[k] for k in ("epoch", "generation", "lane", "first", "last"))
                and batch["records"][0]["seq"] == batch["first"]
                and batch["records"][-1].get("through", batch["records"][-1]["seq"]) == batch["last"]
            )
            if not is_sound:
                step = "418"
        words = step.split(" ")
        status, answer, extra = None, b"", [word.split("=", 1) for word in words[1:] if "=" in word]
        if words[0].isdigit():
            status = int(words[0])
        elif words[0] == "big":
            status, answer = int(words[1]), b"x" * (4 << 20)
        elif not step:
            status, answer = judge(headers, lane, body, count)
        fields = (lane, first, last, count, headers.get("Content-Encoding"), key, headers.get("Authorization"),
                  self.client_address[1], status or words[0])
        with lock:
            log.append("\t".join(map(str, fields)))
            lock.notify_all()
        if status is None:
            if words[0] == "hang":
                time.sleep(30)
            self.close_connection = True
            return
        try:
            self.reply(status, answer, extra)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # Clients that break off are part of the tests.


def main():
    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    line = str(server.server_address[1])
    if sys.argv[1:2] == ["--tls"]:
        certificate, key = os.path.join(sys.argv[2], "cert.pem"), os.path.join(sys.argv[2], "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", key, "-out", certificate],
            check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        line += " " + certificate
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(line, flush=True)
    sys.stdin.read()


main()
