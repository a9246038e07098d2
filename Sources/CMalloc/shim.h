#pragma once
#include <stddef.h>

/* Declared here as mallopt(3), malloc_trim(3) and dl_iterate_phdr(3) have them. Their own headers, with what they need
 * defined before, don't go together with Swift's module of the C library. */
int mallopt(int parameter, int value);
int malloc_trim(size_t pad);
int dl_iterate_phdr(int (*callback)(void *info, size_t size, void *data), void *data);

/* The numbers are those of malloc.h. */
enum lumbung_malloc { LUMBUNG_M_TRIM_THRESHOLD = -1, LUMBUNG_M_MMAP_THRESHOLD = -3, LUMBUNG_M_ARENA_MAX = -8 };
