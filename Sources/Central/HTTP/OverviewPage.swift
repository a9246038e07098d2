/// The one page: gateways, active alarms and the latest summaries. Everything that came from outside is set as text,
/// never as markup.
enum OverviewPage {
  static let html = #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Lumbung central</title>
    <style>
    :root { color-scheme: light dark; --line: #8884; --soft: #8888; --bad: #c0392b; --good: #2e8b57; }
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
    h1 { font-size: 1.3rem; font-weight: 600; margin: 0; }
    h2 { font-size: 1rem; font-weight: 600; margin: 2rem 0 .5rem; }
    header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; flex-wrap: wrap; }
    header span, .soft { color: var(--soft); font-size: .875rem; }
    ul { list-style: none; margin: 0; padding: 0; }
    li { border-top: 1px solid var(--line); padding: .5rem 0; overflow-wrap: anywhere; }
    li > div:first-child { display: flex; justify-content: space-between; gap: 1rem; }
    .bad { color: var(--bad); } .good { color: var(--good); }
    </style>
    </head>
    <body>
    <header><h1>Lumbung central</h1><span id="state" role="status">loading …</span></header>
    <h2>Active alarms</h2><ul id="alarms"></ul>
    <h2>Gateways</h2><ul id="gateways"></ul>
    <h2>Latest summaries</h2><ul id="summaries"></ul>
    <noscript>This page needs JavaScript; the same is at /v1/gateways, /v1/alarms and /v1/summaries.</noscript>
    <script>
    "use strict";
    const at = id => document.getElementById(id);
    const ago = text => {
      const seconds = Math.max(0, (Date.now() - Date.parse(text)) / 1000);
      if (seconds < 90) return Math.round(seconds) + " s ago";
      if (seconds < 5400) return Math.round(seconds / 60) + " min ago";
      if (seconds < 129600) return Math.round(seconds / 3600) + " h ago";
      return Math.round(seconds / 86400) + " days ago";
    };
    const time = text => new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const number = value => typeof value === "number" ? +value.toPrecision(5) : value;
    function row(title, side, detail, style) {
      const item = document.createElement("li");
      const head = document.createElement("div");
      const name = document.createElement("span");
      const note = document.createElement("span");
      name.textContent = title;
      name.className = style || "";
      note.textContent = side;
      note.className = "soft";
      head.append(name, note);
      const text = document.createElement("div");
      text.textContent = detail;
      text.className = "soft";
      item.append(head, text);
      return item;
    }
    function fill(id, rows, nothing) {
      at(id).replaceChildren(...(rows.length ? rows : [row(nothing, "", "")]));
    }
    function reading(metric) {
      if ("mean" in metric) return number(metric.mean);
      if ("increase" in metric) return "+" + number(metric.increase);
      if ("last" in metric) return number(metric.last);
      return number(metric.count);
    }
    function metrics(record) {
      const all = Object.entries(record.metrics || {});
      const shown = all.slice(0, 6).map(([name, m]) =>
        name + " " + reading(m) + (m.unit && m.unit !== "1" ? " " + m.unit : ""));
      return shown.join(" · ") + (all.length > shown.length ? " · and " + (all.length - shown.length) + " more" : "");
    }
    async function get(path) {
      const answer = await fetch(path, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(path + " answers " + answer.status);
      return answer.json();
    }
    async function refresh() {
      try {
        const [gateways, alarms, summaries] = await Promise.all([
          get("/v1/gateways?limit=200"), get("/v1/alarms?active=true&limit=50"),
          get("/v1/summaries?order=desc&limit=50")]);
        fill("alarms", alarms.alarms.map(a => row(
          (a.severity || "") + ": " + (a.message || a.rule || a.id), a.raised ? ago(a.raised) : "",
          [a.device, a.site, a.gateway].filter(Boolean).join(" · "), a.severity === "critical" ? "bad" : "")),
          "none");
        fill("gateways", gateways.gateways.map(g => row(
          g.gateway, "heard " + ago(g.last_contact),
          [g.records + " records", g.backlog_records === null ? "" : g.backlog_records + " waiting there",
           g.missing ? g.missing + " missing" : "", g.dropped ? g.dropped + " dropped" : "",
           g.conflicts ? g.conflicts + " conflicting" : ""].filter(Boolean).join(" · "),
          Date.now() - Date.parse(g.last_contact) > 15 * 60000 ? "bad" : "good")), "none has reported yet");
        fill("summaries", summaries.summaries.map(s => row(
          s.device || s.group, time(s.start), ["" + s.received + (s.expected ? " of " + s.expected : "") + " messages",
          metrics(s)].filter(Boolean).join(" · "), s.received === 0 ? "bad" : "")), "none yet");
        at("state").textContent = "as of " + new Date().toLocaleTimeString();
        at("state").className = "";
      } catch (error) {
        at("state").textContent = "not up to date: " + error.message;
        at("state").className = "bad";
      }
      setTimeout(refresh, 10000);
    }
    refresh();
    </script>
    </body>
    </html>

    """#
}
