# SPDX-License-Identifier: Apache-2.0
"""pika's SelectConnection: by callbacks, many things asked before the first is answered."""

import pika
import pytest

from expectations import EVENT_SECONDS_MAX


class Conversation:
    """Runs one SelectConnection: `talk(channel, done)` is called on an open channel.

    Ends when done() is called or, what is then kept in `closed`, when the channel or the connection
    is closed by the broker.
    """

    def __init__(self, broker, talk, **parameters):
        self.closed = None
        self._talk = talk
        self._is_done = False
        self._connection = pika.SelectConnection(
            pika.ConnectionParameters(broker.host, broker.port, **parameters),
            on_open_callback=self._on_connection_open,
            on_open_error_callback=self._on_connection_closed,
            on_close_callback=self._on_connection_closed,
        )
        self._connection.ioloop.call_later(EVENT_SECONDS_MAX, self._connection.ioloop.stop)
        self._connection.ioloop.start()
        assert self._is_done or self.closed, "the conversation did not come to its end"

    def _on_connection_open(self, connection) -> None:
        connection.channel(on_open_callback=self._on_channel_open)

    def _on_channel_open(self, channel) -> None:
        channel.add_on_close_callback(self._on_channel_closed)
        self._talk(channel, self._done)

    def _done(self) -> None:
        self._is_done = True
        self._connection.close()

    def _on_channel_closed(self, channel, reason) -> None:
        if not self._is_done and self.closed is None:
            self.closed = reason
            if self._connection.is_open:
                self._connection.close()

    def _on_connection_closed(self, connection, reason) -> None:
        if not self._is_done and self.closed is None:
            self.closed = reason
        connection.ioloop.stop()


def test_a_message_goes_round(broker):
    received = []

    def talk(channel, done):
        def on_declared(frame):
            queue = frame.method.queue
            channel.basic_consume(queue, on_message, callback=lambda _: publish(queue))

        def publish(queue):
            channel.basic_publish("", queue, b"round", pika.BasicProperties(message_id="1"))

        def on_message(channel, method, properties, body):
            received.append((properties.message_id, body))
            channel.basic_ack(method.delivery_tag)
            done()

        channel.queue_declare("", exclusive=True, callback=on_declared)

    Conversation(broker, talk)

    assert received == [("1", b"round")]


def test_methods_sent_at_once_are_answered_in_order(broker, name):
    names = [name("pipelined") for _ in range(50)]
    answers = []

    def talk(channel, done):
        def on_declared(frame):
            answers.append(frame.method.queue)
            if len(answers) == len(names):
                done()

        for queue in names:
            channel.queue_declare(queue, exclusive=True, callback=on_declared)

    Conversation(broker, talk)

    assert answers == names


def test_no_wait_methods_take_effect_without_an_answer(broker, name):
    queue, exchange = name("quiet"), name("quiet")
    received = []

    def talk(channel, done):
        channel.exchange_declare(exchange, "fanout", auto_delete=True)
        channel.queue_declare(queue, exclusive=True)
        channel.queue_bind(queue, exchange)
        channel.basic_qos(prefetch_count=10)

        def on_message(_channel, _method, _properties, body):
            received.append(body)
            done()

        channel.basic_consume(queue, on_message, auto_ack=True)
        channel.basic_publish(exchange, "", b"quietly")

    Conversation(broker, talk)

    assert received == [b"quietly"]


def test_an_error_of_a_no_wait_method_closes_the_channel(broker, name):
    queue = name("absent")

    def talk(channel, done):
        channel.queue_declare(queue, passive=True)
        channel.basic_publish("", queue, b"after the error")

    closed = Conversation(broker, talk).closed

    assert (closed.reply_code, closed.reply_text) == (
        404,
        f"NOT_FOUND - no queue '{queue}' in vhost '/'",
    )


@pytest.mark.parametrize("count", [1, 100, 5000])
def test_confirms_cover_every_publish_once(broker, count):
    outstanding = set(range(1, count + 1))

    def talk(channel, done):
        def on_confirm(frame):
            method = frame.method
            assert isinstance(method, pika.spec.Basic.Ack)
            if method.multiple:
                covered = {tag for tag in outstanding if tag <= method.delivery_tag}
            else:
                covered = {method.delivery_tag}
            assert covered and covered <= outstanding
            outstanding.difference_update(covered)
            if not outstanding:
                done()

        def publish(frame):
            for number in range(count):
                channel.basic_publish("", frame.method.queue, b"%d" % number)

        channel.confirm_delivery(on_confirm)
        channel.queue_declare("", exclusive=True, callback=publish)

    Conversation(broker, talk)

    assert not outstanding


def test_a_return_comes_before_its_confirm(broker):
    events = []

    def talk(channel, done):
        def on_confirm(frame):
            events.append(("confirm", frame.method.delivery_tag))
            done()

        channel.add_on_return_callback(
            lambda _, method, properties, body: events.append((method.reply_text, body))
        )
        channel.confirm_delivery(on_confirm)
        channel.basic_publish("amq.direct", "nowhere", b"back", mandatory=True)

    Conversation(broker, talk)

    assert events == [("NO_ROUTE", b"back"), ("confirm", 1)]


def test_acks_for_many_messages_keep_a_small_window_moving(broker):
    received = []
    total = 2000

    def talk(channel, done):
        def on_declared(frame):
            queue = frame.method.queue
            channel.basic_qos(prefetch_count=7)
            channel.basic_consume(queue, on_message)
            for number in range(total):
                channel.basic_publish("", queue, b"%d" % number)

        def on_message(channel, method, properties, body):
            received.append(int(body))
            if len(received) % 5 == 0:
                channel.basic_ack(method.delivery_tag, multiple=True)
            if len(received) == total:
                done()

        channel.queue_declare("", exclusive=True, callback=on_declared)

    Conversation(broker, talk)

    assert received == list(range(total))


def test_many_channels_open_at_once(broker):
    opened = []

    def talk(channel, done):
        def on_open(another):
            opened.append(another.channel_number)
            if len(opened) == 200:
                done()

        for _ in range(200):
            channel.connection.channel(on_open_callback=on_open)

    Conversation(broker, talk)

    assert sorted(opened) == list(range(2, 202))  # Channels are answered in any order.


def test_wrong_credentials_are_an_opening_error(broker):
    def talk(channel, done):
        raise AssertionError("the broker let us in")

    closed = Conversation(
        broker, talk, credentials=pika.PlainCredentials("guest", "wrong")
    ).closed

    assert isinstance(closed, pika.exceptions.ProbableAuthenticationError)
