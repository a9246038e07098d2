"""The table of a benchmark, and what the figures say of the targets."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from usage import median

Results = Dict[str, Any]

NAMES = [
    ("floor", "floor: no-op subscriber"), ("gateway", "lumbung"), ("bridge", "mosquitto bridge"),
    ("script", "paho + sqlite3 script"), ("thingsboard", "thingsboard-gateway"),
    ("floor-1000", "floor at 1,000/s"), ("floor-1000-rest", "floor at 1,000/s, 50 ms rests"),
    ("gateway-1000", "lumbung at 1,000/s"), ("devices-50000", "lumbung, 50,000 devices"),
]


def figure(results: Results, kind: str, name: str) -> Optional[float]:
    return median(run.get(name) for run in results["runs"].get(kind, []))


def ratio(results: Results, kind: str, name: str, to: str) -> Optional[float]:
    """The median of the ratios within each run."""
    pairs = zip(results["runs"].get(kind, []), results["runs"].get(to, []))
    return median(a[name] / b[name] for a, b in pairs if a.get(name) and b.get(name))


def judge(results: Results) -> List[Dict[str, Any]]:
    """Each target with its figure; nothing is said of what was not measured."""
    latency = results["runs"].get("latency", [])
    excess = median(run["puback_ms"]["p99"] - 200 - run["sync_ms"]["p99"] for run in latency)
    wanted: List[Tuple[str, Optional[float], float, bool]] = [
        ("processor at full rate, times the floor's", ratio(results, "gateway", "cpu_us", "floor"), 2.0, False),
        ("processor at 1,000/s, µs a message", figure(results, "gateway-1000", "cpu_us"), 12.0, False),
        ("rate, share of the floor's", ratio(results, "gateway", "rate", "floor"), 0.8, True),
        ("PUBACK p99 beyond commit_interval and p99 fsync, ms", excess, 20.0, False),
        ("peak memory at full rate, MiB", mebibytes(figure(results, "gateway", "peak")), 64, False),
        ("peak memory with 50,000 devices, MiB", mebibytes(figure(results, "devices-50000", "peak")), 200, False),
    ]
    written = figure(results, "gateway", "written")
    wanted.append(("bytes to disk, times zstd -3 of the batches",
                   written / results["zstd_bytes"] if written else None, 2.4, False))
    return [
        {"what": what, "figure": value, "target": target,
         "holds": value >= target if at_least else value <= target}
        for what, value, target, at_least in wanted if value is not None
    ]


def mebibytes(value: Optional[float]) -> Optional[float]:
    return None if value is None else value / 2**20


def cell(value: Optional[float], form: str) -> str:
    return "–" if value is None else format(value, form)


def table(results: Results) -> str:
    runs = max((len(found) for found in results["runs"].values()), default=0)
    machine = results["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores; {results['messages']} messages a run at full rate, "
        f"{results['devices']} devices; medians of {runs} runs; load of the machine {min(results['load']):.1f} to "
        f"{max(results['load']):.1f}",
        f"{results['corpus']['bytes'] / results['corpus']['messages']:.0f} bytes of topic and payload a message, "
        f"{results['zstd_bytes']:.1f} as zstd -3 of batches of 2,000", "",
        f"{'':<32}{'CPU µs/msg':>12}{'× floor':>9}{'msg/s':>9}{'peak MiB':>10}{'bytes/msg':>11}{'broker µs':>11}{'lost':>7}",
    ]
    for kind, name in NAMES:
        if not results["runs"].get(kind):
            continue
        floor = "floor-1000-rest" if kind == "gateway-1000" else "floor"
        lines.append(
            f"{name:<32}{cell(figure(results, kind, 'cpu_us'), '12.2f')}"
            f"{cell(ratio(results, kind, 'cpu_us', floor) if kind != floor else None, '.2f'):>9}"
            f"{cell(figure(results, kind, 'rate'), ',.0f'):>9}{cell(mebibytes(figure(results, kind, 'peak')), '.1f'):>10}"
            f"{cell(figure(results, kind, 'written'), '.1f'):>11}{cell(figure(results, kind, 'broker_us'), '.2f'):>11}"
            f"{cell(figure(results, kind, 'lost'), '.1%'):>7}")
    for run in results["runs"].get("latency", [])[:1]:
        lines += ["", f"at {run['rate']:,.0f}/s, milliseconds: PUBACK {run['puback_ms']}, fsync {run['sync_ms']}"]
    lines.append("")
    for verdict in results["verdicts"]:
        lines.append(f"  {'holds ' if verdict['holds'] else 'MISSED'}  {verdict['what']}: {verdict['figure']:.2f}"
                     f" (target {verdict['target']:g})")
    return "\n".join(lines)
