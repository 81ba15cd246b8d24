#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Confirmed persistent messages beside RabbitMQ and beside the disk, and what a start costs.

    bench/persistent.py BUILD/bin/leveretd LOADGEN [--rounds 5] [--only table,backlog,syncs,queues]

LOADGEN is a load generator that takes `--port P -s BYTES -p PUBLISHERS -c CONSUMERS -q QUEUES --durable
--persistent --confirm WINDOW --prefetch N --ack-every N --rate N --count N --mode both|publish|consume
--keep -t SECONDS` and prints a line of name=value.

    table    both brokers idle beside each other, runs alternating: leveretd at level fsync, and Debian's
             rabbitmq-server; the disk itself in the same minutes
    backlog  10 M messages of 100 bytes, kill -9, start, drain; leveretd alone
    syncs    the same publishers and window, to one queue and to a hundred; leveretd alone
    queues   100,000 durable queues declared and bound, restart; leveretd alone

Prints the tables of a results page.
"""

import argparse
import base64
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "oracle"))

from memory import HOST, QUEUE_DECLARE, long, method, open_clients, short  # noqa: E402
from rabbitmq import RabbitMQ, free_ports  # noqa: E402

COMMON = "--durable --persistent --prefetch 1000 --ack-every 100"
TABLE = [
    "-s 16 --confirm 500",
    "-s 1024 --confirm 500",
    "-s 1024 --confirm 2000",
    "-s 1024 --confirm 100",
    "-s 1024 --confirm 10",
    "-s 1024 --confirm 1",
    "-s 1024 --confirm 500 -q 100 -p 10 -c 10",
    "-s 16384 --confirm 500",
    "-s 131072 --confirm 100",
    "-s 131072 --confirm 500",
]
LOW_RATE = "-s 1024 --confirm 1 --rate 200"
BACKLOG = 10_000_000
QUEUES = 100_000
DECLARERS = 4
QUEUE_BIND = (50, 20)
POLL_SECONDS = 0.001
BOUND_SECONDS = 120


class Leveretd:
    def __init__(self, executable):
        self.executable = executable
        self.data = tempfile.mkdtemp(prefix="leveret-bench-")
        self.port, self.management_port = free_ports(2)
        self.start()

    def start(self):
        """Returns the seconds until the port took a connection."""
        command = [self.executable, "--data-dir", self.data, "--port", str(self.port), "--log-level", "error"]
        command += ["--management-port", str(self.management_port), "--prometheus-port", "0"]
        begun = time.monotonic()
        self.process = subprocess.Popen(command)
        while True:
            try:
                socket.create_connection((HOST, self.port)).close()
                return time.monotonic() - begun
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() - begun > BOUND_SECONDS:
                    raise SystemExit("leveretd did not start") from None
                time.sleep(POLL_SECONDS)  # bounded poll

    def kibibytes(self, field):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE).group(1))

    def settled_kibibytes(self):
        """What is resident when that has stood still for two seconds."""
        value, since = self.kibibytes("VmRSS"), time.monotonic()
        give_up = since + BOUND_SECONDS
        while time.monotonic() - since < 2 and time.monotonic() < give_up:
            time.sleep(0.1)  # bounded poll
            now = self.kibibytes("VmRSS")
            if now != value:
                value, since = now, time.monotonic()
        return value

    def disk_bytes(self):
        return sum(path.stat().st_blocks * 512 for path in pathlib.Path(self.data).rglob("*") if path.is_file())

    def end(self, how):
        """Returns the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(BOUND_SECONDS)
        return time.monotonic() - begun

    def close(self):
        self.end(signal.SIGTERM)
        shutil.rmtree(self.data)


def load(loadgen, port, options):
    command = [loadgen, "--port", str(port), *options.split()]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.findall(r"(\w+)=([\d.]+)", finished.stdout.splitlines()[-1])
    values = {}
    for name, value in found:
        values.setdefault(name, float(value))  # The first p99 is the confirms'.
    return values


def disk_probe(directory):
    """Microseconds of (write + fdatasync) at the median and the 99th percentile, by size."""
    outcome = {}
    path = pathlib.Path(directory, "probe")
    for size in (4096, 1 << 20):
        span = max(64 * size, 1 << 20)
        with open(path, "wb", buffering=0) as file:
            file.write(bytes(span))  # Blocks written before, as a segment's are.
            os.fsync(file.fileno())
            took = []
            for index in range(200):
                begun = time.perf_counter()
                os.pwrite(file.fileno(), b"x" * size, index * size % span)
                os.fdatasync(file.fileno())
                took.append((time.perf_counter() - begun) * 1e6)
        outcome[size] = statistics.median(took), sorted(took)[198]
        path.unlink()
    return outcome


def spread(values):
    middle = statistics.median(values)
    return f"{middle:,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def table(options):
    ours = Leveretd(options.leveretd)
    with RabbitMQ() as theirs:
        probes = [disk_probe(ours.data)]
        print("| options | RabbitMQ 3.10.8 | leveretd | ratio of medians | confirm p50, us |")
        print("|---|---|---|---|---|")
        for row in TABLE:
            runs = {ours.port: [], theirs.port: []}
            for _ in range(options.rounds):
                for port in (theirs.port, ours.port):
                    runs[port].append(load(options.loadgen, port, f"{COMMON} -t 2 {row}"))
            rates, delays = (
                [[run[name] for run in runs[port]] for port in (theirs.port, ours.port)]
                for name in ("confirm_rate", "confirm_us_p50")
            )
            ratio = statistics.median(rates[1]) / statistics.median(rates[0])
            print(
                f"| `{row}` | {spread(rates[0])} | {spread(rates[1])} | {ratio:.1f} | "
                f"{statistics.median(delays[0]):,.0f} / {statistics.median(delays[1]):,.0f} |",
                flush=True,
            )
        for _ in range(options.rounds):
            probes.append(disk_probe(ours.data))
            delays = [
                load(options.loadgen, port, f"{COMMON} -t 2 {LOW_RATE}")["confirm_us_p50"]
                for port in (theirs.port, ours.port)
            ]
            print(
                f"low rate (`{LOW_RATE}`): confirm p50 {delays[0]:,.0f} us RabbitMQ, {delays[1]:,.0f} us leveretd; "
                f"the disk {probes[-1][4096][0]:,.0f} us",
                flush=True,
            )
    for size in probes[0]:
        middle = statistics.median(probe[size][0] for probe in probes)
        tail = statistics.median(probe[size][1] for probe in probes)
        rate = size / middle
        print(f"disk: {size} bytes and fdatasync {middle:,.0f} us, p99 {tail:,.0f} us; {rate:,.0f} MB/s")
    ours.close()


def syncs_of(broker):
    request = urllib.request.Request(f"http://{HOST}:{broker.management_port}/api/leveret/journals")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    with urllib.request.urlopen(request, timeout=BOUND_SECONDS) as answer:
        return sum(journal["syncs"] for journal in json.load(answer))


def syncs(options):
    broker = Leveretd(options.leveretd)
    for count in (1, 100):
        before = syncs_of(broker)
        found = load(options.loadgen, broker.port, f"{COMMON} -s 1024 --confirm 100 -p 10 -c 10 -q {count} -t 5")
        made = syncs_of(broker) - before
        print(f"{count} queues: {found['confirmed']:,.0f} confirmed, {made:,} syncs, one for {found['confirmed'] / made:,.0f}")
    broker.close()


def message_count(port):
    (client,) = open_clients(port, 1)
    client.send(method(1, QUEUE_DECLARE, bytes(2) + short(b"lg-0") + b"\1" + long(b"")))
    answer = client.read_frame()
    if answer[7:11] != struct.pack(">HH", 50, 11):
        raise SystemExit("the backlog's queue is not there")
    client.finish()
    return struct.unpack(">I", answer[12 + answer[11] :][:4])[0]


def backlog(options):
    broker = Leveretd(options.leveretd)
    common = f"{COMMON} -s 100 -c 0 --mode publish --keep"
    filled = load(options.loadgen, broker.port, f"{common} --confirm 5000 --count {BACKLOG} --warm 0")
    print(f"published and confirmed: {filled['confirm_rate']:,.0f} a second")
    print(f"resident at most: {broker.kibibytes('VmHWM') / 1024:.0f} MiB; disk {broker.disk_bytes() / 1e6:,.0f} MB")
    broker.end(signal.SIGKILL)
    begun = time.monotonic()
    listening = broker.start()
    found = message_count(broker.port)
    recovered = time.monotonic() - begun
    print(f"after kill -9: listening {listening * 1000:.0f} ms, {found:,} found after {recovered * 1000:,.0f} ms")
    drained = load(options.loadgen, broker.port, f"{COMMON} -s 100 -p 0 --mode consume --keep -t 8 --warm 0")
    print(f"consumed: {drained['consumed']:,.0f} in {drained['seconds']:.1f} s, {drained['consume_rate']:,.0f} a second")
    print(f"resident at most: {broker.kibibytes('VmHWM') / 1024:.0f} MiB")
    print(f"stop in good order: {broker.end(signal.SIGTERM) * 1000:.0f} ms")
    print(f"start: listening {broker.start() * 1000:.0f} ms")
    broker.close()


def declare(index):
    return method(1, QUEUE_DECLARE, bytes(2) + short(b"queue.%d" % index) + b"\2" + long(b""))


def bind(index):
    name = short(b"queue.%d" % index)
    return method(1, QUEUE_BIND, bytes(2) + name + short(b"amq.topic") + name + b"\0" + long(b""))


def ask_for_all(port, question):
    """Returns how many were answered a second."""
    clients = open_clients(port, DECLARERS)
    at_once = 500
    begun = time.monotonic()
    for first in range(0, QUEUES, DECLARERS * at_once):
        for number, client in enumerate(clients):
            start = first + number * at_once
            client.send(b"".join(question(index) for index in range(start, start + at_once)))
        for client in clients:
            for _ in range(at_once):
                client.read_frame()
    rate = QUEUES / (time.monotonic() - begun)
    for client in clients:
        client.finish()
    return rate


def queues(options):
    broker = Leveretd(options.leveretd)
    before = broker.settled_kibibytes()
    for what, question in (("declared", declare), ("bound", bind)):
        rate = ask_for_all(broker.port, question)
        at_once = (broker.kibibytes("VmRSS") - before) / QUEUES
        settled = (broker.settled_kibibytes() - before) / QUEUES
        print(f"{what} {rate:,.0f} a second; {at_once:.2f} KiB more a queue, when quiet {settled:.2f} KiB", flush=True)
    print(f"disk {broker.disk_bytes() / 1e6:,.0f} MB")
    for how in (signal.SIGTERM, signal.SIGKILL):
        broker.end(how)
        listening = broker.start()
        settled = (broker.settled_kibibytes() - before) / QUEUES
        print(f"after {how.name}: listening {listening * 1000:,.0f} ms; {settled:.2f} KiB a queue when quiet")
    broker.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("leveretd")
    parser.add_argument("loadgen")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="table,backlog,syncs,queues")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    measures = {"table": table, "backlog": backlog, "syncs": syncs, "queues": queues}
    for name in options.only.split(","):
        print(f"\n## {name}\n", flush=True)
        measures[name](options)


if __name__ == "__main__":
    main()
