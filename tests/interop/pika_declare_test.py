# SPDX-License-Identifier: Apache-2.0
"""Declaring, redeclaring, purging and deleting queues and exchanges, with pika."""

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


def test_a_server_named_queue_is_called_amq_gen_and_is_new_each_time(channel):
    first = channel.queue_declare("", exclusive=True).method
    second = channel.queue_declare("", exclusive=True).method

    assert first.queue.startswith("amq.gen-")
    assert first.queue != second.queue
    assert (first.message_count, first.consumer_count) == (0, 0)


def test_a_server_named_queue_can_be_looked_at_but_not_redeclared(channel):
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_declare(queue, passive=True)

    with channel_closed(
        403, f"ACCESS_REFUSED - queue name '{queue}' contains reserved prefix 'amq.*'"
    ):
        channel.queue_declare(queue, exclusive=True)


def test_declare_ok_counts_messages_and_consumers(channel, connect, name):
    queue = name("counted")
    channel.queue_declare(queue)
    publish(channel, queue, b"1", b"2", b"3")
    other = connect().channel()
    other.basic_qos(prefetch_count=1)
    Inbox(other, queue).wait_for(1)

    wait_until(lambda: ready_count(channel, queue) == 2)

    declared = channel.queue_declare(queue).method
    assert (declared.queue, declared.message_count, declared.consumer_count) == (queue, 2, 1)


def test_a_passive_declare_of_what_is_not_there_is_refused(connection, name):
    queue, exchange = name("absent"), name("absent")

    with channel_closed(404, f"NOT_FOUND - no queue '{queue}' in vhost '/'"):
        connection.channel().queue_declare(queue, passive=True)
    with channel_closed(404, f"NOT_FOUND - no exchange '{exchange}' in vhost '/'"):
        connection.channel().exchange_declare(exchange, passive=True)
    assert connection.is_open


def test_a_passive_declare_looks_at_the_name_only(channel, name):
    queue, exchange = name("there"), name("there")
    channel.queue_declare(queue, durable=True, arguments={"x-max-length": 7})
    channel.exchange_declare(exchange, "fanout", durable=True)

    channel.queue_declare(queue, passive=True, durable=False)
    channel.exchange_declare(exchange, "direct", passive=True)


# What is declared first, what then, and the part of the text that tells them apart.
INEQUIVALENT_QUEUES = {
    "durable": (
        {"durable": True},
        {"durable": False},
        "'durable' for queue '{}' in vhost '/': received 'false' but current is 'true'",
    ),
    "auto_delete": (
        {"auto_delete": False},
        {"auto_delete": True},
        "'auto_delete' for queue '{}' in vhost '/': received 'true' but current is 'false'",
    ),
    "argument absent before": (
        {},
        {"arguments": {"x-max-length": 5}},
        "'x-max-length' for queue '{}' in vhost '/': "
        "received the value '5' of type 'signedint' but current is none",
    ),
    "argument absent now": (
        {"arguments": {"x-max-length": 5}},
        {},
        "'x-max-length' for queue '{}' in vhost '/': "
        "received none but current is the value '5' of type 'signedint'",
    ),
    "argument of another value": (
        {"arguments": {"x-message-ttl": 1000}},
        {"arguments": {"x-message-ttl": 2000}},
        "'x-message-ttl' for queue '{}' in vhost '/': "
        "received '2000' but current is '1000'",
    ),
    "argument of text": (
        {"arguments": {"x-dead-letter-exchange": "here"}},
        {"arguments": {"x-dead-letter-exchange": "there"}},
        "'x-dead-letter-exchange' for queue '{}' in vhost '/': "
        "received 'there' but current is 'here'",
    ),
    "argument of another type": (
        {"arguments": {"x-max-priority": 1}},
        {"arguments": {"x-max-priority": True}},
        "'x-max-priority' for queue '{}' in vhost '/': received 'true' but current is '1'",
    ),
}


@pytest.mark.parametrize("case", INEQUIVALENT_QUEUES)
def test_an_inequivalent_queue_is_refused(channel, name, case):
    first, second, text = INEQUIVALENT_QUEUES[case]
    queue = name("declared-twice")
    channel.queue_declare(queue, **first)

    with channel_closed(406, f"PRECONDITION_FAILED - inequivalent arg {text.format(queue)}"):
        channel.queue_declare(queue, **second)


INEQUIVALENT_EXCHANGES = {
    "type": (
        {"exchange_type": "direct"},
        {"exchange_type": "topic"},
        "'type' for exchange '{}' in vhost '/': received 'topic' but current is 'direct'",
    ),
    "durable": (
        {"durable": True},
        {"durable": False},
        "'durable' for exchange '{}' in vhost '/': received 'false' but current is 'true'",
    ),
    "auto_delete": (
        {},
        {"auto_delete": True},
        "'auto_delete' for exchange '{}' in vhost '/': received 'true' but current is 'false'",
    ),
    "internal": (
        {"internal": True},
        {},
        "'internal' for exchange '{}' in vhost '/': received 'false' but current is 'true'",
    ),
    "alternate-exchange": (
        {"arguments": {"alternate-exchange": "amq.fanout"}},
        {"arguments": {"alternate-exchange": "amq.direct"}},
        "'alternate-exchange' for exchange '{}' in vhost '/': "
        "received 'amq.direct' but current is 'amq.fanout'",
    ),
}


@pytest.mark.parametrize("case", INEQUIVALENT_EXCHANGES)
def test_an_inequivalent_exchange_is_refused(channel, name, case):
    first, second, text = INEQUIVALENT_EXCHANGES[case]
    exchange = name("declared-twice")
    channel.exchange_declare(exchange, **first)

    with channel_closed(406, f"PRECONDITION_FAILED - inequivalent arg {text.format(exchange)}"):
        channel.exchange_declare(exchange, **second)


def test_an_argument_the_queue_does_not_know_is_kept_and_not_compared(channel, name):
    queue = name("arguments")
    channel.queue_declare(queue, arguments={"x-nobody-knows": 1})

    channel.queue_declare(queue, arguments={"x-nobody-knows": 2})
    channel.queue_declare(queue)


def test_names_that_begin_with_amq_are_the_brokers(connection, name):
    queue = name("amq.mine")

    with channel_closed(
        403, f"ACCESS_REFUSED - queue name '{queue}' contains reserved prefix 'amq.*'"
    ):
        connection.channel().queue_declare(queue)
    with channel_closed(
        403, f"ACCESS_REFUSED - exchange name '{queue}' contains reserved prefix 'amq.*'"
    ):
        connection.channel().exchange_declare(queue)


@pytest.mark.parametrize(
    "exchange, exchange_type",
    [
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.headers", "headers"),
        ("amq.match", "headers"),
    ],
)
def test_predeclared_exchanges_can_be_redeclared_and_not_deleted(channel, exchange, exchange_type):
    channel.exchange_declare(exchange, exchange_type, durable=True)

    with channel_closed(
        403, f"ACCESS_REFUSED - deletion of system exchange '{exchange}' in vhost '/' not allowed"
    ):
        channel.exchange_delete(exchange)


def test_an_unknown_exchange_type_closes_the_connection(channel, name):
    with connection_closed(503, "COMMAND_INVALID - unknown exchange type 'x-unheard-of'"):
        channel.exchange_declare(name("odd"), "x-unheard-of")


@pytest.mark.parametrize(
    "arguments, text",
    [
        (
            {"x-message-ttl": -1},
            "'x-message-ttl' for queue '{}' in vhost '/': {{value_negative,-1}}",
        ),
        ({"x-expires": 0}, "'x-expires' for queue '{}' in vhost '/': {{value_zero,0}}"),
        (
            {"x-max-length": "ten"},
            "'x-max-length' for queue '{}' in vhost '/': \"expected integer, got longstr\"",
        ),
        (
            {"x-dead-letter-routing-key": "k"},
            "'x-dead-letter-routing-key' for queue '{}' in vhost '/': "
            "routing_key_but_no_dlx_defined",
        ),
    ],
)
def test_a_bad_queue_argument_is_refused(channel, name, arguments, text):
    queue = name("badly-argued")

    with channel_closed(406, f"PRECONDITION_FAILED - invalid arg {text.format(queue)}"):
        channel.queue_declare(queue, arguments=arguments)


def test_an_exclusive_queue_is_locked_for_others_and_goes_with_its_connection(connect, name):
    queue = name("private")
    owner, stranger = connect(), connect()
    owner.channel().queue_declare(queue, exclusive=True)
    locked = (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. "
        "It could be originally declared on another connection or the exclusive property value "
        "does not match that of the original declaration."
    )

    with channel_closed(405, locked):
        stranger.channel().queue_declare(queue, passive=True)
    with channel_closed(405, locked):
        stranger.channel().queue_declare(queue, exclusive=True)
    with channel_closed(405, locked):
        stranger.channel().basic_get(queue)
    with channel_closed(405, locked):
        Inbox(stranger.channel(), queue)
    with channel_closed(405, locked):
        stranger.channel().queue_delete(queue)
    owner.channel().queue_declare(queue, exclusive=True)
    owner.close()

    with channel_closed(404, f"NOT_FOUND - no queue '{queue}' in vhost '/'"):
        stranger.channel().queue_declare(queue, passive=True)


def test_an_auto_delete_queue_goes_with_its_last_consumer_and_not_before_the_first(
    connection, channel, name
):
    queue = name("fleeting")
    channel.queue_declare(queue, auto_delete=True)
    connection.channel().close()
    assert ready_count(channel, queue) == 0  # Without ever a consumer it stays.
    first = Inbox(channel, queue)
    second = Inbox(channel, queue)

    channel.basic_cancel(first.tag)
    assert channel.queue_declare(queue, passive=True).method.consumer_count == 1
    channel.basic_cancel(second.tag)

    with channel_closed(404, f"NOT_FOUND - no queue '{queue}' in vhost '/'"):
        channel.queue_declare(queue, passive=True)


def test_an_empty_queue_name_means_the_one_declared_last_on_the_channel(connection, channel):
    queue = channel.queue_declare("", exclusive=True).method.queue
    publish(channel, queue, b"found")

    assert channel.basic_get("", auto_ack=True)[2] == b"found"
    with channel_closed(404, "NOT_FOUND - no previously declared queue"):
        connection.channel().basic_get("")


def test_purge_takes_what_is_ready_and_leaves_what_is_out(channel, connect, name):
    queue = name("purged")
    channel.queue_declare(queue)
    publish(channel, queue, b"out", b"ready", b"ready too")
    channel.basic_get(queue)

    assert channel.queue_purge(queue).method.message_count == 2
    assert ready_count(channel, queue) == 0
    channel.close()

    assert get_all(connect().channel(), queue) == [b"out"]


def test_purging_or_getting_from_what_is_not_there_is_refused(connection, name):
    queue = name("absent")
    text = f"NOT_FOUND - no queue '{queue}' in vhost '/'"

    with channel_closed(404, text):
        connection.channel().queue_purge(queue)
    with channel_closed(404, text):
        connection.channel().basic_get(queue)
    with channel_closed(404, text):
        Inbox(connection.channel(), queue)


def test_deleting_a_queue_says_how_many_messages_went_with_it(channel, name):
    queue = name("deleted")
    channel.queue_declare(queue)
    publish(channel, queue, b"1", b"2")

    assert channel.queue_delete(queue).method.message_count == 2


def test_deleting_what_is_not_there_is_fine(channel, name):
    assert channel.queue_delete(name("absent")).method.message_count == 0
    channel.exchange_delete(name("absent"))


def test_delete_if_empty_spares_a_queue_with_messages(connection, channel, name):
    queue = name("full")
    channel.queue_declare(queue)
    publish(channel, queue, b"1")

    with channel_closed(406, f"PRECONDITION_FAILED - queue '{queue}' in vhost '/' not empty"):
        channel.queue_delete(queue, if_empty=True)

    channel = connection.channel()
    assert get_all(channel, queue) == [b"1"]
    assert channel.queue_delete(queue, if_empty=True).method.message_count == 0


def test_delete_if_unused_spares_a_queue_with_consumers(connection, channel, name):
    queue = name("used")
    channel.queue_declare(queue)
    Inbox(connection.channel(), queue)

    with channel_closed(406, f"PRECONDITION_FAILED - queue '{queue}' in vhost '/' in use"):
        channel.queue_delete(queue, if_unused=True)


def test_delete_if_unused_spares_an_exchange_with_bindings(connection, channel, name):
    exchange = name("used")
    channel.exchange_declare(exchange, "fanout")
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange)

    with channel_closed(406, f"PRECONDITION_FAILED - exchange '{exchange}' in vhost '/' in use"):
        channel.exchange_delete(exchange, if_unused=True)

    channel = connection.channel()
    channel.queue_unbind(queue, exchange)
    channel.exchange_delete(exchange, if_unused=True)
    with channel_closed(404, f"NOT_FOUND - no exchange '{exchange}' in vhost '/'"):
        channel.exchange_declare(exchange, passive=True)


def test_durable_things_outlive_a_restart_and_transient_ones_do_not(broker, connect, name):
    durable, transient = name("durable"), name("transient")
    channel = connect().channel()
    for exchange_or_queue, is_durable in ((durable, True), (transient, False)):
        channel.exchange_declare(exchange_or_queue, "fanout", durable=is_durable)
        channel.queue_declare(exchange_or_queue, durable=is_durable)
        channel.queue_bind(exchange_or_queue, exchange_or_queue)
    channel.connection.close()

    broker.restart()

    connection = connect()
    channel = connection.channel()
    publish(channel, "", b"through the binding", exchange=durable)
    wait_until(lambda: ready_count(channel, durable) == 1, connection)
    with channel_closed(404, f"NOT_FOUND - no queue '{transient}' in vhost '/'"):
        connection.channel().queue_declare(transient, passive=True)
    with channel_closed(404, f"NOT_FOUND - no exchange '{transient}' in vhost '/'"):
        connection.channel().exchange_declare(transient, passive=True)
