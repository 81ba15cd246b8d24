# SPDX-License-Identifier: Apache-2.0
"""Many connections at once, with pika in threads: nothing is lost, doubled or out of order."""

import threading

import pika
import pytest

from expectations import Inbox, publish, ready_count, wait_until

PUBLISHERS = 8
MESSAGES_EACH = 500
TOTAL = PUBLISHERS * MESSAGES_EACH


def publish_from_many_connections(
    broker, queues: list[str], *, confirm: bool
) -> list[threading.Thread]:
    """Starts PUBLISHERS threads; each sends "<publisher> <number>" in order, its own to each queue.

    A thread ends when the broker has everything it sent; with `confirm`, each by each.
    """

    def publish_all(publisher: int) -> None:
        with pika.BlockingConnection(
            pika.ConnectionParameters(broker.host, broker.port)
        ) as connection:
            channel = connection.channel()
            if confirm:
                channel.confirm_delivery()
            for number in range(MESSAGES_EACH):
                publish(channel, queues[number % len(queues)], b"%d %d" % (publisher, number))

    threads = [threading.Thread(target=publish_all, args=(number,)) for number in range(PUBLISHERS)]
    for thread in threads:
        thread.start()
    return threads


def assert_each_publishers_order(bodies: list[bytes]) -> None:
    latest = dict.fromkeys(range(PUBLISHERS), -1)
    for body in bodies:
        publisher, number = (int(part) for part in body.split())
        assert number > latest[publisher], f"{body} came after {latest[publisher]}"
        latest[publisher] = number


@pytest.mark.parametrize("confirm", [False, True], ids=["unconfirmed", "confirmed"])
def test_one_consumer_sees_each_publishers_messages_in_order(
    broker, connection, channel, name, confirm
):
    queue = name("ordered")
    channel.queue_declare(queue, auto_delete=True)
    inbox = Inbox(channel, queue, auto_ack=True)

    threads = publish_from_many_connections(broker, [queue], confirm=confirm)
    bodies = inbox.wait_for(TOTAL)
    for thread in threads:
        thread.join()

    assert len(bodies) == len(set(bodies)) == TOTAL
    assert_each_publishers_order(bodies)


def test_consumers_on_many_connections_share_without_loss_or_double(broker, connect, channel, name):
    queue = name("shared")
    channel.queue_declare(queue)
    inboxes = []
    for _ in range(4):
        consuming = connect().channel()
        consuming.basic_qos(prefetch_count=10)
        inboxes.append(Inbox(consuming, queue))
    threads = publish_from_many_connections(broker, [queue], confirm=False)

    settled = [0] * len(inboxes)

    def all_are_settled() -> bool:
        for index, inbox in enumerate(inboxes):
            tags = inbox.delivery_tags
            if len(tags) > settled[index]:
                settled[index] = len(tags)
                inbox.channel.basic_ack(tags[-1], multiple=True)
        return sum(settled) == TOTAL

    wait_until(all_are_settled, *[inbox.channel.connection for inbox in inboxes])
    for thread in threads:
        thread.join()

    bodies = [body for inbox in inboxes for body in inbox.bodies]
    assert len(set(bodies)) == TOTAL
    for inbox in inboxes:
        assert_each_publishers_order(inbox.bodies)
        inbox.channel.connection.close()
    assert ready_count(channel, queue) == 0
    channel.queue_delete(queue)


def test_many_queues_fill_from_many_connections(broker, connect, channel, name):
    # Each queue is declared by a connection of its own, so that their homes differ.
    queues = [name("many") for _ in range(5)]
    for queue in queues:
        connect().channel().queue_declare(queue)

    for thread in publish_from_many_connections(broker, queues, confirm=True):
        thread.join()

    for queue in queues:
        assert ready_count(channel, queue) == TOTAL // len(queues)
        inbox = Inbox(channel, queue, auto_ack=True)
        assert_each_publishers_order(inbox.wait_for(TOTAL // len(queues)))
        channel.queue_delete(queue)


def test_a_fanout_gives_each_queue_everything_in_order(broker, connect, channel, name):
    exchange = name("everyone")
    channel.exchange_declare(exchange, "fanout")
    inboxes = []
    for _ in range(6):
        consuming = connect().channel()
        queue = consuming.queue_declare("", exclusive=True).method.queue
        consuming.queue_bind(queue, exchange)
        inboxes.append(Inbox(consuming, queue, auto_ack=True))
    bodies = [b"%d" % number for number in range(1000)]

    publish(channel, "", *bodies, exchange=exchange)

    for inbox in inboxes:
        assert inbox.wait_for(len(bodies)) == bodies
    channel.exchange_delete(exchange)
