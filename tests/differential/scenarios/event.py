# SPDX-License-Identifier: Apache-2.0
"""What the exchange amq.rabbitmq.event says of what happens in the broker."""

import contextlib

import pika
from pika.exceptions import AMQPError

from scenario import scenario

EVENTS = "amq.rabbitmq.event"


@scenario("nobody may publish to the exchange or delete it, and it is there to be declared again")
def exchange(s):
    s.exchange(EVENTS, "topic", durable=True, internal=True)
    s.exchange(EVENTS, "topic", durable=True)
    s.ask("delete", lambda: s.channel().exchange_delete(EVENTS))
    s.publish("k", "m", exchange=EVENTS)
    s.sync()


@scenario("an exchange is made, made again, and deleted")
def exchanges(s):
    s.listen("exchange.*")
    s.exchange("x", "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"})
    s.exchange("x", "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"})
    s.exchange("y", "headers", internal=True, auto_delete=True)
    s.channel().exchange_delete(s.name("x"))
    s.events(3)


@scenario("classic queues of all kinds are made and deleted")
def queues(s):
    s.listen("queue.*")
    s.declare("q", durable=True, arguments={"x-max-length": 10, "x-own": ["a", 1, {"b": True}]})
    s.declare("q", durable=True, arguments={"x-max-length": 10, "x-own": ["a", 1, {"b": True}]})
    s.declare("e", exclusive=True)
    s.declare("a", auto_delete=True)
    s.channel().queue_delete(s.name("q"))
    s.events(4)


@scenario("a quorum queue is made and deleted")
def quorum(s):
    s.listen("queue.*")
    s.declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    s.channel().queue_delete(s.name("q"))
    s.events(2)


@scenario("values of every type among a queue's arguments")
def arguments(s):
    s.listen("queue.created")
    s.declare(
        "q",
        arguments={
            "bytes": b"\x00\x01\x02",
            "text": 'with "quotes" and a \n line',
            "umlaut": "grün",
            "long": " ".join(str(number) for number in range(100)),
            "big": 1 << 40,
            "none": None,
            "float": 1.5,
            "empty": "",
            "table": {"array": [], "table": {}},
        },
    )
    s.events(1)


@scenario("bindings are made and taken away")
def bindings(s):
    s.declare("q")
    s.exchange("x", "topic")
    s.exchange("y", "fanout")
    s.listen("binding.*")
    s.bind("q", "x", "k.#", arguments={"a": 1})
    s.bind("q", "x", "k.#", arguments={"a": 1})
    s.channel().exchange_bind(s.name("y"), s.name("x"), "k")
    s.unbind("q", "x", "k.#", arguments={"a": 1})
    s.events(4)


@scenario("what goes with a queue, and with an exchange")
def cascade(s):
    s.declare("q")
    s.exchange("x", "topic")
    s.exchange("auto", "fanout", auto_delete=True)
    s.bind("q", "x", "a")
    s.bind("q", "auto")
    s.channel().exchange_bind("amq.fanout", s.name("x"), "b")
    s.listen("binding.deleted", "queue.deleted", "exchange.deleted")
    s.channel().queue_delete(s.name("q"))
    s.events(4, in_order=False)
    s.channel().exchange_delete(s.name("x"))
    s.events(2, in_order=False)


@scenario("an auto-delete queue goes by itself")
def auto_delete(s):
    s.declare("q", auto_delete=True)
    s.listen("queue.deleted")
    s.consume("q")
    s.cancel()
    s.events(1)


@scenario("a connection, its channel, its consumer and its queue come and go")
def connection(s):
    s.listen("connection.*", "channel.*", "consumer.*", "queue.*", "user.#")
    s.declare("q", on="other:1", exclusive=True)
    s.channel("other:1").basic_qos(prefetch_count=7)
    s.consume("q", on="other:1", arguments={"x-priority": 5})
    s.consume("q", tag="d", on="other:1", auto_ack=True)
    s.cancel("d", on="other:1")
    s.events(7)
    s.close("other")
    s.events(4)


@scenario("a channel is closed by the broker")
def channel_error(s):
    s.sync()
    s.listen("channel.*")
    s.declare("nowhere", passive=True)
    s.events(1)


@scenario(
    "a queue with a consumer is deleted",
    differs="RabbitMQ tells of the consumer twice, the second time without saying who did it.",
    ours="event consumer.deleted",
)
def consumer_of_deleted_queue(s):
    s.declare("q")
    s.consume("q")
    s.listen("consumer.*")
    s.channel().queue_delete(s.name("q"))
    s.events(2)


def _log_in(s, user: str, password: str) -> None:
    with contextlib.suppress(AMQPError):
        pika.BlockingConnection(
            pika.ConnectionParameters(
                s.broker.host, s.broker.port, credentials=pika.PlainCredentials(user, password)
            )
        )


@scenario(
    "a login is refused",
    differs="RabbitMQ gives the error as an array of numbers, one a character; Leveret as a text that says more.",
    ours="error: str user 'guest' - invalid credentials: wrong password",
)
def wrong_password(s):
    s.listen("user.authentication.*", "connection.*")
    _log_in(s, "guest", "wrong")
    s.events(2)


@scenario("a user is made, changed and deleted")
def users(s):
    s.listen("user.#", "permission.*")
    user = s.name("bob")
    for verb, *rest in (
        ("add_user", user, "secret"),
        ("change_password", user, "other"),
        ("clear_password", user),
        ("set_user_tags", user, "monitoring", "policymaker"),
        ("set_user_limits", user, '{"max-connections": 5}'),
        ("clear_user_limits", user, "all"),
        ("set_permissions", user, ".*", "w", ""),
        ("clear_permissions", user),
        ("delete_user", user),
    ):
        s.ctl(verb, *rest, shown=verb)
    s.events(9)


@scenario("policies are set and cleared, a queue has them")
def policies(s):
    s.declare("q")
    s.listen("policy.*", "queue.policy.*", "operator.policy.*", "parameter.*")
    s.policy("p", "q", {"max-length": 5}, priority=3, apply_to="queues")
    s.events(2)
    s.clear_policy("p")
    s.events(2)
    s.operator_policy("o", "none", {"max-length": 5})
    s.events(2)


@scenario("a virtual host gets limits and loses them")
def vhost_limits(s):
    vhost = s.name("v")
    s.ctl("add_vhost", vhost, shown="add_vhost")
    s.listen("vhost.#", "parameter.*")
    s.ctl("set_vhost_limits", "-p", vhost, '{"max-connections": 5}', shown="set_vhost_limits")
    s.ctl("clear_vhost_limits", "-p", vhost, shown="clear_vhost_limits")
    s.events(4)
    s.ctl("delete_vhost", vhost, shown="delete_vhost")


@scenario(
    "a virtual host is made, with its exchanges",
    differs="RabbitMQ's command gives tags as a text, its API as an array; Leveret as an array.",
    ours="tags: []",
)
def vhost(s):
    name = s.name("v")
    s.listen("vhost.created", "exchange.created")
    s.ctl("add_vhost", name, "--description", "d", shown="add_vhost")
    s.events(8, in_order=False)
    s.ctl("delete_vhost", name, shown="delete_vhost")


@scenario("an alarm goes on and off")
def alarm(s):
    s.listen("alarm.*")
    s.ctl("set_disk_free_limit", "10000000GB", shown="limit")
    s.events(1)
    s.ctl("set_disk_free_limit", "1MB", shown="limit")
    s.events(1)
