# SPDX-License-Identifier: Apache-2.0
"""Streams, with pika: long ones, which are read from the disk, and over a restart."""

import datetime

import pytest
from pika import BasicProperties

from expectations import wait_until

MESSAGES = 6000
BODY_BYTES = 4000  # In all more than a stream has in memory.


@pytest.fixture(name="leveret")
def only_leveret(broker):
    if broker.kind != "leveret":
        pytest.skip("RabbitMQ takes seconds to count what is in a stream")
    return broker


def declare(channel, name: str, **arguments) -> None:
    arguments = {"x-queue-type": "stream"} | {n.replace("_", "-"): v for n, v in arguments.items()}
    channel.queue_declare(name, durable=True, arguments=arguments)


def body_of(number: int) -> bytes:
    return (b"%d " % number).ljust(BODY_BYTES, b".")


def fill(channel, name: str, first: int = 0, count: int = MESSAGES) -> None:
    for number in range(first, first + count - 1):
        channel.basic_publish("", name, body_of(number))
    channel.confirm_delivery()
    channel.basic_publish("", name, body_of(first + count - 1))  # And all before it.


def read(connect, name: str, offset, count: int) -> list[tuple[int, int]]:
    """Offsets and numbers of the first so many from there on.

    On a connection of its own, which is left alone: pika rejects what it has read ahead when a
    channel is closed, and streams take no rejects.
    """
    channel = connect().channel()
    channel.basic_qos(prefetch_count=500)
    found = []
    for method, properties, body in channel.consume(name, arguments={"x-stream-offset": offset}):
        number = int(body.split()[0])
        assert body == body_of(number)
        found.append((properties.headers["x-stream-offset"], number))
        channel.basic_ack(method.delivery_tag)
        if len(found) == count:
            break
    return found


def numbers(first: int, end: int) -> list[tuple[int, int]]:
    return [(number, number) for number in range(first, end)]


@pytest.mark.parametrize("end", ["none", "stop", "crash"])
def test_a_stream_is_read_from_anywhere_also_after_a_restart(leveret, connect, end):
    name = f"stream.{end}"
    channel = connect().channel()
    declare(channel, name)
    fill(channel, name)
    if end == "stop":
        leveret.restart()
    elif end == "crash":
        leveret.kill()
        leveret.start()

    assert read(connect, name, "first", MESSAGES) == numbers(0, MESSAGES)
    for offset in (1, MESSAGES // 3, MESSAGES - 2):
        assert read(connect, name, offset, 2) == numbers(offset, offset + 2)
    assert read(connect, name, "last", 1) == numbers(MESSAGES - 1, MESSAGES)
    hour = datetime.timedelta(hours=1)
    past = datetime.datetime.now(datetime.timezone.utc) - hour
    assert read(connect, name, past, 1) == numbers(0, 1)
    assert read(connect, name, "1h", 1) == numbers(0, 1)
    channel = connect().channel()
    fill(channel, name, MESSAGES, 10)
    assert read(connect, name, MESSAGES - 1, 11) == numbers(MESSAGES - 1, MESSAGES + 10)
    channel.queue_delete(name)


def test_many_read_at_their_own_pace(leveret, connect):
    channel = connect().channel()
    declare(channel, "stream.many")
    fill(channel, "stream.many", count=3000)
    connection = connect()
    seen: dict[str, list[int]] = {}

    def start(tag: str, prefetch: int, acks: bool) -> None:
        reader = connection.channel()
        reader.basic_qos(prefetch_count=prefetch)
        seen[tag] = []

        def on_message(reader, method, properties, _body):
            seen[tag].append(properties.headers["x-stream-offset"])
            if acks:
                reader.basic_ack(method.delivery_tag)

        arguments = {"x-stream-offset": "first"}
        reader.basic_consume("stream.many", on_message, consumer_tag=tag, arguments=arguments)

    for index in range(4):
        start(f"fast{index}", 100, True)
    start("slow", 1, True)
    start("stuck", 7, False)

    def is_done() -> bool:
        connection.process_data_events(0.05)
        return all(len(offsets) == 3000 for tag, offsets in seen.items() if tag != "stuck")

    wait_until(is_done)
    assert seen.pop("stuck") == list(range(7))
    assert all(offsets == list(range(3000)) for offsets in seen.values())
    connection.close()
    channel.queue_delete("stream.many")


def test_a_stream_forgets_its_oldest_and_goes_on_after_a_restart(leveret, connect):
    channel = connect().channel()
    declare(
        channel,
        "stream.bounded",
        x_max_length_bytes=4_000_000,
        x_stream_max_segment_size_bytes=1_000_000,
    )
    fill(channel, "stream.bounded", count=3000)
    kept = channel.queue_declare("stream.bounded", passive=True).method.message_count
    assert 700 < kept < 1300  # 4 MB and less than a page more.
    leveret.restart()
    channel = connect().channel()
    declared = channel.queue_declare("stream.bounded", passive=True).method
    assert declared.message_count == kept
    assert read(connect, "stream.bounded", 0, 1) == numbers(3000 - kept, 3000 - kept + 1)
    fill(channel, "stream.bounded", 3000, 1)
    assert read(connect, "stream.bounded", "last", 1) == numbers(3000, 3001)
    channel.queue_delete("stream.bounded")


def test_a_filter_finds_its_messages_on_the_disk(leveret, connect):
    channel = connect().channel()
    declare(channel, "stream.filter")
    for number in range(3000):
        value = "rare" if number % 1000 == 999 else "common"
        properties = BasicProperties(headers={"x-stream-filter-value": value})
        channel.basic_publish("", "stream.filter", body_of(number), properties)
    reader = connect().channel()
    reader.basic_qos(prefetch_count=10)
    arguments = {"x-stream-offset": "first", "x-stream-filter": "rare"}
    found = []
    for method, properties, _ in reader.consume("stream.filter", arguments=arguments):
        found.append(properties.headers["x-stream-offset"])
        reader.basic_ack(method.delivery_tag)
        if len(found) == 3:
            break
    assert found == [999, 1999, 2999]
    channel.queue_delete("stream.filter")
