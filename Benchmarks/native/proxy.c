/* Stands between broker and subscriber, and measures how long each message waits for its acknowledgement.
 *
 *   proxy PORT BROKER_PORT
 *
 * The time begins when the PUBLISH has been read from the broker and ends when the PUBACK with its identifier has been
 * read from the subscriber. One connection at a time. On SIGTERM one line of JSON: percentiles in milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SAMPLES = 8000000 };

static double sent[65536];
static float *samples;
static long sampleCount;
static volatile sig_atomic_t stopping;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* What is known of the packet under way in one direction. */
struct parser {
  int state; /* 0: fixed header, 1: length, 2: body */
  uint8_t header;
  uint32_t length;
  int shift;
  uint32_t at;
  uint32_t topic;
  uint16_t identifier;
};

static void identified(const struct parser *parser, double time) {
  int kind = parser->header >> 4;
  if (kind == 3) {
    sent[parser->identifier] = time;
  } else if (kind == 4 && sent[parser->identifier] > 0) {
    if (sampleCount < MOST_SAMPLES) samples[sampleCount++] = (float)(time - sent[parser->identifier]);
    sent[parser->identifier] = 0;
  }
}

static void feed(struct parser *parser, const uint8_t *bytes, size_t count, double time) {
  for (size_t index = 0; index < count;) {
    uint8_t byte = bytes[index];
    if (parser->state == 0) {
      *parser = (struct parser){.state = 1, .header = byte};
      index++;
    } else if (parser->state == 1) {
      parser->length |= (uint32_t)(byte & 0x7f) << parser->shift;
      parser->shift += 7;
      index++;
      if (byte < 0x80) parser->state = parser->length > 0 ? 2 : 0;
    } else {
      int kind = parser->header >> 4;
      /* The identifier stands behind the topic of a PUBLISH above QoS 0, and first in a PUBACK. */
      uint32_t place = UINT32_MAX;
      if (kind == 3 && (parser->header & 6)) place = parser->at < 2 ? UINT32_MAX : 2 + parser->topic;
      if (kind == 4) place = 0;
      if (kind == 3 && parser->at < 2) {
        parser->topic = parser->topic << 8 | byte;
      } else if (parser->at == place) {
        parser->identifier = (uint16_t)(byte << 8);
      } else if (place != UINT32_MAX && parser->at == place + 1) {
        parser->identifier |= byte;
        identified(parser, time);
      } else {
        /* Nothing here is of interest: on to the identifier, or to the packet's end. */
        uint32_t next = place != UINT32_MAX && parser->at < place ? place : parser->length;
        size_t step = next - parser->at;
        if (step > count - index) step = count - index;
        parser->at += step;
        index += step;
        if (parser->at == parser->length) parser->state = 0;
        continue;
      }
      parser->at++;
      index++;
      if (parser->at == parser->length) parser->state = 0;
    }
  }
}

static int writeAll(int descriptor, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR && !stopping) continue;
    if (written <= 0) return 0;
    bytes += written;
    count -= written;
  }
  return 1;
}

static void carry(int subscriber, int broker) {
  static uint8_t buffer[262144];
  struct parser down = {0}, up = {0};
  while (!stopping) {
    struct pollfd entries[2] = {{broker, POLLIN, 0}, {subscriber, POLLIN, 0}};
    if (poll(entries, 2, 1000) < 0 && errno != EINTR) return;
    for (int side = 0; side < 2; side++) {
      if (!(entries[side].revents & (POLLIN | POLLHUP | POLLERR))) continue;
      ssize_t got = read(entries[side].fd, buffer, sizeof buffer);
      if (got <= 0) return;
      feed(side == 0 ? &down : &up, buffer, got, now());
      if (!writeAll(entries[1 - side].fd, buffer, got)) return;
    }
  }
}

static int compare(const void *a, const void *b) {
  float left = *(const float *)a, right = *(const float *)b;
  return left < right ? -1 : left > right;
}

static double percentile(double share) {
  return sampleCount > 0 ? samples[(long)(share * (sampleCount - 1))] * 1000.0 : 0;
}

static void stop(int signal) {
  (void)signal;
  stopping = 1;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: proxy PORT BROKER_PORT\n");
    return 64;
  }
  samples = malloc(MOST_SAMPLES * sizeof *samples);
  /* Without SA_RESTART, so that a signal ends what blocks. */
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  int one = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0) {
    perror("proxy");
    return 69;
  }
  while (!stopping) {
    int subscriber = accept(listener, NULL, NULL);
    if (subscriber < 0) continue;
    int broker = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons(atoi(arguments[2]));
    if (connect(broker, (struct sockaddr *)&address, sizeof address) == 0) {
      setsockopt(broker, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      setsockopt(subscriber, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      carry(subscriber, broker);
    }
    close(broker);
    close(subscriber);
  }
  qsort(samples, sampleCount, sizeof *samples, compare);
  printf("{\"count\": %ld, \"p50\": %.3f, \"p95\": %.3f, \"p99\": %.3f, \"most\": %.3f}\n", sampleCount, percentile(0.5),
         percentile(0.95), percentile(0.99), percentile(1));
  return 0;
}
