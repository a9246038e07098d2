"""The way out against the servers themselves: time series that hold what was sent, and clusters of brokers of which a
node is killed while it is talked to. Each is skipped where the distribution's package isn't installed
(Tools/packages-servers.txt). No service is started: each server is a process of the test's own.
"""

from __future__ import annotations

import gzip
import http.server
import json
import math
import os
import shutil
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Optional, Tuple

import harness
import outward
import records
import stage
from harness import NS


def executable(*places: str) -> Optional[str]:
    return next((place for place in places if os.access(place, os.X_OK)), None)


INFLUXD = executable("/usr/bin/influxd")
VICTORIA = executable("/usr/bin/victoria-metrics")
NATS = executable("/usr/sbin/nats-server", "/usr/bin/nats-server")
RABBITMQ = executable("/usr/lib/rabbitmq/bin/rabbitmq-server")


def setUpModule() -> None:
    if not harness.SERVERS:
        raise unittest.SkipTest("takes minutes: `make servers` runs it")


class Twice(http.server.BaseHTTPRequestHandler):
    """Hands each write on twice: what is repeated must change nothing."""

    target = ""
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = 0, b""
        for _ in range(2):
            request = urllib.request.Request(self.target + self.path, body, method="POST")
            for name in ("Content-Encoding", "Content-Type"):
                request.add_header(name, self.headers[name])
            try:
                with urllib.request.urlopen(request, timeout=20) as response:
                    status, answer = response.status, response.read()
            except urllib.error.HTTPError as error:
                status, answer = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class Series(outward.Outward):
    def run_through(self, port: int, query: str) -> List[Dict[str, Any]]:
        """Sends summaries to the server at `port`, each write twice; gives the records that another receiver got."""
        Twice.target = f"http://127.0.0.1:{port}"
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Twice)
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        self.configure(f'name = "series"\ntype = "influx"\nurl = "http://127.0.0.1:{proxy.server_address[1]}{query}"\n')
        self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()
        self.publish_for(6, 8)
        self.await_journal(self.sent)
        self.await_time(self.window_after(time.time_ns()) + 3 * NS)
        self.await_drained()
        assert self.gateway is not None
        self.gateway.stop()
        held, faults = records.highest(self.received())
        self.assertEqual(faults, [])
        self.assertGreater(len(held), 20)
        return [entry.record for entry in held.values() if not entry.void]

    @staticmethod
    def expected(held: List[Dict[str, Any]], texts: bool) -> Dict[Tuple[str, str, int, str], Any]:
        """(metric, device, milliseconds, field) of all that was sent."""
        wanted: Dict[Tuple[str, str, int, str], Any] = {}
        for record in held:
            start = records.parse_time(record["start"]) // 1_000_000
            for metric, figures in record["metrics"].items():
                for key, value in figures.items():
                    place = (metric, record["device"], start)
                    if key in ("kind", "unit"):
                        continue
                    if isinstance(value, dict):
                        for name, seconds in value.items():
                            wanted[(*place, f"{key}.{name}")] = float(seconds)
                    elif not isinstance(value, str):
                        wanted[(*place, key)] = float(value)
                    elif texts:
                        wanted[(*place, "state")] = value
        return wanted

    def compare(
        self, wanted: Dict[Tuple[str, str, int, str], Any], found: Dict[Tuple[str, str, int, str], Any],
        tolerance: float = 0,
    ) -> None:
        self.assertGreater(len(wanted), 200)
        missing = [place for place in wanted if place not in found]
        self.assertEqual(missing[:5], [], f"{len(missing)} of {len(wanted)} are missing")
        wrong = [
            (place, wanted[place], found[place]) for place in wanted
            if found[place] != wanted[place]
            and not (tolerance and math.isclose(found[place], wanted[place], rel_tol=tolerance))
        ]
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(wanted)} differ")
        self.assertEqual(len(found), len(wanted), "there is more than was sent")

    @unittest.skipUnless(INFLUXD, "influxdb is not installed")
    def test_influxdb_holds_what_was_sent_and_a_repeated_batch_changes_nothing(self) -> None:
        port, rpc = stage.free_port(), stage.free_port()
        folder = self.stage.path("influx")
        for name, value in {
            "HTTP_BIND_ADDRESS": f"127.0.0.1:{port}", "BIND_ADDRESS": f"127.0.0.1:{rpc}", "META_DIR": folder + "/meta",
            "DATA_DIR": folder + "/data", "DATA_WAL_DIR": folder + "/wal", "REPORTING_DISABLED": "true",
            "HTTP_LOG_ENABLED": "false",
        }.items():
            self.set_environment("INFLUXDB_" + name, value)
        configuration = self.stage.write("influx.conf", "")
        self.stage.start_listening("influxd", [str(INFLUXD), "-config", configuration], port, 60)

        def query(text: str) -> Any:
            data = urllib.parse.urlencode({"q": text, "db": "lumbung", "epoch": "ms"}).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/query", data, timeout=20) as response:
                return json.load(response)["results"][0].get("series", [])

        query("CREATE DATABASE lumbung")
        held = self.run_through(port, "?db=lumbung")
        found: Dict[Tuple[str, str, int, str], Any] = {}
        for series in query("SELECT * FROM /.*/ GROUP BY *"):
            if series["name"] == "alarm":
                continue
            for row in series["values"]:
                for column, value in list(zip(series["columns"], row))[1:]:
                    if value is not None:
                        found[(series["name"], series["tags"]["device"], row[0], column)] = value
        wanted = self.expected(held, texts=True)
        self.compare(wanted, found)
        # The comparison would have seen a loss, a change and a point too many.
        place = next(iter(wanted))
        for wrong in (
            {key: value for key, value in found.items() if key != place}, {**found, place: "other"},
            {**found, ("x", "y", 0, "z"): 1.0},
        ):
            with self.assertRaises(AssertionError):
                self.compare(wanted, wrong)

    @unittest.skipUnless(VICTORIA, "victoria-metrics is not installed")
    def test_victoria_metrics_holds_what_was_sent_and_a_repeated_batch_changes_nothing(self) -> None:
        port = stage.free_port()
        self.stage.start_listening(
            "victoria",
            [str(VICTORIA), f"-storageDataPath={self.stage.path('victoria')}", f"-httpListenAddr=127.0.0.1:{port}",
             "-dedup.minScrapeInterval=1ms", "-search.latencyOffset=0s"],
            port, 60,
        )
        held = self.run_through(port, "")
        stage.get(port, "/internal/force_flush")
        body = stage.get(port, "/api/v1/export?reduce_mem_usage=0&match%5B%5D=%7B__name__!%3D%22%22%7D", timeout=30)
        found: Dict[Tuple[str, str, int, str], Any] = {}
        wanted = self.expected(held, texts=False)
        names = {f"{metric}_{field}": (metric, field) for metric, _, _, field in wanted}
        for line in (body or b"").splitlines():
            series = json.loads(line)
            place = names.get(series["metric"]["__name__"])
            if place:
                for value, time_ms in zip(series["values"], series["timestamps"]):
                    found[(place[0], series["metric"]["device"], time_ms, place[1])] = value
        # It keeps fourteen digits or so.
        self.compare(wanted, found, tolerance=1e-11)

    def set_environment(self, name: str, value: str) -> None:
        before = os.environ.get(name)
        os.environ[name] = value
        self.addCleanup(lambda: os.environ.pop(name, None) if before is None else os.environ.__setitem__(name, before))


class Cluster(outward.Outward):
    """Three nodes; the one that the gateway talks to is killed while it drains."""

    def drain(self, ports: List[int], kill: Any) -> None:
        urls = ", ".join(f'"mqtt://127.0.0.1:{port}"' for port in ports)
        self.configure(f'name = "bus"\ntype = "mqtt"\nurl = [{urls}]\nmax_rate = "80kbit/s"\nlive_share = 0\n'
                       + getattr(self, "login", ""))
        # The subscriber's session is at a node that lives on.
        received = open(self.stage.path("subscriber.txt"), "wb")
        self.addCleanup(received.close)
        subscriber = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(ports[1]), "-i", "receiver", "-c", "-q", "1", "-V",
             "mqttv311", "-t", "lumbung/v1/#", "-F", "%t %x", *getattr(self, "subscriber_login", [])],
            stdout=received, stderr=subprocess.STDOUT,
        )
        self.addCleanup(subscriber.wait)
        self.addCleanup(subscriber.kill)
        time.sleep(3)
        self.start_broker()
        self.start_receiver()
        self.start_gateway()
        self.await_connected()
        self.publish_for(20, 150)
        bus = lambda s: next(u for u in s["uplinks"] if u["name"] == "bus")  # noqa: E731
        report = self.await_status("the bus has taken something", lambda s: bus(s)["delivered_batches"] >= 3, 90)
        self.assertGreater(bus(report)["pending_records"], 100, "it drains no more: nothing would be proven")
        self.assertGreater(self.connections(ports[0]), 0, "it doesn't talk to the node that is to be killed")
        kill()
        self.publish_for(5, 150)
        self.await_journal(self.sent, 60)
        self.await_drained(240)
        deadline = time.monotonic() + 60
        while True:
            content, contradictions = self.seen()
            wanted = {(r["lane"], r["seq"]) for r in self.sealed()}
            if wanted <= set(content) or time.monotonic() > deadline:
                break
            time.sleep(1)
        self.assertEqual(contradictions, 0)
        self.assertEqual(sorted(wanted - set(content))[:10], [])
        for lane in ("summary", "status"):
            numbers = sorted(seq for which, seq in content if which == lane)
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)), f"a hole in {lane}")

    def connections(self, port: int) -> int:
        """The gateway's connections to a port of this machine."""
        assert self.gateway is not None
        folder = f"/proc/{self.gateway.pid}/fd"
        mine = {os.readlink(f"{folder}/{number}") for number in os.listdir(folder)}
        with open("/proc/net/tcp", encoding="ascii") as file:
            rows = [line.split() for line in file.readlines()[1:]]
        established = "01"
        return sum(row[2] == f"0100007F:{port:04X}" and row[3] == established and f"socket:[{row[9]}]" in mine
                   for row in rows)

    def seen(self) -> Tuple[Dict[Tuple[str, int], str], int]:
        """By lane and number; how often a number came with another content."""
        content: Dict[Tuple[str, int], str] = {}
        contradictions = 0
        with open(self.stage.path("subscriber.txt"), encoding="utf-8", errors="replace") as file:
            for line in file:
                topic, _, payload = line.strip().partition(" ")
                if not topic.startswith("lumbung/v1/bench/") or not payload:
                    continue
                try:
                    batch = json.loads(gzip.decompress(bytes.fromhex(payload)))
                except (ValueError, OSError, EOFError):
                    continue  # the last line, half written
                for record in batch["records"]:
                    text = json.dumps(record, sort_keys=True)
                    key = (batch["lane"], record["seq"])
                    contradictions += content.setdefault(key, text) != text
        return content, contradictions

    def sealed(self) -> List[Dict[str, Any]]:
        """What the other destination got: they share one numbering."""
        found = []
        for line in self.received():
            item = records.envelope(line)
            record = item["record"]
            if "seq" in record:
                found.append({"lane": item["lane"], "seq": record["seq"]})
        self.assertGreater(len(found), 500, "nothing to compare with")
        return found

    @unittest.skipUnless(NATS and shutil.which("mosquitto_sub"), "nats-server or mosquitto_sub is not installed")
    def test_a_killed_node_of_three_nats_servers_loses_nothing(self) -> None:
        ports, routes = [stage.free_port() for _ in range(3)], [stage.free_port() for _ in range(3)]
        clients = [stage.free_port() for _ in range(3)]
        nodes = []
        for number in range(3):
            others = ", ".join(f"nats-route://127.0.0.1:{port}" for port in routes)
            configuration = self.stage.write(
                f"nats-{number}.conf",
                f"server_name: n{number}\nlisten: 127.0.0.1:{clients[number]}\n"
                f'jetstream {{ store_dir: "{self.stage.path(f"nats-{number}")}" }}\n'
                f"cluster {{ name: c, listen: 127.0.0.1:{routes[number]}, routes: [{others}] }}\n"
                f"mqtt {{ listen: 127.0.0.1:{ports[number]} }}\n",
            )
            nodes.append(self.stage.start_listening(
                f"nats-{number}", [str(NATS), "-c", configuration], ports[number], 60))
        self.await_mqtt(ports, [])
        self.drain(ports, nodes[0].kill)

    def await_mqtt(self, ports: List[int], login: List[str]) -> None:
        """Until each node takes a publication: a cluster elects its leaders first."""
        def ready() -> Optional[bool]:
            for port in ports:
                result = subprocess.run(
                    ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-V", "mqttv311", "-q", "1", "-t", "probe",
                     "-m", "x", *login], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
                if result.returncode != 0:
                    return None
            return True
        stage.await_value("the cluster takes publications", ready, 180, every=1)

    @unittest.skipUnless(RABBITMQ and shutil.which("mosquitto_sub"), "rabbitmq or mosquitto_sub is not installed")
    def test_a_killed_node_of_three_rabbitmq_servers_loses_nothing(self) -> None:
        ports, amqp, dist = ([stage.free_port() for _ in range(3)] for _ in range(3))
        epmd = stage.free_port()
        folder = self.stage.path("rabbit")
        os.makedirs(folder)
        with open(folder + "/.erlang.cookie", "w", encoding="utf-8") as file:
            file.write("TESTCOOKIE")
        os.chmod(folder + "/.erlang.cookie", 0o400)
        names = [f"r{number}@localhost" for number in range(3)]
        environments = []
        for number in range(3):
            home = f"{folder}/{number}"
            os.makedirs(home)
            self.stage.write(
                f"rabbit/{number}/rabbitmq.conf",
                f"listeners.tcp.local = 127.0.0.1:{amqp[number]}\nmqtt.listeners.tcp.1 = 127.0.0.1:{ports[number]}\n"
                "mqtt.allow_anonymous = true\nmqtt.default_user = guest\nmqtt.default_pass = guest\n"
                "cluster_formation.peer_discovery_backend = classic_config\n"
                + "".join(f"cluster_formation.classic_config.nodes.{i + 1} = {name}\n" for i, name in enumerate(names)))
            self.stage.write(f"rabbit/{number}/enabled_plugins", "[rabbitmq_mqtt].\n")
            environments.append({
                **os.environ, "HOME": folder, "RABBITMQ_NODENAME": names[number], "RABBITMQ_MNESIA_BASE": home + "/db",
                "RABBITMQ_LOG_BASE": home, "RABBITMQ_CONFIG_FILE": home + "/rabbitmq.conf",
                "RABBITMQ_ENABLED_PLUGINS_FILE": home + "/enabled_plugins", "RABBITMQ_DIST_PORT": str(dist[number]),
                "RABBITMQ_NODE_PORT": str(amqp[number]), "ERL_EPMD_PORT": str(epmd), "RABBITMQ_PID_FILE": home + "/pid",
                "RABBITMQ_CONF_ENV_FILE": "/dev/null", "ERL_EPMD_ADDRESS": "127.0.0.1",
            })
        # Made first, done last: the port mapper stays while it knows of a node.
        self.addCleanup(self.end_port_mapper, epmd)
        nodes = []
        for number, environment in enumerate(environments):
            log = open(self.stage.path(f"rabbit-{number}.log"), "wb")
            self.addCleanup(log.close)
            node = subprocess.Popen([str(RABBITMQ)], env=environment, stdout=log, stderr=log, start_new_session=True)
            self.addCleanup(self.end_group, node)
            nodes.append(node)
            stage.await_value(
                f"node {number} listens", lambda: stage.listens(ports[number]) or None, 240, every=0.5)  # noqa: B023
        self.await_mqtt(ports, [])
        self.drain(ports, lambda: self.end_group(nodes[0]))

    @staticmethod
    def end_port_mapper(port: int) -> None:
        def gone() -> bool:
            subprocess.run(["epmd", "-port", str(port), "-kill"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return not stage.listens(port)

        stage.await_value("the port mapper has ended", gone, 20, every=0.5)

    @staticmethod
    def end_group(node: "subprocess.Popen[bytes]") -> None:
        try:
            os.killpg(node.pid, 9)
        except ProcessLookupError:
            pass
        node.wait()


if __name__ == "__main__":
    unittest.main()
