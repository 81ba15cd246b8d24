# SPDX-License-Identifier: Apache-2.0
"""Settling with pika: get, ack, nack, reject, recover; what comes back, in its order, marked."""

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
def queue(channel):
    return channel.queue_declare("", exclusive=True).method.queue


def get(channel, queue: str) -> tuple[bytes, bool, int]:
    """One message by basic.get: (body, redelivered, delivery_tag)."""
    method, _, body = channel.basic_get(queue)
    assert method is not None, "the queue is empty"
    return body, method.redelivered, method.delivery_tag


def test_get_says_what_is_left(channel, queue):
    publish(channel, queue, b"1", b"2", b"3")

    method, _, body = channel.basic_get(queue)

    assert (body, method.message_count, method.delivery_tag) == (b"1", 2, 1)
    assert (method.exchange, method.routing_key, method.redelivered) == ("", queue, False)


def test_get_from_an_empty_queue_is_empty(channel, queue):
    assert channel.basic_get(queue) == (None, None, None)


def test_get_is_not_bound_by_prefetch(channel, queue):
    channel.basic_qos(prefetch_count=1)
    publish(channel, queue, b"1", b"2", b"3")

    assert [get(channel, queue)[0] for _ in range(3)] == [b"1", b"2", b"3"]


def test_unacked_messages_come_back_in_their_place_and_marked(connection, channel, queue):
    publish(channel, queue, b"1", b"2", b"3", b"4")
    holding = connection.channel()
    assert [get(holding, queue)[0] for _ in range(3)] == [b"1", b"2", b"3"]

    holding.close()

    returned = [get(channel, queue)[:2] for _ in range(4)]
    assert returned == [(b"1", True), (b"2", True), (b"3", True), (b"4", False)]


def test_what_is_acked_does_not_come_back(connection, channel, queue):
    publish(channel, queue, b"1", b"2", b"3")
    holding = connection.channel()
    tags = [get(holding, queue)[2] for _ in range(3)]

    holding.basic_ack(tags[1])
    holding.close()

    assert get_all(channel, queue) == [b"1", b"3"]


def test_ack_multiple_settles_up_to_its_tag(connection, channel, queue):
    publish(channel, queue, b"1", b"2", b"3")
    holding = connection.channel()
    tags = [get(holding, queue)[2] for _ in range(3)]

    holding.basic_ack(tags[1], multiple=True)
    holding.close()

    assert get_all(channel, queue) == [b"3"]


def test_ack_multiple_of_zero_settles_all(connection, channel, queue):
    publish(channel, queue, b"1", b"2", b"3")
    holding = connection.channel()
    for _ in range(3):
        get(holding, queue)

    holding.basic_ack(0, multiple=True)
    holding.basic_ack(0, multiple=True)  # All of nothing is fine too.
    holding.close()

    assert ready_count(channel, queue) == 0


def test_reject_requeues_in_place(channel, queue):
    publish(channel, queue, b"1", b"2", b"3")
    tags = [get(channel, queue)[2] for _ in range(2)]

    channel.basic_reject(tags[0], requeue=True)

    assert get(channel, queue)[:2] == (b"1", True)
    assert get(channel, queue)[:2] == (b"3", False)


def test_reject_without_requeue_drops(connection, channel, queue):
    publish(channel, queue, b"1", b"2")
    holding = connection.channel()

    holding.basic_reject(get(holding, queue)[2], requeue=False)
    holding.close()

    assert get_all(channel, queue) == [b"2"]


def test_nack_multiple_requeues_in_order(channel, queue):
    publish(channel, queue, b"1", b"2", b"3", b"4", b"5")
    tags = [get(channel, queue)[2] for _ in range(4)]

    channel.basic_nack(tags[2], multiple=True, requeue=True)

    returned = [get(channel, queue)[:2] for _ in range(4)]
    assert returned == [(b"1", True), (b"2", True), (b"3", True), (b"5", False)]


def test_nack_out_of_order_still_restores_order(channel, queue):
    publish(channel, queue, b"1", b"2", b"3", b"4")
    tags = [get(channel, queue)[2] for _ in range(3)]

    for tag in (tags[2], tags[0], tags[1]):
        channel.basic_nack(tag, requeue=True)

    assert [get(channel, queue)[0] for _ in range(4)] == [b"1", b"2", b"3", b"4"]


def test_nack_multiple_without_requeue_drops(connection, channel, queue):
    publish(channel, queue, b"1", b"2", b"3")
    holding = connection.channel()
    tags = [get(holding, queue)[2] for _ in range(3)]

    holding.basic_nack(tags[1], multiple=True, requeue=False)
    holding.close()

    assert get_all(channel, queue) == [b"3"]


def test_what_a_consumer_nacks_goes_to_another_consumer(connection, channel, queue):
    refusing, taking = connection.channel(), connection.channel()
    refusing.basic_qos(prefetch_count=1)
    first = Inbox(refusing, queue)
    publish(channel, queue, b"hot")
    first.wait_for(1)
    second = Inbox(taking, queue)
    refusing.basic_cancel(first.tag)

    refusing.basic_nack(first.delivery_tags[0])
    second.wait_for(1)

    assert second.messages == [(b"hot", True, 1)]


def test_what_a_consumer_rejects_may_come_to_it_again(channel, queue):
    inbox = Inbox(channel, queue)
    publish(channel, queue, b"again")
    inbox.wait_for(1)

    channel.basic_reject(inbox.delivery_tags[0])
    inbox.wait_for(2)

    assert inbox.messages == [(b"again", False, 1), (b"again", True, 2)]


def test_recover_requeues_all_that_is_out(channel, queue):
    inbox = Inbox(channel, queue)
    publish(channel, queue, b"1", b"2", b"3")
    inbox.wait_for(3)
    channel.basic_ack(inbox.delivery_tags[1])

    channel.basic_recover(requeue=True)
    inbox.wait_for(5)

    assert inbox.messages[3:] == [(b"1", True, 4), (b"3", True, 5)]


def test_recover_without_requeue_is_not_implemented(channel):
    with connection_closed(540, "NOT_IMPLEMENTED - requeue=false"):
        channel.basic_recover(requeue=False)


def test_delivery_tags_count_on_through_get_and_consume(channel, queue):
    publish(channel, queue, b"1", b"2", b"3")
    assert get(channel, queue)[2] == 1

    inbox = Inbox(channel, queue)
    inbox.wait_for(2)

    assert inbox.delivery_tags == [2, 3]


@pytest.mark.parametrize("verb", ["basic_ack", "basic_nack", "basic_reject"])
def test_settling_twice_closes_the_channel(channel, queue, verb):
    publish(channel, queue, b"1")
    tag = get(channel, queue)[2]
    channel.basic_ack(tag)

    with channel_closed(406, "PRECONDITION_FAILED - unknown delivery tag 1"):
        getattr(channel, verb)(tag)
        ready_count(channel, queue)


def test_a_tag_belongs_to_its_channel(connection, channel, queue):
    publish(channel, queue, b"1")
    tag = get(channel, queue)[2]

    with channel_closed(406, f"PRECONDITION_FAILED - unknown delivery tag {tag}"):
        other = connection.channel()
        other.basic_ack(tag)
        ready_count(other, queue)

    channel.basic_ack(tag)
    channel.close()
    assert get_all(connection.channel(), queue) == []


def test_what_was_acked_before_an_error_stays_acked(connection, channel, queue):
    publish(channel, queue, b"1", b"2")
    failing = connection.channel()
    failing.basic_ack(get(failing, queue)[2])
    get(failing, queue)

    with channel_closed(406, "PRECONDITION_FAILED - unknown delivery tag 99"):
        failing.basic_ack(99)
        ready_count(failing, queue)

    assert get(channel, queue)[:2] == (b"2", True)


def test_messages_of_a_connection_that_vanishes_come_back(connect, channel, name, relay):
    queue = name("shared")
    channel.queue_declare(queue, auto_delete=True)
    publish(channel, queue, b"1", b"2")
    vanishing = connect(port=relay.port)
    Inbox(vanishing.channel(), queue).wait_for(2)
    inbox = Inbox(channel, queue)

    relay.cut()  # The sockets go, nothing is said.
    inbox.wait_for(2)

    assert [message[:2] for message in inbox.messages] == [(b"1", True), (b"2", True)]


def test_acks_free_credit_one_by_one(connection, channel, queue):
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=1)
    inbox = Inbox(consuming, queue)
    publish(channel, queue, *[b"%d" % number for number in range(50)])

    for count in range(1, 51):
        inbox.wait_for(count)
        consuming.basic_ack(inbox.delivery_tags[-1])

    wait_until(lambda: ready_count(channel, queue) == 0, connection)
    assert inbox.bodies == [b"%d" % number for number in range(50)]
