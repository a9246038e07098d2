#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace dom = simdjson::dom;

struct csj_parser {
  explicit csj_parser(size_t max_bytes, size_t max_depth)
      : max_bytes(max_bytes), max_depth(max_depth) {}
  ~csj_parser() { std::free(buffer); }

  csj_parser(const csj_parser &) = delete;
  csj_parser &operator=(const csj_parser &) = delete;

  dom::parser parser;
  const size_t max_bytes;
  const size_t max_depth;
  char *buffer = nullptr;
  /// Bytes that a document may have without growing, the padding not counted.
  size_t capacity = 0;
};

namespace {

/// Room for `count` bytes. The parser is told the depth each time: growing by itself, it would take its default.
simdjson::error_code reserve(csj_parser &parser, size_t count) noexcept {
  if (count <= parser.capacity) return simdjson::SUCCESS;
  size_t wanted = parser.capacity == 0 ? 4096 : parser.capacity;
  while (wanted < count) wanted *= 2;
  char *grown = static_cast<char *>(std::realloc(parser.buffer, wanted + simdjson::SIMDJSON_PADDING));
  if (grown == nullptr) return simdjson::MEMALLOC;
  parser.buffer = grown;
  // simdjson counts the document itself as a level.
  simdjson::error_code error = parser.parser.allocate(wanted, parser.max_depth + 1);
  if (error == simdjson::SUCCESS) error = parser.parser.doc.allocate(wanted);
  if (error == simdjson::SUCCESS) parser.capacity = wanted;
  return error;
}

}  // namespace

extern "C" csj_parser *csj_create(size_t max_bytes, size_t max_depth) {
  return new (std::nothrow) csj_parser(max_bytes, max_depth);
}

extern "C" void csj_free(csj_parser *parser) { delete parser; }

extern "C" int csj_parse(csj_parser *parser, const void *bytes, size_t count, const uint64_t **tape,
                         const uint8_t **strings) {
  *tape = nullptr;
  *strings = nullptr;
  if (count == 0) return simdjson::EMPTY;
  if (count > parser->max_bytes) return simdjson::CAPACITY;
  simdjson::error_code error = reserve(*parser, count);
  if (error != simdjson::SUCCESS) return error;
  std::memcpy(parser->buffer, bytes, count);
  std::memset(parser->buffer + count, 0, simdjson::SIMDJSON_PADDING);
  error = parser->parser.parse(parser->buffer, count, false).error();
  if (error != simdjson::SUCCESS) return error;
  *tape = parser->parser.doc.tape.get();
  *strings = parser->parser.doc.string_buf.get();
  return 0;
}

extern "C" const char *csj_message(int code) {
  if (code < 0 || code >= simdjson::NUM_ERROR_CODES) return "unknown error";
  return simdjson::error_message(static_cast<simdjson::error_code>(code));
}
