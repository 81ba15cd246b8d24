# SPDX-License-Identifier: Apache-2.0
"""How the pika tests say what they expect: refusals by code and text, and events within a bound."""

import contextlib
import subprocess
import time

import pika
import pytest

PROGRAM_SECONDS_MAX = 60

# Generous, since it is only spent when a test is about to fail.
EVENT_SECONDS_MAX = 15


@contextlib.contextmanager
def channel_closed(code: int, text: str):
    """The broker closes the channel with exactly this; the connection is left open."""
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as raised:
        yield
    assert (raised.value.reply_code, raised.value.reply_text) == (code, text)


@contextlib.contextmanager
def connection_closed(code: int, text: str):
    """The broker closes the connection with exactly this."""
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as raised:
        yield
    assert (raised.value.reply_code, raised.value.reply_text) == (code, text)


@contextlib.contextmanager
def opening_refused(code: int, text: str):
    """The broker closes the connection with exactly this before it is open."""
    # pika keeps code and text of the broker only in its own text.
    with pytest.raises(pika.exceptions.AMQPConnectionError) as raised:
        yield
    assert str(raised.value) == f"ConnectionClosedByBroker: ({code}) {text!r}"


def program_succeeds(*command, cwd=None) -> None:
    """A client's program leaves with exit code 0; else what it said is shown."""
    finished = subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PROGRAM_SECONDS_MAX,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout


LOGIN_REFUSED = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
    "For details see the broker logfile."
)


def wait_until(condition, *connections: pika.BlockingConnection) -> None:
    """Serves the connections until the condition holds; fails when it does not come to hold."""
    deadline = time.monotonic() + EVENT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for did not happen"
        for connection in connections:
            # Returns as soon as something has arrived.
            connection.process_data_events(time_limit=0.02)


def publish(channel, routing_key: str, *bodies: bytes, exchange: str = "", **properties) -> None:
    for body in bodies:
        channel.basic_publish(exchange, routing_key, body, pika.BasicProperties(**properties))


def get_all(channel, queue: str) -> list[bytes]:
    """The bodies of all messages that are ready, in order; they are then gone."""
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return bodies
        bodies.append(body)


def ready_count(channel, queue: str) -> int:
    """Messages that wait in the queue and are not out with a consumer.

    RabbitMQ answers this ahead of publishes and deliveries that are on their way, so after those a
    test waits for the number. basic.get (get_all) is answered in order.
    """
    return channel.queue_declare(queue, passive=True).method.message_count


class Inbox:
    """A consumer that keeps what it got, as (body, redelivered, delivery_tag), settling nothing."""

    def __init__(self, channel, queue: str, **options):
        self.channel = channel
        self._messages = []
        self.properties = None  # Of the latest message.
        self.tag = channel.basic_consume(queue, self._on_message, **options)

    def _on_message(self, _channel, method, properties, body) -> None:
        self._messages.append((body, method.redelivered, method.delivery_tag))
        self.properties = properties

    @property
    def messages(self) -> list[tuple[bytes, bool, int]]:
        self.channel.connection.process_data_events(time_limit=0)
        return self._messages

    @property
    def bodies(self) -> list[bytes]:
        return [body for body, _, _ in self.messages]

    @property
    def delivery_tags(self) -> list[int]:
        return [delivery_tag for _, _, delivery_tag in self.messages]

    def wait_for(self, count: int) -> list[bytes]:
        """Waits until `count` messages have come; returns the bodies of all that have."""
        wait_until(lambda: len(self._messages) >= count, self.channel.connection)
        return self.bodies
