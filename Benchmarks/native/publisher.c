/* Publishes a corpus at QoS 1 over MQTT 3.1.1, as fast as the broker acknowledges or at a rate.
 *
 *   publisher PORT CORPUS WINDOW RATE [COUNT]
 *
 * CORPUS is what `lumbung-bench corpus` writes: for each message the lengths of topic and payload (4 bytes each, the
 * lowest first), one byte that says whether it is retained, topic, payload. At most WINDOW messages wait for their
 * acknowledgement. RATE is in messages a second; 0 for as fast as possible. COUNT: stop after so many, beginning anew
 * where the corpus ends.
 *
 * All packets are made before the first is sent, so that sending costs next to nothing: this must not be the limit.
 * Says "ready", waits for a line on standard input, publishes, and ends with one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
  fprintf(stderr, "publisher: %s: %s\n", what, strerror(errno));
  exit(69);
}

static uint8_t *load(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  struct stat status;
  if (file == NULL || fstat(fileno(file), &status) != 0) fail(path);
  uint8_t *bytes = malloc(status.st_size + 1);
  if (bytes == NULL || fread(bytes, 1, status.st_size, file) != (size_t)status.st_size) fail(path);
  fclose(file);
  *size = status.st_size;
  return bytes;
}

static uint32_t number(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}

int main(int count, char **arguments) {
  if (count < 5) {
    fprintf(stderr, "usage: publisher PORT CORPUS WINDOW RATE [COUNT]\n");
    return 64;
  }
  size_t size;
  uint8_t *corpus = load(arguments[2], &size);
  long window = atol(arguments[3]);
  double rate = atof(arguments[4]);
  if (window > 60000) window = 60000;

  long messages = 0;
  for (size_t at = 0; at + 9 <= size; at += 9 + number(corpus + at) + number(corpus + at + 4)) messages++;
  size_t *starts = malloc((messages + 1) * sizeof *starts);
  size_t *identifiers = malloc(messages * sizeof *identifiers);
  uint8_t *packets = malloc(size + messages * 8);
  if (starts == NULL || identifiers == NULL || packets == NULL) fail("memory");
  size_t out = 0;
  long made = 0;
  for (size_t at = 0; at + 9 <= size;) {
    uint32_t topic = number(corpus + at), payload = number(corpus + at + 4);
    starts[made] = out;
    packets[out++] = 0x32 | (corpus[at + 8] ? 1 : 0);
    uint32_t length = 2 + topic + 2 + payload;
    do {
      packets[out++] = (length & 0x7f) | (length > 0x7f ? 0x80 : 0);
      length >>= 7;
    } while (length > 0);
    packets[out++] = topic >> 8;
    packets[out++] = topic & 0xff;
    memcpy(packets + out, corpus + at + 9, topic);
    out += topic;
    identifiers[made++] = out;
    out += 2;
    memcpy(packets + out, corpus + at + 9 + topic, payload);
    out += payload;
    at += 9 + topic + payload;
  }
  starts[messages] = out;
  free(corpus);
  long total = count > 5 ? atol(arguments[5]) : messages;

  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("connecting");
  int one = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const char connectPacket[] = "\x10\x15\x00\x04MQTT\x04\x02\x00\x00\x00\x09publisher";
  if (write(descriptor, connectPacket, sizeof connectPacket - 1) < 0) fail("connecting");
  uint8_t answer[4];
  for (size_t have = 0; have < 4;) {
    ssize_t got = read(descriptor, answer + have, 4 - have);
    if (got <= 0) fail("the broker's answer");
    have += got;
  }
  if (answer[3] != 0) return 69;
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  puts("ready");
  fflush(stdout);
  char line[16];
  if (fgets(line, sizeof line, stdin) == NULL) return 0;

  struct rusage before;
  getrusage(RUSAGE_SELF, &before);
  double begin = now();
  long sent = 0, acknowledged = 0;
  size_t offset = 0; /* Of the first packet that is not wholly written. */
  size_t partial = 0;
  uint8_t buffer[65536];
  while (acknowledged < total) {
    double time = now();
    long due = rate > 0 ? (long)((time - begin) * rate) + 1 : total;
    if (due > total) due = total;
    if (due > acknowledged + window) due = acknowledged + window;
    int blocked = 0;
    while (sent < due && !blocked) {
      long index = sent % messages;
      long through = index;
      long most = due - sent;
      /* As many packets as 64 KiB hold, in one write. */
      do {
        uint16_t identifier = (uint16_t)((sent + (through - index)) % 65535 + 1);
        packets[identifiers[through]] = identifier >> 8;
        packets[identifiers[through] + 1] = identifier & 0xff;
        through++;
      } while (through < messages && through - index < most && starts[through] - starts[index] < 65536);
      offset = starts[index] + partial;
      ssize_t written = write(descriptor, packets + offset, starts[through] - offset);
      if (written < 0 && errno != EAGAIN) fail("writing");
      if (written < 0) {
        blocked = 1;
        break;
      }
      size_t end = offset + written;
      while (index < through && starts[index + 1] <= end) {
        index++;
        sent++;
      }
      partial = end - starts[index];
      if (partial > 0) blocked = 1;
    }
    struct pollfd entry = {descriptor, POLLIN | (blocked ? POLLOUT : 0), 0};
    int wait = 1000;
    /* In steps of a few milliseconds: waking for each message would take more than sending it. */
    if (rate > 0 && sent < total && sent < acknowledged + window) wait = 2;
    if (rate > 0 && !blocked) {
      usleep(wait * 1000 < 2000 ? wait * 1000 : 2000);
      wait = 0;
    }
    poll(&entry, 1, wait);
    ssize_t got;
    static size_t left;
    while ((got = read(descriptor, buffer, sizeof buffer)) > 0) {
      left += got;
      acknowledged += left / 4;
      left %= 4;
    }
    if (got == 0) {
      errno = ECONNRESET;
      fail("reading");
    }
    if (errno != EAGAIN) fail("reading");
  }
  double end = now();
  struct rusage after;
  getrusage(RUSAGE_SELF, &after);
  double cpu = after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec +
               (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
  printf("{\"published\": %ld, \"seconds\": %.6f, \"cpu\": %.6f, \"bytes\": %zu, \"messages\": %ld}\n", total,
         end - begin, cpu, out, messages);
  if (write(descriptor, "\xe0\x00", 2) < 0) fail("leaving");
  close(descriptor);
  return 0;
}
