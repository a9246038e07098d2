"""What a message costs the built program in system calls: joining them depends on how it was linked."""

import json
import time
import unittest

import harness

MESSAGES = 3000


class Cost(harness.Case):
    window_seconds = 60

    def calls(self) -> int:
        """Reads and writes of the gateway so far; those of sockets that it joins are none of them."""
        with open(f"/proc/{self.gateway.pid}/io", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith(("syscr", "syscw")))

    def test_a_message_costs_less_than_one_read_or_write(self) -> None:
        self.start_all()
        publisher = self.publisher()
        before = self.calls()
        for number in range(MESSAGES):
            publisher.publish(f"school/sman1/cctv/cam-{number % 20}/telemetry",
                              json.dumps({"ts": time.time_ns() // 1_000_000, "fps": number % 30}).encode())
        publisher.drain()
        self.await_journal(MESSAGES)
        # Each by itself would be six: four reads, and two writes for its acknowledgement.
        self.assertLess((self.calls() - before) / MESSAGES, 1.5)


if __name__ == "__main__":
    unittest.main()
