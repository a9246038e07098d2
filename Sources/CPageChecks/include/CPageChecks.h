#pragma once
#include <stdbool.h>

/*
 * A SQLite VFS in which every page of a database file bears a checksum, in eight bytes that SQLite leaves free at its
 * end. A page that reads back otherwise gives SQLITE_CORRUPT rather than another number. The write-ahead log has
 * checksums of its own. Other programs may read such a file, and must not write it.
 *
 * Only files that were made with the bytes reserved are checked; any other is read and written as it is.
 */

#define LUMBUNG_PAGE_CHECKS "lumbung-page-checks"

/* Bytes to reserve at the end of each page, by SQLITE_FCNTL_RESERVE_BYTES. */
enum { lumbung_page_checks_reserve = 8 };

/* Makes the VFS known, above the one that is the default now; 0, or SQLite's code. Any thread, as often as wanted. */
int lumbung_page_checks_register(void);

/* Only for the negative control of fault tests: pages are taken for what they say. */
void lumbung_page_checks_believe(bool believe);
