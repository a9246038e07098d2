extension Page {
  /// Text of elements with `data-word` comes from `words`; what stands here is shown until the script runs.
  static let markup = #"""
    <header>
      <h1>Lumbung <span id="gateway"></span></h1>
      <button id="language" type="button" lang="id">Bahasa Indonesia</button>
    </header>
    <noscript>
      <p class="verdict bad">This page needs JavaScript. The same as text: /api/status, /metrics, /healthz.</p>
    </noscript>
    <section id="verdict" class="verdict" role="status">
      <p id="verdict-text">…</p>
      <ul id="problems"></ul>
    </section>

    <main>
    <h2 data-word="way">The way of a message</h2>
    <ol id="way">
      <li class="stage" id="stage-broker">
        <h3 data-word="broker">Broker</h3>
        <p class="state" id="broker-state"></p>
        <p class="big"><span id="rate-received">–</span> <small data-word="messagesPerSecond">messages/s</small></p>
        <dl id="broker-facts"></dl>
      </li>
      <li class="stage" id="stage-journal">
        <h3 data-word="journal">Journal</h3>
        <p class="state" id="journal-state"></p>
        <p class="big"><span id="rate-commits">–</span> <small data-word="commitsPerSecond">commits/s</small></p>
        <dl id="journal-facts"></dl>
      </li>
      <li class="stage" id="stage-derive">
        <h3 data-word="derive">Derive</h3>
        <p class="state" id="derive-state"></p>
        <p class="big">
          <span id="rate-observations">–</span> <small data-word="observationsPerSecond">readings/s</small>
        </p>
        <dl id="derive-facts"></dl>
      </li>
      <li class="stage" id="stage-outbox">
        <h3 data-word="outbox">Outbox</h3>
        <p class="state" id="outbox-state"></p>
        <p class="big"><span id="pending">–</span> <small data-word="recordsWaiting">records waiting</small></p>
        <div class="bar" aria-hidden="true"><div id="store-bar"></div></div>
        <dl id="outbox-facts"></dl>
      </li>
      <li class="stage" id="stage-uplinks">
        <h3 data-word="uplinks">Uplinks</h3>
        <p class="big">
          <span id="rate-delivered">–</span> <small data-word="deliveredPerSecond">records delivered/s</small>
        </p>
        <div id="uplinks"></div>
      </li>
    </ol>

    <h2><span data-word="alarms">Active alarms</span> <span id="alarm-count"></span></h2>
    <ul id="alarms" class="list"></ul>

    <h2 data-word="quarantined">Last messages that could not be read</h2>
    <ul id="quarantined" class="list"></ul>
    </main>

    <footer>
      <p><span id="version"></span> · <span id="clock"></span></p>
      <p><a href="api/status">/api/status</a> · <a href="metrics">/metrics</a> · <a href="healthz">/healthz</a></p>
    </footer>
    """#
}
