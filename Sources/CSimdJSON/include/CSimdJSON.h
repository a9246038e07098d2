/// A C interface to libsimdjson's DOM parser: one handle, one document at a time.
///
/// The document is handed out as simdjson's own tape (its "doc/tape.md" describes it), so that walking it costs no
/// call per value. A word's top byte is its type, the lower 56 bits its payload:
///
///   r     root; the first one's payload is the number of words
///   { [   the payload's lower 32 bits are the index of the word after the matching } or ]
///   } ]   the end of an object or array
///   "     a string, or a key (a key stands directly before its value); the payload is the position in the string
///         buffer of its length (32 bits, native order), after which its bytes follow, unescaped, valid UTF-8
///   l u d an int64, uint64 or double, in the next word
///   t f n true, false, null
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct csj_parser csj_parser;

/// A parser for documents of at most `max_bytes` bytes and `max_depth` nested objects and arrays.
/// NULL where memory is short. Not thread-safe: one owner. Buffers grow with the largest document seen.
csj_parser *csj_create(size_t max_bytes, size_t max_depth);
void csj_free(csj_parser *parser);

/// Parses a copy of the bytes. 0, and the tape and the string buffer, which live until the next call on the same
/// parser; or an error code of simdjson (it does not say where), and both are NULL.
int csj_parse(csj_parser *parser, const void *bytes, size_t count, const uint64_t **tape, const uint8_t **strings);

/// What an error code of `csj_parse` means: a static text.
const char *csj_message(int code);

#ifdef __cplusplus
}
#endif
