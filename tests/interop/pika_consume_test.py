# SPDX-License-Identifier: Apache-2.0
"""Consuming with pika: who gets what, how much at once, and how it ends."""

import pytest

from expectations import (
    Inbox,
    channel_closed,
    connection_closed,
    get_all,
    publish,
    ready_count,
    wait_until,
)


@pytest.fixture
def queue(channel, name):
    queue = name("queue")
    channel.queue_declare(queue)
    yield queue
    if channel.is_open:
        channel.queue_delete(queue)


def bodies(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


def wait_for_shares(channel, queue: str, ready: int, shares: dict[Inbox, int]) -> None:
    """Waits until each consumer has its share and the rest is ready; that accounts for all."""
    wait_until(
        lambda: ready_count(channel, queue) == ready
        and all(len(inbox.messages) == share for inbox, share in shares.items()),
        channel.connection,
    )


def test_a_consumer_gets_what_is_there_and_what_comes_in_order(channel, queue):
    publish(channel, queue, *bodies(3))
    inbox = Inbox(channel, queue)
    inbox.wait_for(3)
    publish(channel, queue, *bodies(3, first=3))

    inbox.wait_for(6)

    assert inbox.messages == [(body, False, tag) for tag, body in enumerate(bodies(6), start=1)]


def test_a_delivery_says_where_it_came_from(channel, queue):
    seen = []
    channel.queue_bind(queue, "amq.topic", "a.#")
    tag = channel.basic_consume(queue, lambda *message: seen.append(message), consumer_tag="mine")
    assert tag == "mine"

    publish(channel, "a.b", b"x", exchange="amq.topic")
    wait_until(lambda: seen, channel.connection)

    method = seen[0][1]
    assert (method.exchange, method.routing_key) == ("amq.topic", "a.b")
    assert method.consumer_tag == "mine"
    assert (method.delivery_tag, method.redelivered) == (1, False)


def test_auto_ack_leaves_nothing_to_come_back(connection, channel, queue):
    publish(channel, queue, *bodies(3))
    consuming = connection.channel()
    Inbox(consuming, queue, auto_ack=True).wait_for(3)

    consuming.close()

    assert ready_count(channel, queue) == 0


def test_a_cancelled_consumer_gets_no_more_and_keeps_what_it_has(connection, channel, queue):
    publish(channel, queue, b"out")
    consuming = connection.channel()
    inbox = Inbox(consuming, queue)
    inbox.wait_for(1)

    consuming.basic_cancel(inbox.tag)
    publish(channel, queue, b"after")

    assert get_all(channel, queue) == [b"after"]
    consuming.basic_ack(inbox.delivery_tags[0])
    consuming.close()
    assert ready_count(channel, queue) == 0


def test_deleting_the_queue_cancels_its_consumers(connect, name):
    queue = name("doomed")
    consuming, deleting = connect(), connect()
    channel = consuming.channel()
    channel.queue_declare(queue)
    cancelled = []
    channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
    tags = {Inbox(channel, queue).tag, Inbox(channel, queue).tag}

    deleting.channel().queue_delete(queue)
    wait_until(lambda: len(cancelled) == 2, consuming)

    assert set(cancelled) == tags
    assert channel.is_open


def test_consumers_take_turns(connection, channel, queue):
    inboxes = [Inbox(connection.channel(), queue) for _ in range(3)]

    publish(channel, queue, *bodies(9))
    wait_until(lambda: sum(len(inbox.messages) for inbox in inboxes) == 9, connection)

    assert sorted(len(inbox.messages) for inbox in inboxes) == [3, 3, 3]
    for inbox in inboxes:
        numbers = [int(body) for body in inbox.bodies]
        assert [number - numbers[0] for number in numbers] == [0, 3, 6]


def test_a_consumer_without_credit_is_skipped(connection, channel, queue):
    limited, unlimited = connection.channel(), connection.channel()
    limited.basic_qos(prefetch_count=1)
    few = Inbox(limited, queue)
    many = Inbox(unlimited, queue)

    publish(channel, queue, *bodies(10))
    wait_until(lambda: len(few.messages) + len(many.messages) == 10, connection)

    assert (len(few.messages), len(many.messages)) == (1, 9)


def test_prefetch_count_is_per_consumer(connection, channel, queue):
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=2)
    first, second = Inbox(consuming, queue), Inbox(consuming, queue)

    publish(channel, queue, *bodies(10))
    wait_for_shares(channel, queue, 6, {first: 2, second: 2})

    consuming.basic_ack(first.delivery_tags[0])
    wait_for_shares(channel, queue, 5, {first: 3, second: 2})


def test_prefetch_count_holds_for_consumers_that_come_after_it(connection, channel, queue):
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=1)
    before = Inbox(consuming, queue)
    consuming.basic_qos(prefetch_count=3)
    after = Inbox(consuming, queue)

    publish(channel, queue, *bodies(10))
    wait_for_shares(channel, queue, 6, {before: 1, after: 3})


def test_global_prefetch_is_shared_by_the_channel(connection, channel, queue):
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=3, global_qos=True)
    first, second = Inbox(consuming, queue), Inbox(consuming, queue)

    publish(channel, queue, *bodies(10))
    wait_until(
        lambda: (
            ready_count(channel, queue) == 7 and len(first.messages) + len(second.messages) == 3
        ),
        connection,
    )

    consuming.basic_qos(prefetch_count=5, global_qos=True)  # More credit, at once.
    wait_until(lambda: ready_count(channel, queue) == 5, connection)


def test_both_prefetch_counts_hold_together(connection, channel, queue):
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=2)
    consuming.basic_qos(prefetch_count=3, global_qos=True)
    first = Inbox(consuming, queue)

    publish(channel, queue, *bodies(10))
    wait_for_shares(channel, queue, 8, {first: 2})
    second = Inbox(consuming, queue)
    wait_for_shares(channel, queue, 7, {first: 2, second: 1})


def test_a_prefetch_count_per_consumer_lifts_the_shared_one_set_before(connection, channel, queue):
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=3, global_qos=True)
    consuming.basic_qos(prefetch_count=2)
    first, second = Inbox(consuming, queue), Inbox(consuming, queue)

    publish(channel, queue, *bodies(10))
    wait_for_shares(channel, queue, 6, {first: 2, second: 2})


def test_prefetch_size_is_not_implemented(channel):
    with connection_closed(540, "NOT_IMPLEMENTED - prefetch_size!=0 (4096)"):
        channel.basic_qos(prefetch_size=4096)


def test_an_exclusive_consumer_is_alone(connection, channel, queue):
    text = f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use"
    alone = Inbox(channel, queue, exclusive=True)

    with channel_closed(403, text):
        Inbox(connection.channel(), queue)

    channel.basic_cancel(alone.tag)
    not_alone = Inbox(channel, queue)
    with channel_closed(403, text):
        Inbox(connection.channel(), queue, exclusive=True)
    publish(channel, queue, b"served")
    assert not_alone.wait_for(1) == [b"served"]


def test_higher_priorities_are_served_first_and_others_when_those_are_full(
    connection, channel, queue
):
    def consumer(priority: int | None) -> Inbox:
        consuming = connection.channel()
        consuming.basic_qos(prefetch_count=2)
        arguments = {} if priority is None else {"x-priority": priority}
        return Inbox(consuming, queue, arguments=arguments)

    negative, plain, high = consumer(-5), consumer(None), consumer(10)

    publish(channel, queue, b"0", b"1")
    high.wait_for(2)
    publish(channel, queue, b"2", b"3")
    plain.wait_for(2)
    publish(channel, queue, b"4", b"5")
    negative.wait_for(2)
    publish(channel, queue, b"6")
    wait_for_shares(channel, queue, 1, {high: 2, plain: 2, negative: 2})

    plain.channel.basic_ack(plain.delivery_tags[0])
    assert plain.wait_for(3) == [b"2", b"3", b"6"]


def test_a_consumer_tag_is_used_once_on_a_channel(connect, name):
    channel, queue = connect().channel(), name("queue")
    channel.queue_declare(queue, auto_delete=True)
    Inbox(channel, queue, consumer_tag="twice")

    # pika itself refuses the second use, unless it does not know of the first.
    channel._consumer_infos.clear()
    channel._impl._consumers.clear()
    with connection_closed(530, "NOT_ALLOWED - attempt to reuse consumer tag 'twice'"):
        Inbox(channel, queue, consumer_tag="twice")


def test_the_same_consumer_tag_on_another_channel_is_another_consumer(connection, channel, queue):
    first = Inbox(channel, queue, consumer_tag="same")
    second = Inbox(connection.channel(), queue, consumer_tag="same")

    publish(channel, queue, b"0", b"1")

    wait_until(lambda: (len(first.messages), len(second.messages)) == (1, 1), connection)


def test_a_channel_may_consume_a_queue_often(channel, queue):
    inboxes = [Inbox(channel, queue) for _ in range(20)]

    publish(channel, queue, *bodies(40))
    wait_until(lambda: sum(len(inbox.messages) for inbox in inboxes) == 40, channel.connection)

    assert [len(inbox.messages) for inbox in inboxes] == [2] * 20


def test_direct_reply_to_answers_the_one_who_asked(connection, channel, queue):
    answers = Inbox(channel, "amq.rabbitmq.reply-to", auto_ack=True)
    publish(channel, queue, b"question", reply_to="amq.rabbitmq.reply-to")
    serving = connection.channel()
    method, properties, body = serving.basic_get(queue, auto_ack=True)
    assert body == b"question"
    assert properties.reply_to.startswith("amq.rabbitmq.reply-to.")

    publish(serving, properties.reply_to, b"answer")

    assert answers.wait_for(1) == [b"answer"]
