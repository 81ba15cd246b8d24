#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a million messages cost a queue that does more than keep them, beside RabbitMQ.

    bench/features.py BUILD/bin/leveretd [--rounds 3] [--only ttl,priority,topic] [--messages N]

    ttl       a million messages of 100 bytes with an expiration of their own each, 20 to 40 seconds at random
              (always the same), to one queue; then nothing but waiting until the last has expired
    priority  a million messages of 100 bytes over ten priorities, drawn at random, to one queue with
              x-max-priority=9; then one consumer without acknowledgements takes them all
    topic     100,000 bindings on one topic exchange, `<n>.*.#` to a hundred queues; then 200,000 messages
              that match one binding each

Messages are transient and queues not durable. The brokers take turns, a new process for each run, so that
memory is not what an earlier run left. Memory is what the broker's process has more resident than before,
an item. Prints the tables of a results page.
"""

import argparse
import pathlib
import random
import re
import statistics
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "oracle"))

from memory import (  # noqa: E402
    CONSUME,
    FRAME_BODY,
    FRAME_HEADER,
    PUBLISH,
    QUEUE_DECLARE,
    frame,
    long,
    method,
    open_clients,
    short,
)
from persistent import Leveretd  # noqa: E402
from rabbitmq import RabbitMQ  # noqa: E402

BODY = b"x" * 100
BATCH = 2000
BOUND_SECONDS = 300
POLL_SECONDS = 0.2
QUEUE_BIND, QUEUE_DELETE = (50, 20), (50, 40)
TTL_MS = (20_000, 40_000)
PRIORITIES = 10
BINDINGS, BOUND_QUEUES, ROUTED = 100_000, 100, 200_000
FLAG_PRIORITY, FLAG_EXPIRATION = 1 << 11, 1 << 8


def table(**arguments):
    entries = b"".join(
        short(name.replace("_", "-").encode()) + b"I" + struct.pack(">i", value) for name, value in arguments.items()
    )
    return long(entries)


def declare(client, queue, passive=False, arguments=b"\0\0\0\0"):
    """Returns how many messages the queue has ready."""
    client.send(method(1, QUEUE_DECLARE, bytes(2) + short(queue) + bytes([passive]) + arguments))
    answer = client.read_frame()[11:]
    return struct.unpack(">I", answer[1 + answer[0] :][:4])[0]


def delete(client, queue):
    client.send(method(1, QUEUE_DELETE, bytes(2) + short(queue) + b"\0"))
    client.read_frame()


def publish(exchange, key, properties=b"\0\0"):
    return (
        method(1, PUBLISH, bytes(2) + short(exchange) + short(key) + b"\0")
        + frame(FRAME_HEADER, 1, struct.pack(">HHQ", 60, 0, len(BODY)) + properties)
        + frame(FRAME_BODY, 1, BODY)
    )


def send_all(client, messages):
    """Bytes are made before the clock runs. Returns the seconds until a later question was answered."""
    batches = [b"".join(messages[at : at + BATCH]) for at in range(0, len(messages), BATCH)]
    begun = time.monotonic()
    for batch in batches:
        client.send(batch)
    declare(client, b"barrier")
    return time.monotonic() - begun


def wait_for(client, queue, ready):
    give_up = time.monotonic() + BOUND_SECONDS
    while declare(client, queue, passive=True) != ready:
        if time.monotonic() > give_up:
            raise SystemExit(f"{queue} has not come to {ready} messages")
        time.sleep(POLL_SECONDS)  # bounded poll


class Ours(Leveretd):
    name = "leveretd"

    def resident(self):
        return self.settled_kibibytes() * 1024

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)


class Theirs:
    name = "RabbitMQ 3.10.8"

    def __init__(self):
        self._broker = RabbitMQ(plugins=())
        self._broker.start()
        self.port = self._broker.port
        self._pid = int(re.search(r"\d+", self._broker.ctl("eval", "os:getpid().").stdout).group())

    def resident(self):
        """The lowest of two seconds: its collectors come when they like."""
        lowest, until = self._resident_now(), time.monotonic() + 2
        while time.monotonic() < until:
            time.sleep(POLL_SECONDS)  # bounded poll
            lowest = min(lowest, self._resident_now())
        return lowest

    def _resident_now(self):
        status = pathlib.Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        return int(re.search(r"^VmRSS:\s+(\d+)", status, re.MULTILINE).group(1)) * 1024

    def cpu_seconds(self):
        return cpu_seconds(self._pid)

    def close(self):
        self._broker.close()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def ttl(broker, messages):
    draw = random.Random(1)
    (client,) = open_clients(broker.port, 1)
    declare(client, b"ttl")
    before = broker.resident()
    sent = [
        publish(b"", b"ttl", struct.pack(">H", FLAG_EXPIRATION) + short(b"%d" % draw.randint(*TTL_MS)))
        for _ in range(messages)
    ]
    seconds = send_all(client, sent)
    begun = time.monotonic()
    held = declare(client, b"ttl", passive=True)
    memory = (broker.resident() - before) / messages
    cpu = broker.cpu_seconds()
    wait_for(client, b"ttl", 0)
    # From the last publish to the end of the longest life, and what went beyond that.
    late = time.monotonic() - begun - TTL_MS[1] / 1000
    spent = broker.cpu_seconds() - cpu
    delete(client, b"ttl")
    client.finish()
    if held != messages:
        raise SystemExit(f"{broker.name}: {held} of {messages} were there when the last had come")
    return {
        "published a second": messages / seconds,
        "bytes a message": memory,
        "last gone after its time, s": late,
        "processor while they expire, s": spent,
    }


def priority(broker, messages):
    draw = random.Random(2)
    (client,) = open_clients(broker.port, 1)
    declare(client, b"priority", arguments=table(x_max_priority=PRIORITIES - 1))
    before = broker.resident()
    drawn = [draw.randrange(PRIORITIES) for _ in range(messages)]
    kinds = [publish(b"", b"priority", struct.pack(">HB", FLAG_PRIORITY, level)) for level in range(PRIORITIES)]
    seconds = send_all(client, [kinds[level] for level in drawn])
    wait_for(client, b"priority", messages)
    memory = (broker.resident() - before) / messages
    (consumer,) = open_clients(broker.port, 1)
    begun = time.monotonic()
    consumer.send(method(1, CONSUME, bytes(2) + short(b"priority") + short(b"c") + b"\2" + long(b"")))
    consumer.read_frame()
    first = b"".join(consumer.read_frame() for _ in range(3))
    left = len(first) * (messages - 1)
    at = first.index(struct.pack(">H", FLAG_PRIORITY)) + 2  # Where each delivery has its priority.
    came = bytearray(first)
    while left:
        piece = consumer.socket.recv(min(left, 1 << 20))
        came += piece
        left -= len(piece)
    drained = time.monotonic() - begun
    levels = came[at :: len(first)]
    out_of_order = sum(1 for before_it, level in zip(levels, levels[1:]) if level > before_it)
    consumer.finish()
    delete(client, b"priority")
    client.finish()
    return {
        "published a second": messages / seconds,
        "bytes a message": memory,
        "consumed a second": messages / drained,
        "deliveries behind one of a lower priority": out_of_order,
    }


def topic(broker, _messages):
    (client,) = open_clients(broker.port, 1)
    queues = [b"topic.%d" % number for number in range(BOUND_QUEUES)]
    for queue in queues:
        declare(client, queue, arguments=table(x_max_length=10))
    before = broker.resident()
    begun = time.monotonic()
    at_once = 500
    for first in range(0, BINDINGS, at_once):
        client.send(
            b"".join(
                method(
                    1,
                    QUEUE_BIND,
                    bytes(2) + short(queues[n % BOUND_QUEUES]) + short(b"amq.topic") + short(b"%d.*.#" % n) + b"\0" + long(b""),
                )
                for n in range(first, first + at_once)
            )
        )
        for _ in range(at_once):
            client.read_frame()
    bound = time.monotonic() - begun
    memory = (broker.resident() - before) / BINDINGS
    draw = random.Random(3)
    keys = [publish(b"amq.topic", b"%d.new.order.eu" % draw.randrange(BINDINGS)) for _ in range(ROUTED)]
    seconds = send_all(client, keys)
    for queue in queues:
        delete(client, queue)
    client.finish()
    return {"bound a second": BINDINGS / bound, "bytes a binding": memory, "routed a second": ROUTED / seconds}


STORIES = {"ttl": ttl, "priority": priority, "topic": topic}


def shown(values):
    digits = 0 if statistics.median(values) >= 100 else 2
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("leveretd")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(STORIES))
    parser.add_argument("--messages", type=int, default=1_000_000)
    options = parser.parse_args()
    for story in options.only.split(","):
        found = {}
        for _ in range(options.rounds):
            for make in (Theirs, lambda: Ours(options.leveretd)):
                broker = make()
                try:
                    for what, value in STORIES[story](broker, options.messages).items():
                        found.setdefault(what, {}).setdefault(broker.name, []).append(value)
                finally:
                    broker.close()
        print(f"\n| {story} | {Theirs.name} | {Ours.name} |\n|---|---|---|", flush=True)
        for what, values in found.items():
            print(f"| {what} | {shown(values[Theirs.name])} | {shown(values[Ours.name])} |", flush=True)


if __name__ == "__main__":
    main()
