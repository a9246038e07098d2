#include "CFaultVFS.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { maximum_files = 64, maximum_watched = 8, maximum_small = 128 };

struct watched {
  char path[512];
  char name[64];
  char bytes[maximum_small];
  int length;
};

struct state {
  bool recording;
  struct lumbung_fault_operation *operations;
  size_t count, capacity;
  char names[maximum_files][64];
  size_t name_count;
  struct watched watched[maximum_watched];
  size_t watched_count;
  int64_t counts[lumbung_fault_kinds_that_fail];
  int fail_kind;
  int64_t fail_at;
  bool lasting, full;
  int64_t failures;
  int64_t writes_after_failed_sync;
};

static _Thread_local struct state state;
static sqlite3_vfs *real_vfs;

/* MARK: Chance that repeats */

static _Thread_local uint64_t chance = 1;

static void fill(void *target, size_t length) {
  uint8_t *bytes = target;
  for (size_t i = 0; i < length; i++) {
    uint64_t z = (chance += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    bytes[i] = (uint8_t)((z ^ (z >> 27)) * 0x94d049bb133111ebu >> 56);
  }
}

/* Stands before the Swift library's own, so that the UUIDs of a run are the same whenever it is run again. */
void swift_stdlib_random(void *target, size_t length) { fill(target, length); }

struct file {
  sqlite3_file base;
  int32_t name;
  bool is_log;
  bool sync_failed;
  /* SQLite syncs the folder with the first sync of a log or a rollback journal. */
  bool syncs_folder;
  sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *file) { return ((struct file *)file)->real; }

/* MARK: What is recorded */

static int32_t name_of(const char *path) {
  if (path == NULL) return -1;
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  for (size_t i = 0; i < state.name_count; i++)
    if (strcmp(state.names[i], name) == 0) return (int32_t)i;
  if (state.name_count == maximum_files || strlen(name) >= sizeof state.names[0]) return -1;
  strcpy(state.names[state.name_count], name);
  return (int32_t)state.name_count++;
}

static void append(int kind, int32_t file, int64_t offset, const void *bytes, int length) {
  if (state.count == state.capacity) {
    size_t capacity = state.capacity ? state.capacity * 2 : 1024;
    void *grown = realloc(state.operations, capacity * sizeof *state.operations);
    if (grown == NULL) abort();
    state.operations = grown;
    state.capacity = capacity;
  }
  uint8_t *copy = NULL;
  if (bytes != NULL && length > 0) {
    copy = malloc((size_t)length);
    if (copy == NULL) abort();
    memcpy(copy, bytes, (size_t)length);
  }
  state.operations[state.count++] =
    (struct lumbung_fault_operation){.kind = kind, .file = file, .offset = offset, .length = length, .bytes = copy};
}

/* The small files beside a database are written and synced before the database goes on, not through SQLite. */
static void look_at_small_files(void) {
  for (size_t i = 0; i < state.watched_count; i++) {
    struct watched *watched = &state.watched[i];
    char bytes[maximum_small];
    int length = -1;
    int descriptor = open(watched->path, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
      length = (int)read(descriptor, bytes, sizeof bytes);
      close(descriptor);
    }
    if (length == watched->length && (length <= 0 || memcmp(bytes, watched->bytes, (size_t)length) == 0)) continue;
    watched->length = length;
    if (length > 0) memcpy(watched->bytes, bytes, (size_t)length);
    append(lumbung_fault_small_file, name_of(watched->path), 0, bytes, length);
  }
}

static void record(int kind, int32_t file, int64_t offset, const void *bytes, int length) {
  if (!state.recording || file < 0) return;
  look_at_small_files();
  append(kind, file, offset, bytes, length);
}

/* Whether this operation is to fail. */
static bool fails(int kind) {
  int64_t number = ++state.counts[kind];
  if (state.fail_at == 0 || kind != state.fail_kind) return false;
  bool hit = state.lasting ? number >= state.fail_at : number == state.fail_at;
  if (hit) state.failures++;
  return hit;
}

/* MARK: Files */

static int file_close(sqlite3_file *file) {
  int code = real_of(file)->pMethods->xClose(real_of(file));
  free(((struct file *)file)->real);
  return code;
}

/* As unixRead says it where the kernel says EIO. */
static int file_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
  if (fails(lumbung_fault_read)) return SQLITE_IOERR_CORRUPTFS;
  return real_of(file)->pMethods->xRead(real_of(file), bytes, length, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
  struct file *own = (struct file *)file;
  if (own->sync_failed && own->is_log) state.writes_after_failed_sync++;
  if (fails(lumbung_fault_write)) {
    /* The first half arrives: a write that fails may have been torn. */
    int half = length / 2;
    if (half > 0 && !state.full && real_of(file)->pMethods->xWrite(real_of(file), bytes, half, offset) == SQLITE_OK)
      record(lumbung_fault_write, own->name, offset, bytes, half);
    return state.full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }
  int code = real_of(file)->pMethods->xWrite(real_of(file), bytes, length, offset);
  if (code == SQLITE_OK) record(lumbung_fault_write, own->name, offset, bytes, length);
  return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  if (fails(lumbung_fault_truncate)) return SQLITE_IOERR_TRUNCATE;
  int code = real_of(file)->pMethods->xTruncate(real_of(file), size);
  if (code == SQLITE_OK) record(lumbung_fault_truncate, ((struct file *)file)->name, size, NULL, 0);
  return code;
}

static int file_sync(sqlite3_file *file, int flags) {
  struct file *own = (struct file *)file;
  if (fails(lumbung_fault_sync)) {
    own->sync_failed = true;
    record(lumbung_fault_failed_sync, own->name, 0, NULL, 0);
    return SQLITE_IOERR_FSYNC;
  }
  int code = real_of(file)->pMethods->xSync(real_of(file), flags);
  if (code == SQLITE_OK) {
    record(lumbung_fault_sync, own->name, own->syncs_folder ? 1 : 0, NULL, 0);
    own->syncs_folder = false;
  }
  return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
static int file_lock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xLock(real_of(file), level); }
static int file_unlock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xUnlock(real_of(file), level); }
static int file_check_reserved(sqlite3_file *file, int *result) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}
static int file_control(sqlite3_file *file, int operation, void *argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
static int file_sector_size(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }
static int file_characteristics(sqlite3_file *file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
  if (extend && fails(lumbung_fault_map)) return state.full ? SQLITE_IOERR_SHMSIZE : SQLITE_IOERR_SHMMAP;
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }
static int file_shm_unmap(sqlite3_file *file, int delete) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

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
  struct file *own = (struct file *)file;
  own->base.pMethods = NULL;
  if (fails(lumbung_fault_open)) return SQLITE_CANTOPEN;
  bool is_new = path != NULL && access(path, F_OK) != 0;
  own->real = calloc(1, (size_t)real_vfs->szOsFile);
  if (own->real == NULL) return SQLITE_NOMEM;
  int code = real_vfs->xOpen(real_vfs, path, own->real, flags, out_flags);
  if (code != SQLITE_OK) {
    free(own->real);
    return code;
  }
  own->name = name_of(path);
  own->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  own->sync_failed = false;
  int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  own->syncs_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
  own->base.pMethods = &methods;
  if (is_new) record(lumbung_fault_create, own->name, 0, NULL, 0);
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder) {
  (void)vfs;
  if (fails(lumbung_fault_delete)) return SQLITE_IOERR_DELETE;
  int code = real_vfs->xDelete(real_vfs, path, sync_folder);
  if (code == SQLITE_OK) record(lumbung_fault_delete, name_of(path), sync_folder ? 1 : 0, NULL, 0);
  return code;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
  (void)vfs;
  return real_vfs->xAccess(real_vfs, path, flags, result);
}
static int vfs_full_pathname(sqlite3_vfs *vfs, const char *path, int length, char *out) {
  (void)vfs;
  return real_vfs->xFullPathname(real_vfs, path, length, out);
}
static int vfs_randomness(sqlite3_vfs *vfs, int length, char *out) {
  (void)vfs;
  fill(out, (size_t)length);
  return length;
}
static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return real_vfs->xSleep(real_vfs, microseconds);
}
static int vfs_current_time(sqlite3_vfs *vfs, double *time) {
  (void)vfs;
  return real_vfs->xCurrentTime(real_vfs, time);
}
static int vfs_last_error(sqlite3_vfs *vfs, int length, char *out) {
  (void)vfs;
  return real_vfs->xGetLastError(real_vfs, length, out);
}
static int vfs_current_time_int64(sqlite3_vfs *vfs, sqlite3_int64 *time) {
  (void)vfs;
  return real_vfs->xCurrentTimeInt64(real_vfs, time);
}

static sqlite3_vfs fault_vfs = {
  .iVersion = 2,
  .szOsFile = sizeof(struct file),
  .zName = "lumbung-faults",
  .xOpen = vfs_open,
  .xDelete = vfs_delete,
  .xAccess = vfs_access,
  .xFullPathname = vfs_full_pathname,
  .xRandomness = vfs_randomness,
  .xSleep = vfs_sleep,
  .xCurrentTime = vfs_current_time,
  .xGetLastError = vfs_last_error,
  .xCurrentTimeInt64 = vfs_current_time_int64,
};

/* MARK: For the tests */

int lumbung_fault_register(void) {
  if (real_vfs != NULL) return SQLITE_OK;
  /* Each trial is on one thread, and opens half a dozen connections: locks and statistics would cost it a tenth. Where
   * the library has begun already this is refused, and it goes on as it is. */
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  real_vfs = sqlite3_vfs_find(NULL);
  if (real_vfs == NULL) return SQLITE_ERROR;
  fault_vfs.mxPathname = real_vfs->mxPathname;
  return sqlite3_vfs_register(&fault_vfs, 1);
}

void lumbung_fault_begin(bool recording) {
  for (size_t i = 0; i < state.count; i++) free((void *)state.operations[i].bytes);
  free(state.operations);
  memset(&state, 0, sizeof state);
  state.recording = recording;
  chance = 1;
  /* SQLite draws its salts from a generator of its own, which then starts again from ours. */
  sqlite3_randomness(0, NULL);
}

void lumbung_fault_stop_recording(void) { state.recording = false; }

size_t lumbung_fault_operation_count(void) { return state.count; }
const struct lumbung_fault_operation *lumbung_fault_operations(void) { return state.operations; }
const char *lumbung_fault_name(size_t file) { return file < state.name_count ? state.names[file] : NULL; }

void lumbung_fault_watch(const char *path) {
  if (state.watched_count == maximum_watched || strlen(path) >= sizeof state.watched[0].path) return;
  struct watched *watched = &state.watched[state.watched_count++];
  strcpy(watched->path, path);
  watched->length = -1;
}

void lumbung_fault_mark(int64_t number) {
  if (!state.recording) return;
  look_at_small_files();
  append(lumbung_fault_mark_kind, -1, number, NULL, 0);
}

void lumbung_fault_fail(int kind, int64_t nth, bool lasting, bool full) {
  state.fail_kind = kind;
  state.fail_at = nth > 0 ? state.counts[kind] + nth : 0;
  state.lasting = lasting;
  state.full = full;
}

int64_t lumbung_fault_count(int kind) { return state.counts[kind]; }
int64_t lumbung_fault_failures(void) { return state.failures; }
int64_t lumbung_fault_writes_after_failed_sync(void) { return state.writes_after_failed_sync; }

int lumbung_fault_fork(void) {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    // Whoever ends the parent means all of it: nobody else knows of us.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
  }
  return (int)child;
}

int64_t *lumbung_fault_shared(size_t count) {
  void *memory = mmap(NULL, count * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}
