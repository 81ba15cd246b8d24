# SPDX-License-Identifier: Apache-2.0
"""A connection's life with pika: handshake, tuning, heartbeats, channels, and how each ends."""

import pika
import pytest

from expectations import (
    LOGIN_REFUSED,
    Inbox,
    channel_closed,
    connection_closed,
    opening_refused,
    publish,
    wait_until,
)


def test_the_server_says_that_it_is_rabbitmq_and_what_it_can_do(connection):
    properties = connection._impl.server_properties

    assert properties["product"] == "RabbitMQ"
    assert tuple(int(part) for part in properties["version"].split(".")[:2]) >= (3, 10)
    capabilities = (
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    )
    assert {name: properties["capabilities"].get(name) for name in capabilities} == dict.fromkeys(
        capabilities, True
    )


def test_plain_and_amqplain_are_offered(connect):
    # pika speaks PLAIN only, and says what was offered when that is not enough.
    class Amqplain:
        erase_on_connect = False

        def response_for(self, start):
            assert {b"PLAIN", b"AMQPLAIN"} <= set(bytes(start.mechanisms).split())
            table = b"\x05LOGINS\x00\x00\x00\x05guest\x08PASSWORDS\x00\x00\x00\x05guest"
            return "AMQPLAIN", table

        def erase_credentials(self):
            pass

    pika.credentials.VALID_TYPES.append(Amqplain)
    try:
        assert connect(credentials=Amqplain()).is_open
    finally:
        pika.credentials.VALID_TYPES.remove(Amqplain)


@pytest.mark.parametrize(
    "user, password", [("guest", "wrong"), ("nobody", "guest"), ("", ""), ("guest", "")]
)
def test_wrong_credentials_are_refused(connect, user, password):
    with opening_refused(403, LOGIN_REFUSED):
        connect(credentials=pika.PlainCredentials(user, password))


def test_an_unknown_vhost_is_refused(connect, name):
    vhost = name("nowhere")

    with opening_refused(530, f"NOT_ALLOWED - vhost {vhost} not found"):
        connect(virtual_host=vhost)


def test_a_vhost_without_permissions_is_refused(connect, broker):
    broker.ctl("add_vhost", "closed")

    with opening_refused(530, "NOT_ALLOWED - access to vhost 'closed' refused for user 'guest'"):
        connect(virtual_host="closed")


def test_names_in_two_vhosts_are_two_things(connect, vhost, name):
    queue = name("same-name")
    here = connect().channel()
    there = connect(virtual_host=vhost).channel()
    for channel in (here, there):
        channel.queue_declare(queue, exclusive=True)

    publish(there, queue, b"there")

    assert here.basic_get(queue)[0] is None
    assert there.basic_get(queue)[2] == b"there"


def test_the_servers_limits_are_the_usual_ones(connection):
    parameters = connection._impl.params

    assert parameters.channel_max == 2047
    assert parameters.frame_max == 131072
    assert parameters.heartbeat == 60


def test_the_client_may_choose_less(connect):
    connection = connect(channel_max=7, frame_max=5000, heartbeat=30)
    parameters = connection._impl.params

    assert (parameters.channel_max, parameters.frame_max, parameters.heartbeat) == (7, 5000, 30)
    channels = [connection.channel() for _ in range(7)]
    assert [channel.channel_number for channel in channels] == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(pika.exceptions.NoFreeChannels):
        connection.channel()


def test_a_channel_above_the_negotiated_maximum_closes_the_connection(connect):
    connection = connect(channel_max=3)
    connection._impl.params.channel_max = 4  # As if pika did not keep to its word.

    with connection_closed(
        530,
        "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)",
    ):
        for _ in range(4):
            connection.channel()


def test_many_channels_work_side_by_side(connection):
    channels = [connection.channel() for _ in range(500)]
    queue = channels[0].queue_declare("", exclusive=True).method.queue
    inbox = Inbox(channels[-1], queue, auto_ack=True)

    for number, channel in enumerate(channels):
        publish(channel, queue, b"%d" % number)

    assert {int(body) for body in inbox.wait_for(500)} == set(range(500))
    for channel in channels:
        channel.close()


def test_a_closed_channels_number_can_be_used_again(connection):
    for _ in range(50):
        channel = connection.channel(5)
        assert channel.queue_declare("", exclusive=True).method.message_count == 0
        channel.close()

    with channel_closed(404, "NOT_FOUND - no queue 'absent' in vhost '/'"):
        connection.channel(5).queue_declare("absent", passive=True)
    assert connection.channel(5).is_open


def test_an_error_on_one_channel_leaves_the_others(connection, name):
    failing, working = connection.channel(), connection.channel()
    queue = working.queue_declare("", exclusive=True).method.queue
    inbox = Inbox(working, queue)

    with channel_closed(404, "NOT_FOUND - no queue 'absent' in vhost '/'"):
        failing.queue_declare("absent", passive=True)

    assert failing.is_closed
    publish(working, queue, b"still here")
    assert inbox.wait_for(1) == [b"still here"]


def test_a_channel_is_closed_with_the_clients_own_code(connection):
    channel = connection.channel()

    channel.close(reply_code=4711, reply_text="enough for today")

    assert channel.is_closed
    assert connection.is_open


def test_closing_the_connection_closes_its_channels(connect):
    connection = connect()
    channels = [connection.channel() for _ in range(3)]

    connection.close(reply_code=200, reply_text="good night")

    assert connection.is_closed
    assert all(channel.is_closed for channel in channels)


def test_heartbeats_keep_an_idle_connection_and_find_a_silent_one(connect, relay, name):
    queue = name("inherited")
    without_heartbeats = connect(heartbeat=0)
    idle = connect(heartbeat=2)
    channel = idle.channel()
    channel.queue_declare(queue, auto_delete=True)
    publish(channel, queue, b"held by the one who fell silent")
    silent = connect(port=relay.port, heartbeat=2)
    Inbox(silent.channel(), queue).wait_for(1)
    heir = Inbox(channel, queue)

    # Nothing is sent by `idle` but heartbeats, until the broker has given up on the other.
    relay.mute_client()
    heir.wait_for(1)

    assert [message[:2] for message in heir.messages] == [
        (b"held by the one who fell silent", True)
    ]
    assert idle.channel().is_open
    assert without_heartbeats.channel().is_open


def test_a_connection_survives_an_operators_restart_by_reconnecting(broker, connect):
    connection = connect()

    broker.restart()

    with pytest.raises(pika.exceptions.AMQPConnectionError) as raised:
        wait_until(lambda: False, connection)
    assert (raised.value.reply_code, raised.value.reply_text) == (
        320,
        "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
    )
    assert connect().channel().is_open
