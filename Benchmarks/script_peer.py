#!/usr/bin/env python3
"""What is often written first: paho, and a row of SQLite for each message, 100 a commit.

    script_peer.py PORT DATABASE
"""

import json
import sqlite3
import sys

import paho.mqtt.client as mqtt


def main() -> None:
    database = sqlite3.connect(sys.argv[2], check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, topic TEXT, payload BLOB, readings INTEGER)")
    waiting = []
    stored = 0

    def on_message(client, _, message):
        nonlocal stored
        try:
            document = json.loads(message.payload)
            readings = len(document) if isinstance(document, (dict, list)) else 1
        except ValueError:
            readings = 0
        waiting.append((message.topic, message.payload, readings))
        if len(waiting) == 100:
            database.execute("BEGIN")
            database.executemany("INSERT INTO message (topic, payload, readings) VALUES (?, ?, ?)", waiting)
            database.execute("COMMIT")
            stored += len(waiting)
            waiting.clear()
            if stored % 5000 == 0:
                print(stored, flush=True)

    def on_connect(client, *_):
        client.subscribe("#", qos=1)

    version = getattr(mqtt, "CallbackAPIVersion", None)
    first = [version.VERSION1] if version else []
    client = mqtt.Client(*first, client_id="script", protocol=mqtt.MQTTv311, clean_session=False)
    client.on_connect, client.on_message = on_connect, on_message
    client.on_subscribe = lambda *_: print("subscribed", flush=True)
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_forever()


if __name__ == "__main__":
    main()
