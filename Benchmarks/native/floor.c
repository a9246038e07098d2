/* The floor: what libmosquitto itself takes for a message.
 *
 *   floor PORT COUNT REST_MS
 *
 * Subscribes to everything at QoS 1 over MQTT 5 with the external loop: reads until the socket is dry, then lets all
 * acknowledgements out, and between two rounds rests REST_MS milliseconds where that is above 0. What comes is only
 * counted. Ends after COUNT messages, or on SIGTERM, with one line of JSON.
 */
#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static long received;
static long packets;
static long wanted;
static double first;
static double last;
static volatile sig_atomic_t stopping;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double processor(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Of this program alone: getrusage would tell that of whoever started it. */
static long resident(void) {
  long kibibytes = 0;
  char line[128];
  FILE *file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) sscanf(line, "VmHWM: %ld", &kibibytes);
  if (file != NULL) fclose(file);
  return kibibytes * 1024;
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
  (void)client;
  (void)context;
  packets++;
  if (strncmp(message->topic, "$SYS", 4) == 0) return;
  if (received++ == 0) first = now();
  if (received == wanted) {
    last = now();
    stopping = 1;
  }
}

static void on_connect(struct mosquitto *client, void *context, int reason) {
  (void)context;
  packets++;
  if (reason != 0) exit(69);
  mosquitto_subscribe_v5(client, NULL, "#", 1, 0x10, NULL);
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count, const int *codes) {
  (void)client, (void)context, (void)id, (void)count, (void)codes;
  packets++;
  puts("subscribed");
  fflush(stdout);
}

static void stop(int signal) {
  (void)signal;
  stopping = 1;
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: floor PORT COUNT REST_MS\n");
    return 64;
  }
  wanted = atol(arguments[2]);
  int rest = atoi(arguments[3]);
  signal(SIGTERM, stop);
  mosquitto_lib_init();
  struct mosquitto *client = mosquitto_new("floor", false, NULL);
  mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, 65535);
  mosquitto_threaded_set(client, true);
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_subscribe_callback_set(client, on_subscribe);
  mosquitto_message_callback_set(client, on_message);
  mosquitto_property *properties = NULL;
  mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 0xffffffff);
  if (mosquitto_connect_bind_v5(client, "127.0.0.1", atoi(arguments[1]), 60, NULL, properties) != 0) return 69;
  double lastMisc = 0;
  while (!stopping) {
    long before;
    do {
      before = packets;
      if (mosquitto_loop_read(client, 1) != 0) {
        fprintf(stderr, "floor: the connection is lost\n");
        return 69;
      }
    } while (packets != before && !stopping);
    while (mosquitto_want_write(client)) {
      if (mosquitto_loop_write(client, 1) != 0) return 69;
    }
    if (now() - lastMisc > 1) {
      mosquitto_loop_misc(client);
      lastMisc = now();
    }
    if (stopping) break;
    if (rest > 0 && received > 0) {
      usleep(rest * 1000);
    } else {
      struct pollfd entry = {mosquitto_socket(client), POLLIN, 0};
      poll(&entry, 1, 1000);
    }
  }
  printf("{\"received\": %ld, \"seconds\": %.6f, \"cpu\": %.6f, \"resident\": %ld}\n", received,
         last > first ? last - first : 0.0, processor(), resident());
  fflush(stdout);
  while (mosquitto_want_write(client)) mosquitto_loop_write(client, 1);
  mosquitto_disconnect(client);
  return 0;
}
