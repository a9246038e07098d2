/* Preloaded into the gateway: how long its fsync and fdatasync took. Written to $SYNCTIME at the end, one line of JSON:
 * how many, and percentiles in milliseconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST = 1000000 };

static float samples[MOST];
static atomic_long count;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int timed(const char *name, int descriptor) {
  int (*original)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  double begin = now();
  int result = original(descriptor);
  long index = atomic_fetch_add(&count, 1);
  if (index < MOST) samples[index] = (float)(now() - begin);
  return result;
}

int fsync(int descriptor) { return timed("fsync", descriptor); }
int fdatasync(int descriptor) { return timed("fdatasync", descriptor); }

static int compare(const void *a, const void *b) {
  float left = *(const float *)a, right = *(const float *)b;
  return left < right ? -1 : left > right;
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("SYNCTIME");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (file == NULL) return;
  long n = count < MOST ? count : MOST;
  qsort(samples, n, sizeof *samples, compare);
  double p50 = n ? samples[(n - 1) / 2] : 0, p99 = n ? samples[(n - 1) * 99 / 100] : 0;
  fprintf(file, "{\"count\": %ld, \"p50\": %.3f, \"p99\": %.3f}\n", n, p50 * 1000, p99 * 1000);
  fclose(file);
}
