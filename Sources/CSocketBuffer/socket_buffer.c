#include "socket_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The C library's own, by its other name. */
extern ssize_t __read(int descriptor, void *bytes, size_t count);
extern ssize_t __write(int descriptor, const void *bytes, size_t count);

/* As much as gathers while the gateway rests between drains. */
#define UNREAD (64 * 1024)
/* Some thousand acknowledgements. */
#define UNSENT (16 * 1024)

struct lumbung_socket_buffer {
  int socket;
  /* The last call brought less than there was room for: the socket is dry until somebody looks again. */
  bool is_dry;
  size_t unread_start, unread_end;
  size_t unsent_start, unsent_end;
  size_t calls;
  unsigned char unread[UNREAD];
  unsigned char unsent[UNSENT];
};

static _Thread_local lumbung_socket_buffer *current;

lumbung_socket_buffer *lumbung_socket_buffer_make(void) {
  lumbung_socket_buffer *buffer = malloc(sizeof *buffer);
  if (buffer) {
    buffer->calls = 0;
    lumbung_socket_buffer_attach(buffer, -1);
  }
  return buffer;
}

void lumbung_socket_buffer_free(lumbung_socket_buffer *buffer) {
  if (current == buffer) current = NULL;
  free(buffer);
}

void lumbung_socket_buffer_attach(lumbung_socket_buffer *buffer, int socket) {
  buffer->socket = socket;
  buffer->is_dry = false;
  buffer->unread_start = buffer->unread_end = 0;
  buffer->unsent_start = buffer->unsent_end = 0;
}

void lumbung_socket_buffer_enter(lumbung_socket_buffer *buffer) { current = buffer; }

lumbung_socket_buffer *lumbung_socket_buffer_leave(void) {
  lumbung_socket_buffer *left = current;
  current = NULL;
  return left;
}

bool lumbung_socket_buffer_has_unread(const lumbung_socket_buffer *buffer) {
  return buffer->unread_end > buffer->unread_start;
}

bool lumbung_socket_buffer_has_unsent(const lumbung_socket_buffer *buffer) {
  return buffer->unsent_end > buffer->unsent_start;
}

size_t lumbung_socket_buffer_calls(const lumbung_socket_buffer *buffer) { return buffer->calls; }

static ssize_t receive(lumbung_socket_buffer *buffer, void *bytes, size_t count) {
  buffer->calls += 1;
  ssize_t received = recv(buffer->socket, bytes, count, 0);
  buffer->is_dry = received > 0 && (size_t)received < count;
  return received;
}

static ssize_t buffered_read(lumbung_socket_buffer *buffer, void *bytes, size_t count) {
  if (count == 0) return 0;
  size_t held = buffer->unread_end - buffer->unread_start;
  if (held == 0) {
    if (buffer->is_dry) {
      /* Told once. Who asks again has waited meanwhile, and the socket itself is asked. */
      buffer->is_dry = false;
      errno = EAGAIN;
      return -1;
    }
    /* What is as large as the buffer needs none. */
    if (count >= UNREAD) return receive(buffer, bytes, count);
    ssize_t received = receive(buffer, buffer->unread, UNREAD);
    if (received <= 0) return received;
    buffer->unread_start = 0;
    buffer->unread_end = held = (size_t)received;
  }
  size_t taken = count < held ? count : held;
  memcpy(bytes, buffer->unread + buffer->unread_start, taken);
  buffer->unread_start += taken;
  return (ssize_t)taken;
}

bool lumbung_socket_buffer_flush(lumbung_socket_buffer *buffer) {
  while (buffer->unsent_end > buffer->unsent_start) {
    buffer->calls += 1;
    ssize_t sent = send(buffer->socket, buffer->unsent + buffer->unsent_start,
                        buffer->unsent_end - buffer->unsent_start, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    buffer->unsent_start += (size_t)sent;
  }
  buffer->unsent_start = buffer->unsent_end = 0;
  return true;
}

static ssize_t buffered_write(lumbung_socket_buffer *buffer, const void *bytes, size_t count) {
  if (count > UNSENT - buffer->unsent_end) {
    if (!lumbung_socket_buffer_flush(buffer)) return -1;
    if (buffer->unsent_end > 0) {
      /* The socket takes no more: the library keeps the packet and waits, as it would without this. */
      errno = EAGAIN;
      return -1;
    }
  }
  /* What is larger than the buffer goes in pieces, as with a socket. */
  size_t taken = count < UNSENT ? count : UNSENT;
  memcpy(buffer->unsent + buffer->unsent_end, bytes, taken);
  buffer->unsent_end += taken;
  return (ssize_t)taken;
}

ssize_t read(int descriptor, void *bytes, size_t count) {
  lumbung_socket_buffer *buffer = current;
  if (buffer && descriptor == buffer->socket) return buffered_read(buffer, bytes, count);
  return __read(descriptor, bytes, count);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  lumbung_socket_buffer *buffer = current;
  if (buffer && buffer->socket >= 0) {
    if (descriptor == buffer->socket) return buffered_write(buffer, bytes, count);
    if (count == 1) return 1;
  }
  return __write(descriptor, bytes, count);
}
