extension Page {
  /// Black on white whatever the browser prefers: dark pages can't be read in sunlight.
  static let style = #"""
    :root { color-scheme: light; --good: #0a5c26; --warn: #7a4a00; --bad: #a3001b; --line: #444; }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 0 1rem 2rem; max-width: 90rem; background: #fff; color: #000;
      font: 1.05rem/1.45 system-ui, sans-serif; }
    header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between;
      padding: .75rem 0; }
    h1 { margin: 0; font-size: 1.4rem; }
    h1 span { font-weight: 400; overflow-wrap: anywhere; }
    h2 { margin: 1.75rem 0 .5rem; font-size: 1.15rem; }
    h3 { margin: 0; font-size: 1.05rem; }
    button { font: inherit; min-height: 2.75rem; padding: .25rem 1rem; background: #fff; color: #000;
      border: 2px solid #000; border-radius: .5rem; cursor: pointer; }
    a { color: #00408a; }
    .verdict { padding: .6rem 1rem; border: 3px solid var(--line); border-radius: .6rem; font-size: 1.15rem; }
    .verdict p { margin: 0; font-weight: 700; }
    .verdict ul { margin: .3rem 0 0; padding-left: 1.2rem; }
    .verdict ul:empty { display: none; }
    .verdict.good { border-color: var(--good); }
    .verdict.warn { border-color: var(--warn); background: #fff6e0; }
    .verdict.bad { border-color: var(--bad); background: #ffecee; }
    .good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
    .verdict.good, .verdict.warn, .verdict.bad { color: #000; }
    #way { list-style: none; margin: 0; padding: 0; display: grid; gap: 2rem; }
    .stage { position: relative; min-width: 0; padding: .7rem .9rem; border: 2px solid var(--line);
      border-radius: .6rem; }
    .stage:not(:last-child)::after { content: "▼"; position: absolute; left: 50%; bottom: -1.75rem;
      transform: translateX(-50%); font-size: 1.1rem; }
    .stage.bad { border-color: var(--bad); border-width: 4px; color: inherit; }
    .stage.warn { border-color: var(--warn); border-width: 4px; color: inherit; }
    .state { margin: .1rem 0; font-weight: 700; overflow-wrap: anywhere; }
    .state:empty { display: none; }
    .big { margin: .2rem 0 .4rem; font-size: 2rem; font-weight: 700; line-height: 1.15;
      font-variant-numeric: tabular-nums; }
    .big small { font-size: 1rem; font-weight: 400; white-space: nowrap; }
    dl { display: grid; grid-template-columns: 1fr auto; gap: .1rem .75rem; margin: 0; font-variant-numeric: tabular-nums; }
    dd { margin: 0; text-align: right; font-weight: 600; }
    dt { overflow-wrap: anywhere; }
    .bar { height: .8rem; margin: .2rem 0 .4rem; border: 2px solid #000; border-radius: .4rem; overflow: hidden; }
    .bar div { height: 100%; width: 0; background: #000; }
    .uplink { padding: .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
    .uplink p { margin: .1rem 0; }
    .list { list-style: none; margin: 0; padding: 0; }
    .list li { padding: .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
    .list .empty { border: 0; padding-top: 0; }
    .list b { margin-right: .4rem; }
    footer { margin-top: 2rem; overflow-wrap: anywhere; }
    @media (min-width: 64rem) {
      #way { grid-template-columns: repeat(5, 1fr); }
      .stage:not(:last-child)::after { content: "▶"; left: auto; right: -1.7rem; bottom: auto; top: 50%;
        transform: translateY(-50%); }
    }
    @media print { button { display: none; } }
    """#
}
