#include "CPageChecks.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

enum { smallest_page = 512, largest_page = 65536, header_length = 100 };

/* The real file lies right behind. */
struct checked_file {
  sqlite3_file base;
  /* A log or a temporary file is none. */
  bool is_database;
  /* 0 as long as no header was seen, and where the header reserves no bytes for us. */
  int page_size;
};

static sqlite3_vfs own;
static sqlite3_vfs *below;
static bool believes;

static inline sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((struct checked_file *)file + 1); }
static inline const sqlite3_io_methods *methods_of(sqlite3_file *file) { return real(file)->pMethods; }

/* MARK: Checksums */

/* Two running sums over the page's words, as in SQLite's log: any flipped bit changes both. The page's number is the
 * start, so that a page in another's place is found as well. */
static void sum(const uint8_t *page, int length, int64_t number, uint32_t out[2]) {
  uint32_t first = (uint32_t)number + 1, second = 0x4c756d62;
  for (int at = 0; at < length; at += 8) {
    uint32_t words[2];
    memcpy(words, page + at, sizeof words);
    first += words[0] + second;
    second += words[1] + first;
  }
  out[0] = first;
  out[1] = second;
}

/* A page that SQLite never had a reason to write is a hole in the file. */
static bool is_zero(const uint8_t *page, int length) {
  return page[0] == 0 && memcmp(page, page + 1, (size_t)length - 1) == 0;
}

static bool is_sound(const uint8_t *page, int size, int64_t number) {
  const int content = size - lumbung_page_checks_reserve;
  uint32_t expected[2];
  sum(page, content, number, expected);
  return memcmp(expected, page + content, sizeof expected) == 0 || is_zero(page, size);
}

/* What a header says of the size of pages, where it reserves our bytes. */
static void look_at_header(struct checked_file *file, const uint8_t *header) {
  if (!file->is_database || memcmp(header, "SQLite format 3", 16) != 0) return;
  int size = header[16] << 8 | header[17];
  if (size == 1) size = largest_page;
  const bool possible = size >= smallest_page && (size & (size - 1)) == 0;
  file->page_size = possible && header[20] == lumbung_page_checks_reserve ? size : 0;
}

static bool is_page(const struct checked_file *file, int length, sqlite3_int64 offset) {
  return file->page_size != 0 && length == file->page_size && offset % length == 0;
}

/* MARK: Files */

static int file_close(sqlite3_file *file) { return methods_of(file)->xClose(real(file)); }

static int file_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
  struct checked_file *checked = (struct checked_file *)file;
  const int code = methods_of(file)->xRead(real(file), bytes, length, offset);
  /* SQLite would call this damage. It is a read that the disk refused, and may be granted another time. */
  if (code == SQLITE_IOERR_CORRUPTFS) return SQLITE_IOERR_READ;
  if (code != SQLITE_OK) return code;
  if (offset == 0 && length >= header_length && checked->page_size == 0) look_at_header(checked, bytes);
  const bool is_damaged =
      is_page(checked, length, offset) && !believes && !is_sound(bytes, length, offset / length);
  return is_damaged ? SQLITE_CORRUPT : SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
  struct checked_file *checked = (struct checked_file *)file;
  if (offset == 0 && length >= header_length) look_at_header(checked, bytes);
  if (!is_page(checked, length, offset)) return methods_of(file)->xWrite(real(file), bytes, length, offset);
  static _Thread_local uint8_t page[largest_page];
  uint32_t sums[2];
  const int content = length - lumbung_page_checks_reserve;
  memcpy(page, bytes, (size_t)content);
  sum(page, content, offset / length, sums);
  memcpy(page + content, sums, sizeof sums);
  return methods_of(file)->xWrite(real(file), page, length, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  return methods_of(file)->xTruncate(real(file), size);
}
static int file_sync(sqlite3_file *file, int flags) { return methods_of(file)->xSync(real(file), flags); }
static int file_size(sqlite3_file *file, sqlite3_int64 *size) { return methods_of(file)->xFileSize(real(file), size); }
static int file_lock(sqlite3_file *file, int level) { return methods_of(file)->xLock(real(file), level); }
static int file_unlock(sqlite3_file *file, int level) { return methods_of(file)->xUnlock(real(file), level); }
static int file_check_reserved(sqlite3_file *file, int *result) {
  return methods_of(file)->xCheckReservedLock(real(file), result);
}
static int file_control(sqlite3_file *file, int operation, void *argument) {
  return methods_of(file)->xFileControl(real(file), operation, argument);
}
static int file_sector_size(sqlite3_file *file) { return methods_of(file)->xSectorSize(real(file)); }
static int file_characteristics(sqlite3_file *file) { return methods_of(file)->xDeviceCharacteristics(real(file)); }
static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
  return methods_of(file)->xShmMap(real(file), page, size, extend, memory);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  return methods_of(file)->xShmLock(real(file), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) { methods_of(file)->xShmBarrier(real(file)); }
static int file_shm_unmap(sqlite3_file *file, int delete) { return methods_of(file)->xShmUnmap(real(file), delete); }

/* Version 2: without memory-mapped reads, which would pass us by. */
static const sqlite3_io_methods methods = {
  .iVersion = 2,
  .xClose = file_close,
  .xRead = file_read,
  .xWrite = file_write,
  .xTruncate = file_truncate,
  .xSync = file_sync,
  .xFileSize = file_size,
  .xLock = file_lock,
  .xUnlock = file_unlock,
  .xCheckReservedLock = file_check_reserved,
  .xFileControl = file_control,
  .xSectorSize = file_sector_size,
  .xDeviceCharacteristics = file_characteristics,
  .xShmMap = file_shm_map,
  .xShmLock = file_shm_lock,
  .xShmBarrier = file_shm_barrier,
  .xShmUnmap = file_shm_unmap,
};

/* MARK: The file system */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
  (void)vfs;
  struct checked_file *checked = (struct checked_file *)file;
  checked->base.pMethods = NULL;
  checked->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  checked->page_size = 0;
  const int code = below->xOpen(below, path, real(file), flags, out_flags);
  /* SQLite closes what has methods, also where it wasn't opened. */
  if (real(file)->pMethods != NULL) checked->base.pMethods = &methods;
  return code;
}

static void make_known(void) {
  below = sqlite3_vfs_find(NULL);
  if (below == NULL) return;
  /* Everything but opening is the real one's, whose functions use nothing of what they are handed as themselves. */
  own = *below;
  own.pNext = NULL;
  own.zName = LUMBUNG_PAGE_CHECKS;
  own.szOsFile = (int)sizeof(struct checked_file) + below->szOsFile;
  own.xOpen = vfs_open;
  sqlite3_vfs_register(&own, 0);
}

int lumbung_page_checks_register(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const int code = sqlite3_initialize();
  if (code != SQLITE_OK) return code;
  pthread_once(&once, make_known);
  return below == NULL ? SQLITE_ERROR : SQLITE_OK;
}

void lumbung_page_checks_believe(bool believe) { believes = believe; }
