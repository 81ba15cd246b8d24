# SPDX-License-Identifier: Apache-2.0
"""Direct reply-to."""

import pika

from scenario import add, scenario

REPLY_TO = "amq.rabbitmq.reply-to"


def request(s, on: str = "main") -> str:
    """Waits for replies, sends a request, and gives the address that came with it."""
    s.declare("rpc")
    s.consume(REPLY_TO, "replies", on=on, auto_ack=True)
    s.publish("rpc", "question", on=on, reply_to=REPLY_TO, correlation_id="1")
    s.sync(on)
    _, properties, _ = s.channel("server").basic_get(s.name("rpc"), auto_ack=True)
    s.mask(properties.reply_to, "<address>")
    s.note(f"reply_to {properties.reply_to.startswith(REPLY_TO + '.')}")
    return properties.reply_to


def answer(s, address: str, body: str, **options) -> None:
    mandatory = options.pop("mandatory", False)
    s.channel("server:1").basic_publish(
        "", address, body.encode(), pika.BasicProperties(**options), mandatory=mandatory
    )
    s.sync("server:1")


@scenario("a request and its answer")
def call(s):
    address = request(s)
    answer(s, address, "answer", correlation_id="1")
    s.deliveries(1, whole=True)


@scenario("a mandatory answer arrives and comes back")
def mandatory(s):
    address = request(s)
    answer(s, address, "answer", mandatory=True)
    s.deliveries(1)
    answer(s, address + "x", "nobody's", mandatory=True)


@scenario("is somebody there?")
def declare(s):
    address = request(s)
    for name in (REPLY_TO, address, address + "x", REPLY_TO + ".garbage"):
        s.ask("declare", lambda name=name: s.channel("d").queue_declare(name))
        s.ask("passive", lambda name=name: s.channel("d").queue_declare(name, passive=True))
    s.cancel("replies")
    s.ask("passive", lambda: s.channel("d").queue_declare(address, passive=True))


@scenario("after the consumer has gone")
def gone(s):
    address = request(s)
    s.cancel("replies")
    answer(s, address, "too late", mandatory=True)
    s.consume(REPLY_TO, "again", auto_ack=True)
    answer(s, address, "for the old one", mandatory=True)
    s.deliveries(0)


@scenario("without no_ack")
def acknowledging(s):
    s.consume(REPLY_TO, "c")


@scenario("twice on a channel, once on each of two")
def twice(s):
    s.consume(REPLY_TO, "a", on="one", auto_ack=True)
    s.consume(REPLY_TO, "b", on="two", auto_ack=True)
    s.consume(REPLY_TO, "c", on="one", auto_ack=True)


@scenario("a request from who does not wait")
def nobody_waits(s):
    s.declare("q")
    s.publish("q", "m", reply_to=REPLY_TO)
    s.sync()
    s.count("q")


@scenario("another reply_to is nobody's affair")
def plain(s):
    s.declare("q")
    s.publish("q", "m", reply_to="some.queue")
    s.get("q")


@scenario("with CC")
def copies(s):
    address = request(s)
    s.declare("q")
    s.publish("q", "both", headers={"CC": [address]})
    s.deliveries(1)
    s.drain("q")


@scenario("in a transaction it does not wait")
def transaction(s):
    address = request(s)
    s.channel("tx").tx_select()
    s.channel("tx").basic_publish("", address, b"answer")
    s.sync("tx")
    s.deliveries(1)


for _name, _act in {
    "get": lambda s: s.channel().basic_get(REPLY_TO),
    "purge": lambda s: s.channel().queue_purge(REPLY_TO),
    "delete": lambda s: s.channel().queue_delete(REPLY_TO),
    "bind": lambda s: s.channel().queue_bind(REPLY_TO, "amq.direct", "k"),
}.items():
    add(
        "reply_to",
        f"no_queue_{_name}",
        f"{_name} of the pseudo-queue",
        lambda s, name=_name, act=_act: s.ask(name, lambda: act(s) and None),
    )
