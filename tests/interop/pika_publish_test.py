# SPDX-License-Identifier: Apache-2.0
"""Publishing with pika: what a message carries, returns, publisher confirms, transactions."""

import datetime
import decimal

import pika
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

FRAME_MAX = 131072


@pytest.fixture
def queue(channel):
    return channel.queue_declare("", exclusive=True).method.queue


# Around the ends of one and several frames; a body frame carries frame_max less 8 octets.
@pytest.mark.parametrize(
    "size",
    [0, 1, FRAME_MAX - 9, FRAME_MAX - 8, FRAME_MAX - 7, 2 * (FRAME_MAX - 8), 1 << 20, 5_000_001],
)
def test_a_body_of_any_size_comes_back_whole(channel, queue, size):
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    publish(channel, queue, body)

    _, _, received = channel.basic_get(queue, auto_ack=True)

    assert received == body


@pytest.mark.parametrize("frame_max", [4096, 8192, 65536])
def test_a_smaller_frame_max_cuts_in_both_directions(connect, frame_max):
    channel = connect(frame_max=frame_max).channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    body = bytes(range(256)) * 300
    inbox = Inbox(channel, queue)

    publish(channel, queue, body, body)

    assert inbox.wait_for(2) == [body, body]


def test_all_properties_come_back_as_they_were(channel, queue):
    properties = {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
        "priority": 5,
        "correlation_id": "c-1",
        "reply_to": "answers",
        "expiration": "600000",
        "message_id": "m-1",
        "timestamp": 1700000000,
        "type": "order",
        "user_id": "guest",
        "app_id": "shop",
        "cluster_id": "here",
    }
    publish(channel, queue, b"", **properties)

    _, received, _ = channel.basic_get(queue, auto_ack=True)

    assert {name: getattr(received, name) for name in properties} == properties
    assert received.headers is None


def test_a_message_without_properties_comes_back_without(channel, queue):
    publish(channel, queue, b"bare")

    _, received, _ = channel.basic_get(queue, auto_ack=True)

    assert received == pika.BasicProperties()


# One of each kind that pika can write. No long negative integer: pika 1.2 reads those as unsigned.
HEADER_VALUES = {
    "text": "gr\u00fc\u00dfe",
    "empty text": "",
    "long text": "x" * 70000,
    "octets": b"\x00\xff\x80",
    "true": True,
    "false": False,
    "integer": 42,
    "negative": -2147483648,
    "long integer": 1 << 40,
    "longest": (1 << 63) - 1,
    "decimal": decimal.Decimal("-12.34"),
    "whole decimal": decimal.Decimal("7"),
    "time": datetime.datetime(2024, 2, 29, 12, 30, 1),
    "nothing": None,
    "list": [1, "two", [3, None], {"four": 4}],
    "empty list": [],
    "table": {"a": 1, "b": {"c": [True, {"d": "e"}]}},
    "empty table": {},
}


def test_every_kind_of_header_value_comes_back_as_it_was(channel, queue):
    publish(channel, queue, b"", headers=HEADER_VALUES)

    _, received, _ = channel.basic_get(queue, auto_ack=True)

    assert received.headers == HEADER_VALUES


def test_publishing_to_an_exchange_that_is_not_there_closes_the_channel(channel, queue, name):
    exchange = name("absent")

    with channel_closed(404, f"NOT_FOUND - no exchange '{exchange}' in vhost '/'"):
        publish(channel, "k", b"lost", exchange=exchange)
        ready_count(channel, queue)


def test_a_user_id_must_be_the_users_own(channel, queue):
    with channel_closed(
        406,
        "PRECONDITION_FAILED - user_id property set to 'somebody' "
        "but authenticated user was 'guest'",
    ):
        publish(channel, queue, b"forged", user_id="somebody")
        ready_count(channel, queue)


def test_an_expiration_must_be_a_number(channel, queue):
    with channel_closed(
        406, "PRECONDITION_FAILED - invalid expiration '1s': {leftover_string,\"s\"}"
    ):
        publish(channel, queue, b"never", expiration="1s")
        ready_count(channel, queue)


def test_mandatory_returns_what_has_no_queue(channel, connection):
    returned = []
    channel.add_on_return_callback(lambda _, *message: returned.append(message))

    channel.basic_publish("amq.direct", "nowhere", b"dropped")
    channel.basic_publish(
        "amq.direct", "nowhere", b"back", pika.BasicProperties(message_id="7"), mandatory=True
    )
    wait_until(lambda: returned, connection)

    ((method, properties, body),) = returned
    assert (method.reply_code, method.reply_text) == (312, "NO_ROUTE")
    assert (method.exchange, method.routing_key) == ("amq.direct", "nowhere")
    assert (properties.message_id, body) == ("7", b"back")


def test_a_confirmed_publish_returns_when_the_queue_has_the_message(channel, queue):
    channel.confirm_delivery()
    publish(channel, queue, b"1", b"2", b"3", delivery_mode=2)

    assert get_all(channel, queue) == [b"1", b"2", b"3"]


def test_a_confirmed_mandatory_publish_without_a_queue_is_unroutable(channel):
    channel.confirm_delivery()

    with pytest.raises(pika.exceptions.UnroutableError) as raised:
        channel.basic_publish("amq.direct", "nowhere", b"back", mandatory=True)

    (returned,) = raised.value.messages
    assert (returned.method.reply_code, returned.body) == (312, b"back")
    channel.basic_publish("amq.direct", "nowhere", b"confirmed and dropped")


def test_a_full_queue_that_rejects_sends_a_nack(channel):
    queue = channel.queue_declare(
        "", exclusive=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
    ).method.queue
    channel.confirm_delivery()
    publish(channel, queue, b"fits")

    with pytest.raises(pika.exceptions.NackError):
        publish(channel, queue, b"does not")

    assert get_all(channel, queue) == [b"fits"]


def test_a_transaction_shows_nothing_before_its_commit(channel, queue):
    channel.tx_select()
    publish(channel, queue, b"1", b"2")
    assert get_all(channel, queue) == []

    channel.tx_commit()

    assert get_all(channel, queue) == [b"1", b"2"]


def test_a_rollback_forgets_publishes_and_acks(connection, channel, queue):
    publish(channel, queue, b"there before")
    transaction = connection.channel()
    transaction.tx_select()
    method, _, _ = transaction.basic_get(queue)
    transaction.basic_ack(method.delivery_tag)
    publish(transaction, queue, b"never was")

    transaction.tx_rollback()
    transaction.close()

    assert get_all(channel, queue) == [b"there before"]


def test_a_commit_settles_what_was_acked(connection, channel, queue):
    publish(channel, queue, b"acked", b"not acked")
    transaction = connection.channel()
    transaction.tx_select()
    method, _, _ = transaction.basic_get(queue)
    transaction.basic_get(queue)
    transaction.basic_ack(method.delivery_tag)

    transaction.tx_commit()
    transaction.close()

    assert get_all(channel, queue) == [b"not acked"]


def test_a_commit_without_select_is_refused(connection):
    text = "PRECONDITION_FAILED - channel is not transactional"

    with channel_closed(406, text):
        connection.channel().tx_commit()
    with channel_closed(406, text):
        connection.channel().tx_rollback()


def test_a_channel_is_either_transactional_or_confirming(connection):
    with channel_closed(406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode"):
        channel = connection.channel()
        channel.confirm_delivery()
        channel.tx_select()
    with channel_closed(406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode"):
        channel = connection.channel()
        channel.tx_select()
        channel.confirm_delivery()


def test_publisher_flow_can_be_asked_for_and_not_refused(connect):
    channel = connect().channel()
    assert channel.flow(True) is True

    with connection_closed(540, "NOT_IMPLEMENTED - active=false"):
        channel.flow(False)
