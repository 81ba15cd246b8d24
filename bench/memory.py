#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether the broker's memory comes back, measured.

    bench/memory.py BUILD/bin/leveretd [--rounds 3] [--workers 2]

Starts a broker of its own for each of two stories, tells the story ROUNDS times over, and prints after
each what is resident:

    connections  ten times 1,000 at once: connect, log in, open a channel, close
    messages     a million of 100 bytes published to one queue, then consumed

Each reading is taken when the value has stood still for two seconds, so that the broker may tidy up.
*File-backed* is code and tables of the executable and its libraries, resident from the first time they
are used; *anonymous* is all else: heap, stacks, written data. Exit status 1: some reading of all that
is resident is beyond 1.10 of that story's start.
"""

import argparse
import pathlib
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

HOST = "127.0.0.1"
CONNECTIONS = 1000
WAVES = 10
MESSAGES = 1_000_000
BODY = b"x" * 100
QUEUE = b"memory"
RATIO_MAX = 1.10
BOUND_SECONDS = 60

START_OK, TUNE_OK, OPEN, CLOSE = (10, 11), (10, 31), (10, 40), (10, 50)
CHANNEL_OPEN = (20, 10)
QUEUE_DECLARE = (50, 10)
CONSUME, PUBLISH = (60, 20), (60, 40)
FRAME_METHOD, FRAME_HEADER, FRAME_BODY = 1, 2, 3


def frame(kind, channel, payload):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def method(channel, class_and_method, arguments=b""):
    return frame(FRAME_METHOD, channel, struct.pack(">HH", *class_and_method) + arguments)


def short(text):
    return bytes([len(text)]) + text


def long(text):
    return struct.pack(">I", len(text)) + text


class Client:
    """As much of a client as the stories need, each step without waiting for its answer."""

    def __init__(self, port):
        self.socket = socket.create_connection((HOST, port))
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")

    def send(self, data):
        self.socket.sendall(data)

    def read(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError("the broker closed the connection")
            data += piece
        return bytes(data)

    def read_frame(self):
        head = self.read(7)
        return head + self.read(struct.unpack(">I", head[3:])[0] + 1)

    def finish(self):
        self.send(method(0, CLOSE, struct.pack(">H", 200) + short(b"") + bytes(4)))
        while struct.unpack(">HH", self.read_frame()[7:11]) != (10, 51):
            pass
        self.socket.close()


LOGIN = [
    method(0, START_OK, long(b"") + short(b"PLAIN") + long(b"\0guest\0guest") + short(b"en_US")),
    # No answer to tune-ok: connection.open goes with it. No heartbeats, which nobody would answer.
    method(0, TUNE_OK, struct.pack(">HIH", 2047, 131072, 0))
    + method(0, OPEN, short(b"/") + short(b"") + b"\0"),
    method(1, CHANNEL_OPEN, short(b"")),
]


def open_clients(port, count):
    clients = [Client(port) for _ in range(count)]
    for step in LOGIN:
        for client in clients:
            client.read_frame()
            client.send(step)
    for client in clients:
        client.read_frame()
    return clients


def come_and_go(port):
    for _ in range(WAVES):
        for client in open_clients(port, CONNECTIONS):
            client.finish()


def declare(client):
    """Returns how many messages the queue holds."""
    client.send(method(1, QUEUE_DECLARE, bytes(2) + short(QUEUE) + b"\0" + long(b"")))
    answer = client.read_frame()[11:]
    return struct.unpack(">I", answer[1 + answer[0] :][:4])[0]


def fill_and_drain(port):
    (publisher,) = open_clients(port, 1)
    declare(publisher)
    message = (
        method(1, PUBLISH, bytes(2) + short(b"") + short(QUEUE) + b"\0")
        + frame(FRAME_HEADER, 1, struct.pack(">HHQH", 60, 0, len(BODY), 0))
        + frame(FRAME_BODY, 1, BODY)
    )
    batch = 1000
    for _ in range(MESSAGES // batch):
        publisher.send(message * batch)
    # The channel's order: the count is of after the last publish.
    held = declare(publisher)
    if held != MESSAGES:
        raise AssertionError(f"the queue holds {held} messages")

    (consumer,) = open_clients(port, 1)
    flag_no_ack = b"\x02"
    consumer.send(method(1, CONSUME, bytes(2) + short(QUEUE) + short(b"c") + flag_no_ack + long(b"")))
    consumer.read_frame()
    # Every delivery is as long as the first: the delivery tag has a fixed size.
    first = sum(len(consumer.read_frame()) for _ in range(3))
    left = first * (MESSAGES - 1)
    while left:
        left -= len(consumer.socket.recv(min(left, 1 << 20)))
    consumer.finish()
    publisher.finish()


class Broker:
    def __init__(self, executable, workers):
        self.data = tempfile.mkdtemp(prefix="leveret-memory-")
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        command = [executable, "--data-dir", self.data, "--port", str(self.port), "--workers", str(workers)]
        command += ["--management-port", "0", "--prometheus-port", "0", "--log-level", "error"]
        self.process = subprocess.Popen(command)
        # Its control socket comes last. Not a connection to the port: that would be the first one.
        give_up = time.monotonic() + BOUND_SECONDS
        while not list(pathlib.Path(self.data).glob("*.sock")):
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise SystemExit("the broker did not start")
            time.sleep(0.05)  # bounded poll

    def resident(self):
        """(all, anonymous) in KiB."""
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        fields = {line.split(":")[0]: line.split()[1] for line in rollup.splitlines()[1:]}
        return int(fields["Rss"]), int(fields["Anonymous"])

    def settled(self):
        value, since = self.resident(), time.monotonic()
        give_up = since + BOUND_SECONDS
        while time.monotonic() - since < 2 and time.monotonic() < give_up:
            time.sleep(0.1)  # bounded poll
            now = self.resident()
            if now != value:
                value, since = now, time.monotonic()
        return value

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.data)


def measure(name, story, options):
    broker = Broker(options.leveretd, options.workers)
    worst = 0
    try:
        start, anonymous = broker.settled()
        print(f"{name:12} start    {start:6} KiB: {start - anonymous} file-backed, {anonymous} anonymous")
        for round_number in range(1, options.rounds + 1):
            story(broker.port)
            after, anonymous = broker.settled()
            worst = max(worst, after / start)
            print(
                f"{name:12} after {round_number:2} {after:6} KiB: {after - anonymous} file-backed, "
                f"{anonymous} anonymous; ratio {after / start:.3f}",
                flush=True,
            )
    finally:
        broker.stop()
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("leveretd")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    # A broker that it starts inherits the limit.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    worst = [measure("connections", come_and_go, options), measure("messages", fill_and_drain, options)]
    sys.exit(max(worst) > RATIO_MAX)


if __name__ == "__main__":
    main()
