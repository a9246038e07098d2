#include "CCallgrind.h"

// Whoever only builds the gateway needs no valgrind.
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>

void lumbung_callgrind_start(void) {
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
}
void lumbung_callgrind_stop(void) { CALLGRIND_STOP_INSTRUMENTATION; }
void lumbung_callgrind_dump(const char *name) { CALLGRIND_DUMP_STATS_AT(name); }

#else

void lumbung_callgrind_start(void) {}
void lumbung_callgrind_stop(void) {}
void lumbung_callgrind_dump(const char *name) { (void)name; }

#endif
