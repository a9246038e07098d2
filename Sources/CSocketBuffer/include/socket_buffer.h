#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Fewer system calls below a library that makes four reads and two writes for each message.
 *
 * libmosquitto reads a packet's first byte, each byte of its length, and its content by a `read` of their own, writes each
 * packet by a `write` of its own, and for each packet that it queues a byte to a pair of sockets that an external loop
 * never looks at. It has no hook for any of that. But it calls `read` and `write` as the dynamic linker finds them, and
 * the linker finds a program's own before the C library's: this target has both. They do what the C library's do, but
 * between `lumbung_socket_buffer_enter` and `_leave`, on that thread, for that one socket: there a `read` is answered
 * from a buffer that is filled by one system call, a `write` goes into a buffer that `_flush` sends, and a single byte to
 * any other descriptor, which is the library's to itself, goes nowhere.
 *
 * One thread owns a buffer. Where the linker has found the C library's all the same, nothing is buffered, and all works
 * as without this. */

typedef struct lumbung_socket_buffer lumbung_socket_buffer;

/* NULL where there is no memory. */
lumbung_socket_buffer *_Nullable lumbung_socket_buffer_make(void);
void lumbung_socket_buffer_free(lumbung_socket_buffer *_Nonnull buffer);

/* From now on for this socket, from empty; none where it is negative. What waits in the buffer is thrown away. */
void lumbung_socket_buffer_attach(lumbung_socket_buffer *_Nonnull buffer, int socket);

/* Between these the library is called, and nothing else: they come around its calls, and the other way round around what
 * it calls back. */
void lumbung_socket_buffer_enter(lumbung_socket_buffer *_Nonnull buffer);
lumbung_socket_buffer *_Nullable lumbung_socket_buffer_leave(void);

/* Whether bytes were read from the socket that the library has not taken yet: polling the socket doesn't show them. */
bool lumbung_socket_buffer_has_unread(const lumbung_socket_buffer *_Nonnull buffer);

/* Whether bytes that the library has written are not on their way yet. */
bool lumbung_socket_buffer_has_unsent(const lumbung_socket_buffer *_Nonnull buffer);

/* Sends what the library has written, as far as the socket takes it. False, and errno, where the connection is gone. */
bool lumbung_socket_buffer_flush(lumbung_socket_buffer *_Nonnull buffer);

/* System calls for reading and sending that this buffer has made. */
size_t lumbung_socket_buffer_calls(const lumbung_socket_buffer *_Nonnull buffer);
