extension Page {
  /// All words of the page, in both languages; `{0}` is filled in. A JavaScript object.
  static let words = #"""
    {
      en: {
        other: 'Bahasa Indonesia', way: 'The way of a message', broker: 'Broker', journal: 'Journal', derive: 'Derive',
        outbox: 'Outbox', uplinks: 'Uplinks', messagesPerSecond: 'messages/s', commitsPerSecond: 'commits/s',
        observationsPerSecond: 'readings/s', recordsWaiting: 'records waiting',
        deliveredPerSecond: 'records delivered/s', alarms: 'Active alarms',
        quarantined: 'Last messages that could not be read', none: 'none', well: 'All is well: data is flowing.',
        idle0: 'All is well. No messages are coming in just now.', attention: 'Needs attention',
        noContact: 'No contact with the gateway for {0}. What is shown is old.', loading: 'Asking the gateway …',
        connecting: 'connecting', connected: 'connected', waiting: 'waiting for the next try',
        paused: 'paused: the store is full', idle: 'nothing to send', sending: 'sending',
        misconfigured: 'needs a correction', working: 'working', caughtUp: 'up to date', behind: '{0} commits behind',
        failing: 'failing', kept: 'kept safe', since: 'for', received: 'received', redelivered: 'sent again',
        reconnects: 'reconnects', droppedByBroker: 'dropped by the broker', messages: 'messages kept', size: 'size',
        commits: 'commits', devices: 'devices', openWindows: 'open windows', sealedWindows: 'sealed windows',
        revisions: 'revisions', unreadable: 'unreadable', partial: 'partly readable', tooLate: 'too late',
        unrouted: 'of no source', used: 'used', of: 'of', rawDeleted: 'raw deleted for room',
        dropped: 'dropped for room', deadLetters: 'dead letters', delivered: 'delivered', backlog: 'waiting',
        lastSuccess: 'last delivered', ago: '{0} ago', never: 'never', timeLeft: 'done in about',
        noUplinks: 'none configured: records stay here',
        pBroker: 'The broker is not connected: {0}', pPaused: 'The store is full: the broker keeps what comes.',
        pDropped: 'The broker has dropped {0} messages since it started: see max_queued_messages in its configuration.',
        pCommit: 'The journal can’t write: {0}', pDerive: 'Derive has stopped: {0}', pUplink: 'Uplink {0}: {1}',
        pStore: 'The store is {0} % full.', pClock: 'The clock is not synchronised: times may be wrong.',
        clockRight: 'clock synchronised', clockWrong: 'clock not synchronised', critical: 'critical',
        warning: 'warning', info: 'info', more: 'and {0} more', s: '{0} s', min: '{0} min', h: '{0} h', d: '{0} d',
        alarm: 'alarm', summary: 'summary', status: 'status', backfill: 'backfill', cure: 'What helps'
      },
      id: {
        other: 'English', way: 'Jalannya pesan', broker: 'Broker', journal: 'Jurnal', derive: 'Olah',
        outbox: 'Kotak keluar', uplinks: 'Tujuan', messagesPerSecond: 'pesan/dtk', commitsPerSecond: 'commit/dtk',
        observationsPerSecond: 'bacaan/dtk', recordsWaiting: 'catatan menunggu',
        deliveredPerSecond: 'catatan terkirim/dtk', alarms: 'Alarm aktif',
        quarantined: 'Pesan terakhir yang tidak terbaca', none: 'tidak ada', well: 'Semua baik: data mengalir.',
        idle0: 'Semua baik. Saat ini tidak ada pesan masuk.', attention: 'Perlu perhatian',
        noContact: 'Tidak ada kontak dengan gateway selama {0}. Yang tampil adalah data lama.',
        loading: 'Menghubungi gateway …',
        connecting: 'menyambung', connected: 'tersambung', waiting: 'menunggu percobaan berikut',
        paused: 'dijeda: penyimpanan penuh', idle: 'tidak ada yang dikirim', sending: 'mengirim',
        misconfigured: 'perlu diperbaiki', working: 'bekerja', caughtUp: 'sudah mutakhir',
        behind: 'tertinggal {0} commit', failing: 'gagal', kept: 'aman tersimpan', since: 'selama',
        received: 'diterima', redelivered: 'dikirim ulang', reconnects: 'sambung ulang',
        droppedByBroker: 'dibuang broker', messages: 'pesan disimpan', size: 'ukuran', commits: 'commit',
        devices: 'perangkat', openWindows: 'jendela terbuka', sealedWindows: 'jendela ditutup', revisions: 'revisi',
        unreadable: 'tidak terbaca', partial: 'terbaca sebagian', tooLate: 'terlambat', unrouted: 'tanpa sumber',
        used: 'terpakai', of: 'dari', rawDeleted: 'data mentah dihapus', dropped: 'dibuang karena penuh',
        deadLetters: 'ditolak penerima', delivered: 'terkirim', backlog: 'menunggu', lastSuccess: 'terakhir terkirim',
        ago: '{0} lalu', never: 'belum pernah', timeLeft: 'selesai kira-kira',
        noUplinks: 'belum diatur: catatan tetap di sini',
        pBroker: 'Broker tidak tersambung: {0}', pPaused: 'Penyimpanan penuh: pesan ditahan oleh broker.',
        pDropped: 'Broker membuang {0} pesan sejak dinyalakan: lihat max_queued_messages di konfigurasinya.',
        pCommit: 'Jurnal tidak dapat menulis: {0}', pDerive: 'Pengolahan berhenti: {0}', pUplink: 'Tujuan {0}: {1}',
        pStore: 'Penyimpanan {0} % penuh.', pClock: 'Jam belum sinkron: waktu mungkin salah.',
        clockRight: 'jam sinkron', clockWrong: 'jam belum sinkron', critical: 'kritis', warning: 'peringatan',
        info: 'info', more: 'dan {0} lagi', s: '{0} dtk', min: '{0} mnt', h: '{0} jam', d: '{0} hari',
        alarm: 'alarm', summary: 'ringkasan', status: 'status', backfill: 'susulan', cure: 'Solusi'
      }
    }
    """#
}
