#!/usr/bin/env python3
"""Stands in for a ThingsBoard server: counts what its gateway reports, and tells it that nothing limits it.

    thingsboard_peer.py PORT

PORT is a broker's; the gateway takes it for the server's. Prints how many messages of devices have come, as it rises.
"""

import json
import sys
import time

import paho.mqtt.client as mqtt

# It sends nothing before it was told its session's limits.
ASKED = "v1/devices/me/rpc/request/"


def main() -> None:
    seen = {"readings": 0, "printed": 0.0}

    def on_message(client, _, message):
        if message.topic.startswith(ASKED):
            limits = {"rateLimits": {}, "maxInflightMessages": 1000, "maxPayloadSize": 65_536}
            client.publish("v1/devices/me/rpc/response/" + message.topic[len(ASKED):], json.dumps(limits), qos=1)
            return
        for readings in json.loads(message.payload).values():
            seen["readings"] += len(readings)
        if time.monotonic() - seen["printed"] > 0.2:
            seen["printed"] = time.monotonic()
            print(seen["readings"], flush=True)

    version = getattr(mqtt, "CallbackAPIVersion", None)
    first = [version.VERSION1] if version else []
    client = mqtt.Client(*first, client_id="server", protocol=mqtt.MQTTv311)
    client.on_connect = lambda client, *_: client.subscribe([("v1/gateway/telemetry", 1), (ASKED + "+", 1)])
    client.on_message = on_message
    client.on_subscribe = lambda *_: print("subscribed", flush=True)
    client.connect("127.0.0.1", int(sys.argv[1]))
    while True:
        client.loop(0.25)
        # The last ones, which came too soon after those before.
        if time.monotonic() - seen["printed"] > 0.2:
            seen["printed"] = time.monotonic()
            print(seen["readings"], flush=True)


if __name__ == "__main__":
    main()
