# SPDX-License-Identifier: Apache-2.0
"""Alarms with pika: who is blocked and told, who is not, and that nothing is lost by it."""

import time

import pika
import pytest

from expectations import EVENT_SECONDS_MAX, Inbox, publish, ready_count, wait_until


MEMORY = ("set_vm_memory_high_watermark", "0")
DISK = ("set_disk_free_limit", "1000000GB")
CLEARED_BY = {
    MEMORY: ("set_vm_memory_high_watermark", "0.4"),
    DISK: ("set_disk_free_limit", "50MB"),
}


class Blockable:
    """A connection with a queue of its own, and what it is told of alarms."""

    def __init__(self, connection: pika.BlockingConnection):
        self.connection = connection
        self.told: list[str] = []
        connection.add_on_connection_blocked_callback(
            lambda _, frame: self.told.append(frame.method.reason)
        )
        connection.add_on_connection_unblocked_callback(lambda *_: self.told.append("unblocked"))
        self.channel = connection.channel()
        self.queue = self.channel.queue_declare("").method.queue

    def wait_until_told(self, *texts: str) -> None:
        deadline = time.monotonic() + EVENT_SECONDS_MAX
        while len(self.told) < len(texts) and time.monotonic() < deadline:
            self.connection.process_data_events(time_limit=0.05)
        assert self.told == list(texts)


@pytest.fixture
def blockable(connect):
    return lambda **parameters: Blockable(connect(**parameters))


@pytest.fixture
def alarm(broker):
    """Raises alarms, and waits until every connection that is open knows of them."""

    def states() -> set[str]:
        return set(broker.ctl("--silent", "list_connections", "state").split())

    raised = set()

    def raise_alarm(*limit: str) -> None:
        raised.add(limit)
        broker.ctl(*limit)
        wait_until(lambda: states() <= {"blocking", "blocked"})

    def clear() -> None:
        for limit in raised:
            broker.ctl(*CLEARED_BY[limit])
        if raised:
            wait_until(lambda: not states() & {"blocking", "blocked"})
        raised.clear()

    raise_alarm.clear = clear
    yield raise_alarm
    clear()


@pytest.mark.parametrize("limit, reason", [(MEMORY, "low on memory"), (DISK, "low on disk")])
def test_a_publisher_is_told_and_its_messages_wait(blockable, channel, alarm, limit, reason):
    publisher = blockable()
    alarm(*limit)

    publish(publisher.channel, publisher.queue, b"1", b"2")
    publisher.wait_until_told(reason)

    assert ready_count(channel, publisher.queue) == 0
    alarm.clear()
    publisher.wait_until_told(reason, "unblocked")
    wait_until(lambda: ready_count(channel, publisher.queue) == 2)


def test_a_reason_names_all_alarms(blockable, alarm):
    publisher = blockable()
    alarm(*MEMORY)
    alarm(*DISK)

    publish(publisher.channel, publisher.queue, b"x")

    publisher.wait_until_told("low on disk & memory")


def test_a_consumer_is_not_blocked(blockable, channel, alarm):
    consumer = blockable()
    publish(channel, consumer.queue, b"1", b"2")
    consumer.channel.basic_qos(prefetch_count=1)
    alarm(*MEMORY)

    inbox = Inbox(consumer.channel, consumer.queue)
    assert inbox.wait_for(1) == [b"1"]
    consumer.channel.basic_ack(inbox.delivery_tags[0])

    assert inbox.wait_for(2) == [b"1", b"2"]
    assert consumer.told == []


def test_a_connection_that_is_opened_during_an_alarm_is_blocked_when_it_publishes(
    blockable, alarm
):
    alarm(*MEMORY)
    publisher = blockable()

    publish(publisher.channel, publisher.queue, b"x")

    publisher.wait_until_told("low on memory")


def test_what_was_held_comes_in_its_order(blockable, alarm):
    publisher = blockable()
    bodies = [b"%d" % number for number in range(300)]
    alarm(*MEMORY)

    publish(publisher.channel, publisher.queue, *bodies)
    publisher.wait_until_told("low on memory")
    alarm.clear()
    publisher.wait_until_told("low on memory", "unblocked")

    assert Inbox(publisher.channel, publisher.queue).wait_for(300) == bodies


def test_pika_gives_up_when_it_is_blocked_for_too_long(blockable, alarm):
    publisher = blockable(blocked_connection_timeout=0.2)
    alarm(*MEMORY)
    publish(publisher.channel, publisher.queue, b"x")

    deadline = time.monotonic() + EVENT_SECONDS_MAX
    with pytest.raises(pika.exceptions.ConnectionBlockedTimeout):
        while time.monotonic() < deadline:
            publisher.connection.process_data_events(time_limit=0.05)


def test_a_blocked_connection_consumes_and_acknowledges(broker, blockable, channel, alarm):
    if broker.kind == "rabbitmq":
        pytest.skip("RabbitMQ reads nothing from a blocked connection, not even acks")
    client = blockable()
    publish(channel, client.queue, b"1", b"2", b"3")
    client.channel.basic_qos(prefetch_count=1)
    inbox = Inbox(client.channel, client.queue)
    inbox.wait_for(1)
    out = client.channel.queue_declare("").method.queue
    alarm(*MEMORY)
    publish(client.channel, out, b"held")
    client.wait_until_told("low on memory")

    for count in (1, 2, 3):
        assert len(inbox.wait_for(count)) == count
        client.channel.basic_ack(inbox.delivery_tags[count - 1])

    assert ready_count(channel, out) == 0
    alarm.clear()
    wait_until(lambda: ready_count(channel, out) == 1)
