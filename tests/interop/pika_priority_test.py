# SPDX-License-Identifier: Apache-2.0
"""Queues with priorities, with pika."""

import pytest
from pika import BasicProperties

from expectations import get_all, ready_count, wait_until


def declare(channel, **more) -> str:
    arguments = {"x-max-priority": 5} | {name.replace("_", "-"): v for name, v in more.items()}
    return channel.queue_declare("", exclusive=True, arguments=arguments).method.queue


def publish(channel, queue: str, *messages: tuple[bytes, int | None]) -> None:
    for body, priority in messages:
        channel.basic_publish("", queue, body, BasicProperties(priority=priority))


def test_higher_priorities_come_first_and_equals_in_their_order(channel):
    queue = declare(channel)
    publish(channel, queue, (b"a", 1), (b"b", 3), (b"c", None), (b"d", 3), (b"e", 0), (b"f", 5))

    assert get_all(channel, queue) == [b"f", b"b", b"d", b"a", b"c", b"e"]


def test_priorities_beyond_the_highest_are_the_highest(channel):
    queue = declare(channel)
    publish(channel, queue, (b"a", 5), (b"b", 255), (b"c", 6), (b"d", 4))

    assert get_all(channel, queue) == [b"a", b"b", b"c", b"d"]


def test_what_comes_back_goes_to_its_place(channel):
    queue = declare(channel)
    publish(channel, queue, (b"low", 1), (b"high", 2), (b"low too", 1))
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in range(2)]
    publish(channel, queue, (b"high too", 2))
    for tag in tags:
        channel.basic_nack(tag)

    found = [channel.basic_get(queue, auto_ack=True) for _ in range(4)]
    assert [(body, method.redelivered) for method, _, body in found] == [
        (b"high", True),
        (b"high too", False),
        (b"low", True),
        (b"low too", False),
    ]


def test_the_first_goes_from_a_full_queue_though_its_priority_is_high(channel):
    queue = declare(channel, x_max_length=2)
    publish(channel, queue, (b"low", 1), (b"high", 3), (b"middle", 2))

    assert get_all(channel, queue) == [b"middle", b"low"]


def test_messages_expire_in_the_order_of_delivery(channel):
    queue = declare(channel)
    for body, priority, expiration in [(b"low", 1, "1"), (b"high", 2, "600000")]:
        channel.basic_publish(
            "", queue, body, BasicProperties(priority=priority, expiration=expiration)
        )
    # The one behind the first is not looked at until it is first.
    method, _, body = channel.basic_get(queue)
    assert body == b"high"
    wait_until(lambda: ready_count(channel, queue) == 0)
    channel.basic_ack(method.delivery_tag)


def test_purge_and_count_see_all_priorities(channel):
    queue = declare(channel)
    publish(channel, queue, (b"a", 1), (b"b", 3), (b"c", None))
    assert ready_count(channel, queue) == 3
    assert channel.queue_purge(queue).method.message_count == 3
    assert ready_count(channel, queue) == 0


@pytest.mark.parametrize("durable", [False, True])
def test_consumers_get_what_is_first_when_they_have_room(channel, durable):
    name = f"priority.consume.{durable}"
    channel.queue_declare(name, durable=durable, arguments={"x-max-priority": 2})
    try:
        for number in range(20):
            channel.basic_publish(
                "",
                name,
                b"%d" % number,
                BasicProperties(priority=number % 3, delivery_mode=2 if durable else 1),
            )
        wait_until(lambda: ready_count(channel, name) == 20)
        channel.basic_qos(prefetch_count=1)
        came = []
        for method, _, body in channel.consume(name):
            came.append(int(body))
            channel.basic_ack(method.delivery_tag)
            if len(came) == 20:
                break
        channel.cancel()
        assert came == sorted(range(20), key=lambda number: (-(number % 3), number))
    finally:
        channel.queue_delete(name)


def test_priorities_survive_a_restart(broker, connect):
    first = connect()
    name = "priority.restart"
    first.channel().queue_declare(name, durable=True, arguments={"x-max-priority": 4})
    channel = first.channel()
    channel.confirm_delivery()
    for number in range(12):
        channel.basic_publish(
            "", name, b"%d" % number, BasicProperties(priority=number % 6, delivery_mode=2)
        )
    first.close()

    broker.restart()

    channel = connect().channel()
    channel.queue_declare(name, passive=True)
    expected = sorted(range(12), key=lambda number: (-min(number % 6, 4), number))
    assert [int(body) for body in get_all(channel, name)] == expected
    channel.queue_delete(name)
