"""Metrics, dashboard and alert rules against a real Prometheus that asks a real gateway and a real receiver, with a
simulated district behind them: every query must be answered with data.

Needs Debian's package prometheus, which brings promtool. LUMBUNG_BIN and LUMBUNG_CENTRAL_BIN name other programs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from typing import Any, Dict, Iterator, List, Set, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(REPOSITORY, "Tools"))

import stage  # noqa: E402
from stage import Stage, StageError, await_value  # noqa: E402

MONITORING = os.path.join(REPOSITORY, "Config", "monitoring")
RULES = os.path.join(MONITORING, "lumbung.rules.yml")
DASHBOARD = os.path.join(MONITORING, "lumbung.dashboard.json")
# However many devices there are: a Prometheus for a hundred gateways must not notice.
MOST_SERIES = 120
# Names of series in a query: ours, and what every process has.
METRIC = re.compile(r"\b(?:lumbung|process)_\w+\b|\bup\b")


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class Monitoring(unittest.TestCase):
    stage: Stage

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.mkdtemp(prefix="lumbung-monitoring-")
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.stage = Stage(folder)
        cls.addClassCleanup(cls.stage.stop_all)
        cls.broker, cls.admin, cls.central, cls.prometheus = (stage.free_port() for _ in range(4))
        cls.token = cls.stage.write("token", "of-the-monitoring-test\n", 0o600)
        cls.lumbung = stage.program("lumbung", "LUMBUNG_BIN")
        cls.configure()
        stage.start_broker(cls.stage, cls.broker)
        cls.stage.start_listening(
            "lumbung-central", [stage.program("lumbung-central", "LUMBUNG_CENTRAL_BIN"), "serve", "--listen",
                                f"127.0.0.1:{cls.central}", "--database", f"sqlite:{cls.stage.path('central.db')}",
                                "--token-file", cls.token], cls.central)
        cls.stage.start_listening(
            "lumbung", [cls.lumbung, "run", "--config", cls.stage.path("gateway.toml")], cls.admin)
        cls.stage.start("simulator", [cls.lumbung, "simulate", "--broker", f"mqtt://127.0.0.1:{cls.broker}",
                                      "--devices", "60", "--rate", "60"])
        cls.start_prometheus()

    @classmethod
    def configure(cls) -> None:
        with open(os.path.join(REPOSITORY, "Config", "simulated-district.toml"), encoding="utf-8") as file:
            text = file.read() + '\n[[uplink]]\nname = "central"\ntype = "http"\n'
        quoted = json.dumps
        for table, key, value in (
            ("broker", "url", quoted(f"mqtt://127.0.0.1:{cls.broker}")),
            ("store", "path", quoted(cls.stage.path("store"))),
            ("summary", "window", '"2s"'), ("summary", "grace", '"1s"'),
            ("uplink", "url", quoted(f"http://127.0.0.1:{cls.central}")), ("uplink", "token_file", quoted(cls.token)),
            ("admin", "listen", quoted(f"127.0.0.1:{cls.admin}")),
        ):
            text = stage.set_key(text, table, key, value)
        cls.stage.write("gateway.toml", text)

    @classmethod
    def start_prometheus(cls) -> None:
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [RULES],
            "scrape_configs": [
                {"job_name": "lumbung", "static_configs": [{"targets": [f"127.0.0.1:{cls.admin}"]}]},
                {"job_name": "lumbung-central", "static_configs": [{"targets": [f"127.0.0.1:{cls.central}"]}]},
            ],
        }
        # JSON is YAML.
        path = cls.stage.write("prometheus.yml", json.dumps(settings))
        cls.stage.start_listening(
            "prometheus", ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={cls.stage.path('tsdb')}",
                           f"--web.listen-address=127.0.0.1:{cls.prometheus}", "--log.level=warn"], cls.prometheus)
        await_value("Prometheus is ready", lambda: stage.get(cls.prometheus, "/-/ready"), 60)

    def ask(self, path: str, **parameters: str) -> Any:
        body = stage.get(self.prometheus, f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        if body is None:
            raise StageError(f"Prometheus refuses {path} {parameters}")
        return json.loads(body)["data"]

    def values(self, query: str) -> List[Dict[str, Any]]:
        return self.ask("query", query=query)["result"]

    def await_data(self, query: str, seconds: float = 60) -> List[Dict[str, Any]]:
        return await_value(f"data for {query}", lambda: self.values(query) or None, seconds, every=0.5)

    def metrics(self, port: int) -> str:
        body = stage.get(port, "/metrics")
        assert body is not None
        return body.decode()

    # The metrics themselves.

    def test_names_and_form_are_those_of_prometheus(self) -> None:
        for port in (self.admin, self.central):
            with self.subTest(port):
                done = subprocess.run(["promtool", "check", "metrics"], input=self.metrics(port), text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_the_number_of_series_has_a_bound(self) -> None:
        self.await_data("lumbung_derive_devices > 50")
        before = self.series(self.admin)
        self.assertLess(len(before), MOST_SERIES)
        # Five times as many devices: the same series.
        subprocess.run([self.lumbung, "simulate", "--broker", f"mqtt://127.0.0.1:{self.broker}", "--devices", "300",
                        "--rate", "300", "--seed", "2", "--for", "5s"], check=True, stdout=subprocess.DEVNULL)
        self.await_data("lumbung_derive_devices > 150")
        self.assertEqual(self.series(self.admin) - before, set())

    def series(self, port: int) -> Set[str]:
        return {line.rpartition(" ")[0] for line in self.metrics(port).splitlines() if line and line[0] != "#"}

    def test_health_and_readiness_give_reasons(self) -> None:
        for path in ("/healthz", "/readyz"):
            self.assertEqual(await_value(path, lambda: stage.get(self.admin, path), 20), b"ok\n")

    # Rules and dashboard.

    def test_the_rules_are_valid_and_fire_where_they_should(self) -> None:
        for command in (["check", "rules", RULES], ["test", "rules", "lumbung.rules.test.yml"]):
            done = subprocess.run(["promtool", *command], cwd=MONITORING, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_prometheus_evaluates_every_rule_and_no_alert_fires_in_peace(self) -> None:
        self.await_data("lumbung_uplink_delivered_records_total > 0")

        def probe() -> Any:
            groups = self.ask("rules")["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None

        rules = await_value("rules are evaluated", probe, 30)
        self.assertEqual([(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"], [])
        firing = [rule["name"] for rule in rules if rule.get("state") == "firing"]
        # The simulated district has its faults; that is what its alarms are for.
        self.assertLessEqual(set(firing), {"LumbungAlarmsActive", "LumbungBrokerDrops"})

    def test_every_series_that_a_rule_asks_for_exists(self) -> None:
        with open(RULES, encoding="utf-8") as file:
            text = re.sub(r"#.*|(?:summary|description): .*", "", file.read())
        names = set(METRIC.findall(text))
        self.assertGreater(len(names), 15)
        for name in sorted(names):
            with self.subTest(name):
                self.await_data(name)

    def test_every_query_of_the_dashboard_gives_data(self) -> None:
        queries = list(dashboard_queries())
        self.assertGreater(len(queries), 15)
        for title, query in queries:
            with self.subTest(title):
                self.await_data(query)

    def test_the_dashboard_is_whole(self) -> None:
        with open(DASHBOARD, encoding="utf-8") as file:
            dashboard = json.load(file)
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))
        taken: Set[Tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, f"{panel['title']} lies on another panel")
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells
        for panel in panels:
            self.assertTrue(panel["targets"] and panel["title"] and panel["description"], panel["title"])


def dashboard_queries() -> Iterator[Tuple[str, str]]:
    """Each with its variables filled in as Grafana would."""
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"].replace("$__rate_interval", "10s").replace("$gateway", ".*")
            yield f"{panel['title']}: {query}", query


if __name__ == "__main__":
    unittest.main()
