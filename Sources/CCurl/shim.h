#pragma once
#include <curl/curl.h>

/* curl_easy_setopt and curl_easy_getinfo are variadic, which Swift can't call. */

typedef size_t (*lumbung_curl_write)(char *bytes, size_t size, size_t count, void *context);
typedef int (*lumbung_curl_progress)(void *context, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

static inline CURLcode lumbung_curl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode lumbung_curl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode lumbung_curl_set_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode lumbung_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode lumbung_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode lumbung_curl_set_write(CURL *handle, CURLoption option, lumbung_curl_write value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode lumbung_curl_set_progress(CURL *handle, lumbung_curl_progress value) {
  return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, value);
}
static inline CURLcode lumbung_curl_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode lumbung_curl_get_offset(CURL *handle, CURLINFO info, curl_off_t *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode lumbung_curl_get_socket(CURL *handle, curl_socket_t *value) {
  return curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, value);
}

/* How fast the kernel saw the connection's data delivered, in bytes per second, and the shortest round trip, in
   microseconds. The C library's struct tcp_info ends before these two, and the kernel's header can't stand beside it;
   their places in it are part of the kernel's interface. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
static inline int lumbung_tcp_delivery(int descriptor, unsigned long long *rate, unsigned *trip) {
  unsigned char info[168];
  socklen_t length = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, 11 /* TCP_INFO */, info, &length) != 0 || length < sizeof info) return -1;
  memcpy(trip, info + 148, sizeof *trip);
  memcpy(rate, info + 160, sizeof *rate);
  return 0;
}
