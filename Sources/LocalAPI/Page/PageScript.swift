extension Page {
  /// Asks `/api/status` every 2 s and draws the answer. Rates are differences over the last ten seconds or so, timed
  /// by the browser's monotonic clock, since the box's own may be set meanwhile.
  static let script = #"""
    const $ = id => document.getElementById(id);
    const samples = [];          // {at, status}, oldest first
    const keptSamples = 6;
    let lastContact = performance.now();
    let language = 'en';
    try { language = localStorage.getItem('language') || (navigator.language || '').slice(0, 2); } catch (_) {}
    if (!words[language]) language = 'en';

    function say(key, ...values) {
      const text = words[language][key] ?? words.en[key] ?? key;
      return text.replace(/\{(\d)\}/g, (_, i) => values[i]);
    }
    const number = (value, digits = 0) =>
      Number(value || 0).toLocaleString(language, {maximumFractionDigits: digits});
    function size(bytes) {
      const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
      let value = Number(bytes || 0), unit = 0;
      while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
      return number(value, value < 100 && unit ? 1 : 0) + ' ' + units[unit];
    }
    function duration(seconds) {
      const s = Math.max(0, Math.round(seconds));
      if (s < 120) return say('s', s);
      if (s < 7200) return say('min', Math.round(s / 60));
      if (s < 172800) return say('h', Math.round(s / 3600));
      return say('d', Math.round(s / 86400));
    }
    function age(status, time) {
      const seconds = (Date.parse(status.now) - Date.parse(time)) / 1000;
      return Number.isFinite(seconds) ? duration(seconds) : '?';
    }
    function rate(count) {
      const first = samples[0], last = samples[samples.length - 1];
      if (!first || first === last || first.status.started !== last.status.started) return null;
      const seconds = (last.at - first.at) / 1000;
      const difference = count(last.status) - count(first.status);
      return seconds > 0 && difference >= 0 ? difference / seconds : null;
    }
    function showRate(id, count) {
      const value = rate(count);
      $(id).textContent = value === null ? '–' : number(value, value < 10 ? 1 : 0);
      return value;
    }

    function element(name, text, className) {
      const made = document.createElement(name);
      if (text !== undefined) made.textContent = text;
      if (className) made.className = className;
      return made;
    }
    function facts(id, rows) {
      $(id).replaceChildren(...rows.flatMap(([key, value]) => [element('dt', say(key)), element('dd', value)]));
    }
    function state(name, text, grade) {
      const signs = {good: '✓ ', warn: '! ', bad: '✕ '};
      $('stage-' + name).className = 'stage' + (grade === 'good' ? '' : ' ' + grade);
      const line = $(name + '-state');
      if (line) { line.textContent = (signs[grade] || '') + text; line.className = 'state ' + grade; }
    }
    function list(id, items) {
      $(id).replaceChildren(...(items.length ? items : [element('li', say('none'), 'empty')]));
    }

    function problemsOf(s) {
      const found = [];
      const add = (grade, text) => found.push({grade, text});
      if (s.broker.state === 'paused') add('bad', say('pPaused'));
      else if (s.broker.state !== 'connected') add('bad', say('pBroker', s.broker.error || say(s.broker.state)));
      if (s.broker.dropped_by_broker > 0) add('warn', say('pDropped', number(s.broker.dropped_by_broker)));
      if (s.journal.commit_error) add('bad', say('pCommit', s.journal.commit_error));
      if (s.derive.error) add('bad', say('pDerive', s.derive.error));
      for (const u of s.uplinks)
        if (u.error) add(u.state === 'misconfigured' ? 'bad' : 'warn', say('pUplink', u.name, u.error));
      const full = s.store.max_bytes > 0 ? s.store.bytes / s.store.max_bytes : 0;
      if (full >= 0.9) add('warn', say('pStore', number(full * 100)));
      if (!s.clock_synchronised) add('warn', say('pClock'));
      return found;
    }

    function drawUplinks(s) {
      const made = s.uplinks.map(u => {
        const box = element('div', undefined, 'uplink');
        const grade = u.state === 'misconfigured' ? 'bad' : u.error ? 'warn' : 'good';
        const head = element('p');
        head.append(element('b', u.name), ' ', element('span', say(u.state), grade));
        box.append(head);
        if (u.error) box.append(element('p', u.error, grade));
        if (u.error && u.cure) box.append(element('p', say('cure') + ': ' + u.cure));
        const rows = element('dl');
        const row = (key, value) => rows.append(element('dt', key), element('dd', value));
        row(say('delivered'), number(u.delivered_records));
        row(say('backlog'), number(u.pending_records));
        for (const lane of u.backlog)
          if (lane.pending_records > 0) row('– ' + say(lane.lane), number(lane.pending_records));
        if (u.seconds_left != null && u.pending_records > 0) row(say('timeLeft'), duration(u.seconds_left));
        row(say('lastSuccess'), u.last_success ? say('ago', age(s, u.last_success)) : say('never'));
        box.append(rows);
        return box;
      });
      $('uplinks').replaceChildren(...(made.length ? made : [element('p', say('noUplinks'))]));
      const worst = s.uplinks.some(u => u.state === 'misconfigured') ? 'bad'
        : s.uplinks.some(u => u.error) ? 'warn' : 'good';
      state('uplinks', '', worst);
    }

    function draw(s) {
      $('gateway').textContent = s.gateway;
      $('version').textContent = s.version;
      $('clock').textContent = say(s.clock_synchronised ? 'clockRight' : 'clockWrong');
      document.title = 'Lumbung ' + s.gateway;

      const b = s.broker;
      state('broker', say(b.state) + (b.since ? ' ' + say('since') + ' ' + age(s, b.since) : ''),
        b.state === 'connected' ? 'good' : 'bad');
      const incoming = showRate('rate-received', x => x.broker.received);
      const brokerFacts = [['received', number(b.received)], ['redelivered', number(b.redelivered)],
        ['reconnects', number(b.reconnects)]];
      if (b.dropped_by_broker != null) brokerFacts.push(['droppedByBroker', number(b.dropped_by_broker)]);
      facts('broker-facts', brokerFacts);

      const j = s.journal;
      state('journal', say(j.commit_error ? 'failing' : 'kept'), j.commit_error ? 'bad' : 'good');
      showRate('rate-commits', x => x.journal.commits);
      facts('journal-facts', [['messages', number(j.messages)], ['size', size(j.bytes)],
        ['commits', number(j.commits)]]);

      const d = s.derive;
      state('derive', d.error ? say('failing') : d.lag_segments > 10 ? say('behind', number(d.lag_segments))
        : say('caughtUp'), d.error ? 'bad' : d.lag_segments > 1000 ? 'warn' : 'good');
      showRate('rate-observations', x => x.derive.observations);
      facts('derive-facts', [['devices', number(d.devices)], ['openWindows', number(d.open_windows)],
        ['sealedWindows', number(d.sealed_windows)], ['revisions', number(d.revisions)],
        ['unreadable', number(d.quarantined)], ['partial', number(d.partial)], ['tooLate', number(d.too_late)],
        ['unrouted', number(d.unrouted)]]);

      const store = s.store, share = store.max_bytes > 0 ? store.bytes / store.max_bytes : 0;
      state('outbox', say('used') + ' ' + number(share * 100) + ' % ' + say('of') + ' ' + size(store.max_bytes),
        share >= 0.9 ? 'warn' : 'good');
      $('pending').textContent = number(Math.max(0, ...s.uplinks.map(u => u.pending_records)));
      $('store-bar').style.width = Math.min(100, share * 100) + '%';
      facts('outbox-facts', [['rawDeleted', number(store.raw_deleted_for_room)],
        ['dropped', number(store.dropped_records)], ['deadLetters', number(store.dead_letters)]]);

      showRate('rate-delivered', x => x.uplinks.reduce((sum, u) => sum + u.delivered_records, 0));
      drawUplinks(s);

      $('alarm-count').textContent = s.active_alarm_count ? '(' + number(s.active_alarm_count) + ')' : '';
      const grades = {critical: 'bad', warning: 'warn'};
      const alarms = s.active_alarms.map(a => {
        const item = element('li');
        item.append(element('b', say(a.severity), grades[a.severity]), element('b', a.device),
          a.message + ' · ' + a.rule + ' · ' + say('since') + ' ' + age(s, a.since));
        return item;
      });
      if (s.active_alarm_count > alarms.length && alarms.length)
        alarms.push(element('li', say('more', number(s.active_alarm_count - alarms.length))));
      list('alarms', alarms);
      list('quarantined', d.last_quarantined.map(q => {
        const item = element('li');
        item.append(element('b', q.topic), q.reason + ' · ' + say('ago', age(s, q.time)));
        return item;
      }));

      const problems = problemsOf(s);
      const worst = problems.some(p => p.grade === 'bad') ? 'bad' : problems.length ? 'warn' : 'good';
      verdict(worst, problems.length ? say('attention') : incoming === 0 ? say('idle0') : say('well'),
        problems.map(p => p.text));
    }

    function verdict(grade, text, problems) {
      $('verdict').className = 'verdict ' + grade;
      // A status line that is set anew is read out anew.
      if ($('verdict-text').textContent !== text) $('verdict-text').textContent = text;
      $('problems').replaceChildren(...problems.map(p => element('li', p)));
    }

    function translate() {
      document.documentElement.lang = language;
      for (const node of document.querySelectorAll('[data-word]')) node.textContent = say(node.dataset.word);
      $('language').textContent = say('other');
      $('language').lang = language === 'en' ? 'id' : 'en';
      if (samples.length) draw(samples[samples.length - 1].status);
      else verdict('', say('loading'), []);
    }

    async function ask() {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), 5000);
      try {
        const answer = await fetch('api/status', {signal: stop.signal, cache: 'no-store'});
        if (!answer.ok) throw new Error(answer.status);
        const status = await answer.json();
        const last = samples[samples.length - 1];
        if (last && last.status.started !== status.started) samples.length = 0;
        samples.push({at: performance.now(), status});
        if (samples.length > keptSamples) samples.shift();
        lastContact = performance.now();
        draw(status);
      } catch (error) {
        verdict('bad', say('noContact', duration((performance.now() - lastContact) / 1000)), []);
      } finally {
        clearTimeout(timer);
      }
    }
    let asking = false;
    async function turn() {
      if (asking || document.hidden) return;
      asking = true;
      await ask();
      asking = false;
    }

    $('language').addEventListener('click', () => {
      language = language === 'en' ? 'id' : 'en';
      try { localStorage.setItem('language', language); } catch (_) {}
      translate();
    });
    document.addEventListener('visibilitychange', turn);
    translate();
    turn();
    setInterval(turn, 2000);
    """#
}
