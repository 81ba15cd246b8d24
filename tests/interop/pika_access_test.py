# SPDX-License-Identifier: Apache-2.0
"""What a user may do: permissions by name, as user `limited` of the fixture `vhost` has them."""

import pika
import pytest

from expectations import (
    LOGIN_REFUSED,
    Inbox,
    channel_closed,
    connection_closed,
    get_all,
    opening_refused,
    publish,
    ready_count,
    wait_until,
)


@pytest.fixture
def limited(connect, vhost):
    return connect(virtual_host=vhost, credentials=pika.PlainCredentials("limited", "secret"))


@pytest.fixture(autouse=True)
def others(connect, vhost):
    """What belongs to somebody else: the queues and exchanges "foreign" and "readable"."""
    channel = connect(virtual_host=vhost).channel()
    for thing in ("foreign", "readable"):
        channel.queue_declare(thing)
        channel.exchange_declare(thing, "fanout")
    return channel


def refused(kind: str, name: str):
    return channel_closed(
        403,
        f"ACCESS_REFUSED - access to {kind} '{name}' in vhost 'interop' "
        "refused for user 'limited'",
    )


def test_with_all_permissions_all_is_possible(limited):
    channel = limited.channel()
    channel.queue_declare("own-queue")
    channel.exchange_declare("own-exchange")
    channel.queue_bind("own-queue", "own-exchange", "k")

    publish(channel, "k", b"mine", exchange="own-exchange")

    assert get_all(channel, "own-queue") == [b"mine"]
    channel.queue_delete("own-queue")
    channel.exchange_delete("own-exchange")


def test_configure_is_for_declaring_and_deleting(limited):
    with refused("queue", "foreign"):
        limited.channel().queue_declare("foreign")
    with refused("queue", "foreign"):
        limited.channel().queue_delete("foreign")
    with refused("exchange", "foreign"):
        limited.channel().exchange_declare("foreign", "fanout")
    with refused("exchange", "foreign"):
        limited.channel().exchange_delete("foreign")
    assert limited.is_open


def test_read_is_for_getting_consuming_and_purging(limited, others):
    publish(others, "readable", b"for all")
    assert get_all(limited.channel(), "readable") == [b"for all"]

    with refused("queue", "foreign"):
        limited.channel().basic_get("foreign")
    with refused("queue", "foreign"):
        Inbox(limited.channel(), "foreign")
    with refused("queue", "foreign"):
        limited.channel().queue_purge("foreign")


def test_write_is_for_publishing(limited):
    channel = limited.channel()
    own = channel.queue_declare("own-publish", exclusive=True).method.queue

    with refused("exchange", "readable"):
        publish(channel, "", b"unwanted", exchange="readable")
        ready_count(channel, own)


def test_the_default_exchange_is_called_amq_default(limited):
    channel = limited.channel()
    own = channel.queue_declare("own-publish", exclusive=True).method.queue

    with refused("exchange", "amq.default"):
        publish(channel, own, b"unwanted")
        ready_count(channel, own)


def test_binding_writes_to_the_target_and_reads_from_the_source(limited):
    channel = limited.channel()
    channel.queue_declare("own-bound", exclusive=True)
    channel.exchange_declare("own-target", auto_delete=True)

    channel.queue_bind("own-bound", "readable")
    channel.exchange_bind("own-target", "readable")
    channel.queue_unbind("own-bound", "readable")
    channel.exchange_unbind("own-target", "readable")

    with refused("exchange", "foreign"):
        limited.channel().queue_bind("own-bound", "foreign")
    with refused("queue", "readable"):
        limited.channel().queue_bind("readable", "readable")
    with refused("exchange", "foreign"):
        limited.channel().exchange_bind("own-bound", "foreign")
    with refused("exchange", "readable"):
        limited.channel().exchange_bind("readable", "readable")


def test_a_dead_letter_exchange_must_be_writable_and_its_queue_readable(limited):
    with refused("exchange", "foreign"):
        limited.channel().queue_declare(
            "own-dying", arguments={"x-dead-letter-exchange": "foreign"}
        )


def test_an_alternate_exchange_must_be_writable(limited):
    with refused("exchange", "foreign"):
        limited.channel().exchange_declare(
            "own-alternative", arguments={"alternate-exchange": "foreign"}
        )


def test_a_passive_declare_asks_for_no_permission(limited):
    channel = limited.channel()

    channel.queue_declare("foreign", passive=True)
    channel.exchange_declare("foreign", passive=True)


def test_permissions_can_be_changed_and_taken_away(broker, connect, vhost):
    broker.ctl("add_user", "passing", "one")
    no_access = f"NOT_ALLOWED - access to vhost '{vhost}' refused for user 'passing'"

    def log_in(password: str):
        credentials = pika.PlainCredentials("passing", password)
        connect(virtual_host=vhost, credentials=credentials).close()

    with opening_refused(530, no_access):
        log_in("one")
    broker.ctl("set_permissions", "-p", vhost, "passing", ".*", ".*", ".*")
    log_in("one")
    broker.ctl("clear_permissions", "-p", vhost, "passing")
    with opening_refused(530, no_access):
        log_in("one")

    broker.ctl("set_permissions", "-p", vhost, "passing", ".*", ".*", ".*")
    broker.ctl("change_password", "passing", "two")
    with opening_refused(403, LOGIN_REFUSED):
        log_in("one")
    log_in("two")

    broker.ctl("delete_user", "passing")
    with opening_refused(403, LOGIN_REFUSED):
        log_in("two")


@pytest.fixture
def leaving(broker, connect, vhost):
    """A user `leaving` of all rights, and how to log him in. The test deletes him."""
    broker.ctl("add_user", "leaving", "secret")
    broker.ctl("set_permissions", "-p", vhost, "leaving", ".*", ".*", ".*")
    credentials = pika.PlainCredentials("leaving", "secret")
    return lambda: connect(virtual_host=vhost, credentials=credentials)


def is_working(connection) -> bool:
    """The broker answers, so that whatever it said before has come."""
    connection.channel().close()
    return connection.is_open


def test_only_deleting_a_user_closes_his_connections(broker, connect, leaving, vhost):
    connections = [leaving(), leaving()]
    connections[0].channel().queue_declare("own-leaving", exclusive=True)
    another = connect(virtual_host=vhost)

    for change in (
        ("change_password", "leaving", "other"),
        ("clear_password", "leaving"),
        ("set_user_tags", "leaving", "monitoring"),
        ("set_permissions", "-p", vhost, "leaving", "^$", "^$", "^$"),
        ("clear_permissions", "-p", vhost, "leaving"),
    ):
        broker.ctl(*change)
        assert all(is_working(connection) for connection in connections)
    with channel_closed(
        403,
        f"ACCESS_REFUSED - access to queue 'q' in vhost '{vhost}' refused for user 'leaving'",
    ):
        connections[0].channel().queue_declare("q")

    broker.ctl("delete_user", "leaving")

    for connection in connections:
        with connection_closed(320, "CONNECTION_FORCED - user 'leaving' is deleted"):
            wait_until(lambda: connection.is_closed, connection)
    assert is_working(another)


def test_deleting_a_vhost_closes_its_connections(broker, connect):
    broker.ctl("add_vhost", "leaving")
    broker.ctl("set_permissions", "-p", "leaving", "guest", ".*", ".*", ".*")
    inside, outside = connect(virtual_host="leaving"), connect()
    inside.channel().queue_declare("q")

    broker.ctl("delete_vhost", "leaving")

    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as raised:
        wait_until(lambda: inside.is_closed, inside)
    # RabbitMQ sometimes says the second: whichever of its processes comes first.
    assert (raised.value.reply_code, raised.value.reply_text) in {
        (320, "CONNECTION_FORCED - vhost 'leaving' is deleted"),
        (320, "CONNECTION_FORCED - vhost 'leaving' is down"),
    }
    assert is_working(outside)
