# SPDX-License-Identifier: Apache-2.0
"""Direct reply-to with pika: the pseudo-queue amq.rabbitmq.reply-to."""

import pika
import pytest
from pika import BasicProperties

from expectations import channel_closed, wait_until

REPLY_TO = "amq.rabbitmq.reply-to"


class Requester:
    """A channel that waits for replies, and what came."""

    def __init__(self, connection):
        self.channel = connection.channel()
        self.replies: list[tuple] = []
        self.tag = self.channel.basic_consume(
            REPLY_TO, lambda _c, *came: self.replies.append(came), auto_ack=True
        )

    def ask(self, queue: str, correlation_id: str = "1", **properties) -> None:
        self.channel.basic_publish(
            "",
            queue,
            b"question",
            BasicProperties(reply_to=REPLY_TO, correlation_id=correlation_id, **properties),
        )

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.replies) >= count, self.channel.connection)


@pytest.fixture(name="requester")
def fixture_requester(connection):
    return Requester(connection)


@pytest.fixture(name="server")
def fixture_server(connect):
    return connect().channel()


@pytest.fixture(name="queue")
def fixture_queue(server):
    return server.queue_declare("", exclusive=False, auto_delete=True).method.queue


def take(channel, queue: str) -> tuple:
    got = []

    def has_got():
        got[:] = channel.basic_get(queue, auto_ack=True)
        return got[0] is not None

    wait_until(has_got)
    return tuple(got)


def address_of(requester, server, queue: str) -> str:
    requester.ask(queue)
    _, properties, _ = take(server, queue)
    assert properties.reply_to.startswith(REPLY_TO + ".")
    return properties.reply_to


def test_a_call_and_its_answer(requester, server, queue):
    requester.ask(queue, "42", content_type="text/plain", headers={"a": 1}, priority=4)
    _, properties, body = take(server, queue)
    assert (body, properties.correlation_id, properties.priority) == (b"question", "42", 4)
    assert (properties.content_type, properties.headers) == ("text/plain", {"a": 1})

    server.basic_publish("", properties.reply_to, b"answer", BasicProperties(correlation_id="42"))

    requester.wait_for(1)
    method, answer, body = requester.replies[0]
    assert (body, answer.correlation_id) == (b"answer", "42")
    assert (method.consumer_tag, method.exchange) == (requester.tag, "")
    assert (method.routing_key, method.redelivered) == (properties.reply_to, False)


def test_many_calls_by_one_address(requester, server, queue):
    for number in range(100):
        requester.ask(queue, str(number))
    for _ in range(100):
        _, properties, _ = take(server, queue)
        server.basic_publish(
            "", properties.reply_to, b"a", BasicProperties(correlation_id=properties.correlation_id)
        )
    requester.wait_for(100)
    assert [p.correlation_id for _, p, _ in requester.replies] == [str(n) for n in range(100)]


def test_an_address_can_be_asked_for(requester, server, queue):
    address = address_of(requester, server, queue)
    for name in (address, REPLY_TO):
        for passive in (False, True):
            said = server.queue_declare(name, passive=passive).method
            assert (said.queue, said.message_count, said.consumer_count) == (name, 0, 1)
    requester.channel.basic_cancel(requester.tag)
    with channel_closed(404, f"NOT_FOUND - no queue '{address}' in vhost '/'"):
        server.queue_declare(address, passive=True)


def test_a_reply_is_unroutable_though_it_arrives(requester, server, queue):
    address = address_of(requester, server, queue)
    server.confirm_delivery()
    with pytest.raises(pika.exceptions.UnroutableError):
        server.basic_publish("", address, b"answer", mandatory=True)
    requester.wait_for(1)
    with pytest.raises(pika.exceptions.UnroutableError):
        server.basic_publish("", address + "x", b"answer", mandatory=True)


def test_a_reply_by_cc(requester, server, queue):
    address = address_of(requester, server, queue)
    server.basic_publish("", queue, b"both", BasicProperties(headers={"CC": [address]}))
    requester.wait_for(1)
    method, _, body = requester.replies[0]
    assert (body, method.routing_key) == (b"both", queue)
    assert take(server, queue)[2] == b"both"


def test_a_reply_does_not_wait_for_a_commit(requester, server, queue):
    address = address_of(requester, server, queue)
    server.tx_select()
    server.basic_publish("", address, b"answer")
    server.queue_declare(queue, passive=True)
    requester.wait_for(1)
    server.tx_rollback()


def test_replies_cannot_be_acknowledged(channel):
    with channel_closed(406, "PRECONDITION_FAILED - reply consumer cannot acknowledge"):
        channel.basic_consume(REPLY_TO, lambda *_: None)


def test_a_channel_has_one_reply_consumer(requester):
    with channel_closed(406, "PRECONDITION_FAILED - reply consumer already set"):
        requester.channel.basic_consume(REPLY_TO, lambda *_: None, auto_ack=True)


def test_a_cancelled_one_can_be_followed_by_another(requester):
    requester.channel.basic_cancel(requester.tag)
    requester.channel.basic_consume(REPLY_TO, lambda *_: None, auto_ack=True)


def test_a_request_needs_somebody_who_waits(channel, queue):
    with channel_closed(406, "PRECONDITION_FAILED - fast reply consumer does not exist"):
        channel.basic_publish("", queue, b"m", BasicProperties(reply_to=REPLY_TO))
        channel.queue_declare(queue, passive=True)


@pytest.mark.parametrize("act", ["get", "purge", "bind"])
def test_it_is_no_queue_otherwise(channel, act):
    with channel_closed(404, f"NOT_FOUND - no queue '{REPLY_TO}' in vhost '/'"):
        if act == "get":
            channel.basic_get(REPLY_TO)
        elif act == "purge":
            channel.queue_purge(REPLY_TO)
        else:
            channel.queue_bind(REPLY_TO, "amq.direct", "key")


def test_no_rights_are_needed_to_wait_for_replies(broker, connect):
    broker.ctl("add_user", "silent", "secret")
    broker.ctl("set_permissions", "silent", "^$", "^$", "^$")
    try:
        other = connect(credentials=pika.PlainCredentials("silent", "secret"))
        other.channel().basic_consume(REPLY_TO, lambda *_: None, auto_ack=True)
    finally:
        broker.ctl("delete_user", "silent")


# Single active consumer.


@pytest.fixture(name="single")
def fixture_single(channel):
    name = "single.active"
    channel.queue_declare(name, arguments={"x-single-active-consumer": True})
    yield name
    channel.queue_delete(name)


def consume(connection, queue: str, tag: str, came: list) -> pika.channel.Channel:
    channel = connection.channel()

    def on_message(receiver, method, _properties, body):
        came.append((tag, body))
        receiver.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, on_message, consumer_tag=tag)
    return channel


def test_one_consumer_gets_all_and_the_next_when_it_goes(connection, channel, single):
    came: list[tuple] = []
    first = consume(connection, single, "first", came)
    consume(connection, single, "second", came)
    consume(connection, single, "third", came)
    for number in range(3):
        channel.basic_publish("", single, b"%d" % number)
    wait_until(lambda: len(came) == 3, connection)
    assert {tag for tag, _ in came} == {"first"}
    came.clear()

    first.close()
    for number in range(3):
        channel.basic_publish("", single, b"%d" % number)
    wait_until(lambda: len(came) == 3, connection)
    assert {tag for tag, _ in came} == {"second"}


def test_who_is_active_can_be_seen(broker, connection, single):
    consume(connection, single, "first", [])
    consume(connection, single, "second", [])
    listed = broker.ctl(
        "list_consumers", "-q", "--no-table-headers", "consumer_tag", "active", "activity_status"
    )
    text = listed if isinstance(listed, str) else listed.stdout
    rows = sorted(tuple(line.split("\t")) for line in text.splitlines() if "\t" in line)
    assert rows == [("first", "true", "single_active"), ("second", "false", "waiting")]
