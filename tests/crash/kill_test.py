# SPDX-License-Identifier: Apache-2.0
"""leveretd is killed under load and started again; nothing that it confirmed may be gone."""

import base64
import json
import os
import random
import sys
import threading
import urllib.request
import zlib
from pathlib import Path

import pika
import pytest
from pika.exceptions import AMQPError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import brokers  # noqa: E402 (found by the line above)
from expectations import wait_until  # noqa: E402

ROUNDS = int(os.environ.get("LEVERET_CRASH_ROUNDS", "6"))
FIRST_SEED = int(os.environ.get("LEVERET_CRASH_SEED", "1"))
QUEUES = 3
WAIT_SECONDS_MAX = 60
PERSISTENT = pika.BasicProperties(delivery_mode=2)


def make_body(queue: str, number: int, seed: int) -> bytes:
    """Says what it is, and has a length and a checksum of its own."""
    filler = random.Random(f"{queue} {number} {seed}").randbytes(number * 37 % 3000)
    head = f"{queue} {number} {seed} {zlib.crc32(filler)} ".encode()
    return head + filler


def read_body(body: bytes) -> tuple[str, int]:
    queue, number, seed, checksum, filler = body.split(b" ", 4)
    assert zlib.crc32(filler) == int(checksum)
    assert body == make_body(queue.decode(), int(number), int(seed))
    return queue.decode(), int(number)


def connect(broker) -> pika.BlockingConnection:
    return pika.BlockingConnection(
        pika.ConnectionParameters(host=broker.host, port=broker.port, heartbeat=0)
    )


class Load:
    """One queue's publisher and consumer, until the broker goes."""

    def __init__(self, broker, queue: str, seed: int, first: int, on_confirm):
        self.queue = queue
        self.confirmed: set[int] = set()
        self.acknowledged: set[int] = set()
        self.last = first - 1
        self._broker, self._seed, self._on_confirm = broker, seed, on_confirm
        self._threads = [
            threading.Thread(target=self._run, args=(act,)) for act in (self._publish, self._consume)
        ]

    def start(self):
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join(WAIT_SECONDS_MAX)
            assert not thread.is_alive()

    def _run(self, act):
        try:
            act(connect(self._broker).channel())
        except (AMQPError, OSError):
            return  # It was killed.

    def _publish(self, channel):
        channel.confirm_delivery()
        while True:
            number = self.last + 1
            self.last = number
            channel.basic_publish("", self.queue, make_body(self.queue, number, self._seed), PERSISTENT)
            self.confirmed.add(number)
            self._on_confirm()

    def _consume(self, channel):
        chance = random.Random(f"consume {self._seed} {self.queue}")
        channel.basic_qos(prefetch_count=20)
        for method, _, body in channel.consume(self.queue):
            number = read_body(body)[1]
            if chance.random() < 0.5:
                continue  # Kept unacknowledged; it comes back.
            self.acknowledged.add(number)  # Before: it may arrive although nobody hears of it.
            channel.basic_ack(method.delivery_tag)


def drain(broker, queue: str) -> list[tuple[int, bool]]:
    connection = connect(broker)
    channel = connection.channel()
    found = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            break
        name, number = read_body(body)
        assert name == queue
        found.append((number, method.redelivered))
    connection.close()
    return found


def api(broker, path: str):
    request = urllib.request.Request(f"http://{broker.host}:{broker.management_port}/api/{path}")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS_MAX) as answer:
        return json.load(answer)


def ledger_of(broker, queue: str) -> dict:
    return api(broker, f"queues/%2F/{queue}")["ledger"]


@pytest.fixture(name="broker")
def fixture_broker():
    broker = brokers.Leveretd(brokers.binaries_directory(), workers=2)
    yield broker
    broker.close()


def test_what_was_confirmed_survives_a_kill(broker):
    connection = connect(broker)
    names = [f"crash.{index}" for index in range(QUEUES)]
    for name in names:
        connection.channel().queue_declare(name, durable=True)
    connection.close()

    first = 1
    for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS):
        wanted = random.Random(seed).randrange(20, 300)
        counter, enough = [0], threading.Event()

        def on_confirm(counter=counter, enough=enough, wanted=wanted):
            counter[0] += 1
            if counter[0] >= wanted:
                enough.set()

        loads = [Load(broker, name, seed, first, on_confirm) for name in names]
        for load in loads:
            load.start()
        assert enough.wait(WAIT_SECONDS_MAX), f"seed {seed}: {counter[0]} of {wanted} confirmed"
        broker.kill()
        for load in loads:
            load.join()
        broker.start()

        for load in loads:
            found = drain(broker, load.queue)
            numbers = [number for number, _ in found]
            assert numbers == sorted(set(numbers)), f"seed {seed}: order of {load.queue}"
            lost = load.confirmed - load.acknowledged - set(numbers)
            assert not lost, f"seed {seed}: {load.queue} lost {sorted(lost)[:10]}"
            back = [n for n, redelivered in found if n in load.acknowledged and not redelivered]
            assert not back, f"seed {seed}: {load.queue} gave back {back[:10]} unmarked"
            ledger = ledger_of(broker, load.queue)
            assert ledger["balanced"] and ledger["damaged"] == 0, f"seed {seed}: {ledger}"
            assert ledger["recovered"] == ledger["auto_acked"] == len(found), f"seed {seed}"
            assert all(first <= number <= load.last for number in numbers), f"seed {seed}"
        first = max(load.last for load in loads) + 1


def test_no_dead_letter_is_lost_by_a_kill(broker):
    """While messages expire from one durable queue to another the broker is killed, twice."""
    count = 2000
    connection = connect(broker)
    channel = connection.channel()
    channel.queue_declare("dead", durable=True)
    arguments = {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "dead",
        "x-message-ttl": 50,
    }
    channel.queue_declare("living", durable=True, arguments=arguments)
    channel.confirm_delivery()
    confirmed = set()
    try:
        for number in range(count):
            channel.basic_publish("", "living", b"%d" % number, PERSISTENT)
            confirmed.add(number)
            if number in (count // 4, count // 2):
                broker.kill()
                broker.start()
                channel = connect(broker).channel()
                channel.confirm_delivery()
    finally:
        channel.connection.close()

    channel = connect(broker).channel()
    found = set()

    def take(queue: str) -> None:
        while True:
            method, _, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                return
            found.add(int(body))

    wait_until(lambda: ledger_of(broker, "living")["present"] == 0)
    take("dead")
    assert confirmed <= found
    for queue in ("living", "dead"):
        assert ledger_of(broker, queue)["balanced"]
    channel.connection.close()


def test_no_delayed_message_is_lost_by_a_kill(broker):
    """The broker is killed while messages are held back, and again while they come due."""
    count = 2000
    connection = connect(broker)
    channel = connection.channel()
    arguments = {"x-delayed-type": "fanout"}
    channel.exchange_declare("later", "x-delayed-message", durable=True, arguments=arguments)
    channel.queue_declare("due", durable=True)
    channel.queue_bind("due", "later")
    channel.confirm_delivery()
    confirmed = set()
    for number in range(count):
        delay = pika.BasicProperties(headers={"x-delay": 1 + number * 7919 % 3000}, delivery_mode=2)
        channel.basic_publish("later", "", b"%d" % number, delay)
        confirmed.add(number)
        if number in (count // 2, count - 1):
            broker.kill()
            broker.start()
            channel = connect(broker).channel()
            channel.confirm_delivery()

    def held_back() -> int:
        exchange = api(broker, "exchanges/%2F/later")
        return exchange["messages_delayed"]

    wait_until(lambda: held_back() == 0)
    found = []
    wait_until(lambda: ledger_of(broker, "due")["present"] >= len(confirmed))
    while True:
        method, properties, body = channel.basic_get("due", auto_ack=True)
        if method is None:
            break
        assert properties.headers["x-delay"] < 0
        found.append(int(body))
    assert confirmed == set(found)
    channel.connection.close()


def test_a_quorum_queue_keeps_every_message_that_it_confirmed(broker):
    """Also those that are not marked as persistent, and it is a quorum queue after the start."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1}
    channel = connect(broker).channel()
    channel.queue_declare("quorum", durable=True, arguments=arguments)
    channel.confirm_delivery()
    for number in range(100):
        channel.basic_publish("", "quorum", b"%d" % number)

    broker.kill()
    broker.start()

    channel = connect(broker).channel()
    channel.queue_declare("quorum", durable=True, arguments=arguments)
    for expected_count in (0, 1):
        method, properties, body = channel.basic_get("quorum")
        assert (body, method.redelivered) == (b"0", True)
        assert properties.headers == {"x-delivery-count": expected_count}
        channel.basic_nack(method.delivery_tag)
    bodies = [channel.basic_get("quorum", auto_ack=True)[2] for _ in range(99)]
    assert bodies == [b"%d" % number for number in range(1, 100)]
    channel.connection.close()


class StreamReader:
    """Reads a stream from its beginning until the broker goes, and remembers what was where."""

    def __init__(self, broker):
        self.seen: dict[int, bytes] = {}
        self._broker = broker
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            for offset, body in read_stream(self._broker):
                self.seen[offset] = body
        except (AMQPError, OSError):
            return  # It was killed.

    def join(self):
        self._thread.join(WAIT_SECONDS_MAX)
        assert not self._thread.is_alive()


def read_stream(broker):
    connection = connect(broker)
    channel = connection.channel()
    channel.basic_qos(prefetch_count=100)
    arguments = {"x-stream-offset": "first"}
    for method, properties, body in channel.consume("stream", arguments=arguments):
        yield properties.headers["x-stream-offset"], body
        channel.basic_ack(method.delivery_tag)
    connection.close()


def test_a_stream_keeps_what_it_confirmed_and_what_was_read_where_it_was(broker):
    channel = connect(broker).channel()
    channel.queue_declare("stream", durable=True, arguments={"x-queue-type": "stream"})
    confirmed: set[bytes] = set()
    seen: dict[int, bytes] = {}
    for seed in range(1, ROUNDS + 1):
        reader = StreamReader(broker)
        wanted = random.Random(seed).randrange(20, 300)
        last = len(confirmed) + wanted

        def publish(channel=connect(broker).channel(), last=last, seed=seed):
            channel.confirm_delivery()
            try:
                number = 0
                while True:
                    body = b"%d %d " % (seed, number) + bytes(number % 500)
                    channel.basic_publish("", "stream", body, PERSISTENT)
                    confirmed.add(body)
                    number += 1
            except (AMQPError, OSError):
                return  # It was killed.

        publisher = threading.Thread(target=publish)
        publisher.start()
        wait_until(lambda last=last: len(confirmed) >= last)
        broker.kill()
        publisher.join(WAIT_SECONDS_MAX)
        reader.join()
        broker.start()
        seen |= reader.seen

        declared = connect(broker).channel().queue_declare("stream", passive=True)
        stored: dict[int, bytes] = {}
        for offset, body in read_stream(broker):
            stored[offset] = body
            if len(stored) == declared.method.message_count:
                break
        ledger = ledger_of(broker, "stream")
        assert ledger["balanced"] and ledger["damaged"] == 0, f"seed {seed}: {ledger}"
        assert sorted(stored) == list(range(len(stored))), f"seed {seed}: offsets"
        assert confirmed <= set(stored.values()), f"seed {seed}: lost"
        moved = [offset for offset, body in seen.items() if stored.get(offset) != body]
        assert not moved, f"seed {seed}: read before and not there now: {moved[:10]}"
