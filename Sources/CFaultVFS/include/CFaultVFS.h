#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A SQLite VFS that stands before the default one and, on the thread that asks for it, records what SQLite does to
 * its files or lets operations fail. Only for fault tests; no product links it.
 *
 * Everything below is per thread, so that two threads can each run a trial of their own.
 */

enum lumbung_fault_kind {
  lumbung_fault_write = 0,
  lumbung_fault_sync = 1,
  lumbung_fault_open = 2,
  lumbung_fault_truncate = 3,
  lumbung_fault_read = 4,
  /* The shared-memory file grows: fails where the disk is full. */
  lumbung_fault_map = 5,
  lumbung_fault_delete = 6,
  /* Only recorded. */
  lumbung_fault_create = 7,
  /* A sync that failed: what was written since the last good one may be lost whatever later syncs say. */
  lumbung_fault_failed_sync = 8,
  /* A small watched file has other contents; length -1 where it is gone. */
  lumbung_fault_small_file = 9,
  /* Left by lumbung_fault_mark. */
  lumbung_fault_mark_kind = 10,
};

enum { lumbung_fault_kinds_that_fail = 7 };

struct lumbung_fault_operation {
  int32_t kind;
  /* Into the list of names; -1 for none. */
  int32_t file;
  /* Of a write; the new size for a truncation; the number for a mark; 1 for a deletion or a sync that syncs the folder. */
  int64_t offset;
  int32_t length;
  const uint8_t *bytes;
};

/* Puts the VFS before the system's; from then on every connection that names no other uses it. */
int lumbung_fault_register(void);

/* Forgets what was recorded on this thread, faults and watched files, and starts or stops recording. */
void lumbung_fault_begin(bool recording);
void lumbung_fault_stop_recording(void);

size_t lumbung_fault_operation_count(void);
const struct lumbung_fault_operation *lumbung_fault_operations(void);
/* The last part of the path; NULL beyond the last. */
const char *lumbung_fault_name(size_t file);

void lumbung_fault_watch(const char *path);
void lumbung_fault_mark(int64_t number);

/* The nth operation of the kind from now on fails (1 is the next); where lasting, all after it fail as well.
 * full: for want of space rather than for an I/O error. 0 lets none fail. */
void lumbung_fault_fail(int kind, int64_t nth, bool lasting, bool full);
/* Of operations of the kind since lumbung_fault_begin. */
int64_t lumbung_fault_count(int kind);
int64_t lumbung_fault_failures(void);
/* Writes to a write-ahead log through a handle whose sync had failed: a commit tried again in place. */
int64_t lumbung_fault_writes_after_failed_sync(void);

/* A second process that goes on from here, as fork(2) says, and ends with the first; only before there are threads. */
int lumbung_fault_fork(void);
/* Numbers that processes made later share with this one; NULL where there is no memory. */
int64_t *lumbung_fault_shared(size_t count);
