# SPDX-License-Identifier: Apache-2.0
"""Queues: declared, declared again, purged, deleted."""

from scenario import add, scenario


@scenario("declare, count, delete")
def lives(s):
    s.declare("q")
    s.publish("q", "a", "b")
    s.sync()
    s.count("q")
    s.ask("delete", lambda: s.channel().queue_delete(s.name("q")))
    s.ask("delete again", lambda: s.channel().queue_delete(s.name("q")))
    s.count("q")


@scenario("a name made up by the broker, and the queue declared last as the empty name")
def made_up(s):
    s.ask("get", lambda: s.channel().basic_get(""))
    s.declare("")
    s.ask("bind", lambda: s.channel().queue_bind("", "amq.direct", "k"))
    s.publish("k", "a", exchange="amq.direct")
    s.ask("purge", lambda: s.channel().queue_purge(""))
    s.ask("delete", lambda: s.channel().queue_delete(""))


@scenario("the reserved prefix, and what is there under it")
def reserved(s):
    s.declare("amq.mine")
    s.ask("passive", lambda: s.channel().queue_declare("amq.mine", passive=True))


@scenario("what is missing, by method")
def missing(s):
    s.count("none")
    s.ask("get", lambda: s.channel().basic_get(s.name("none")))
    s.ask("purge", lambda: s.channel().queue_purge(s.name("none")))
    s.bind("none", "amq.direct", "k")
    s.unbind("none", "amq.direct", "k")
    s.consume("none")
    s.ask("delete", lambda: s.channel().queue_delete(s.name("none")))


@scenario("delete if empty and if unused")
def delete_conditions(s):
    s.declare("q")
    s.publish("q", "a")
    s.sync()
    s.ask("if empty", lambda: s.channel().queue_delete(s.name("q"), if_empty=True))
    s.consume("q", on="other:1")
    s.deliveries(1, on="other:1")
    s.ask("if unused", lambda: s.channel().queue_delete(s.name("q"), if_unused=True))
    s.ask("both", lambda: s.channel().queue_delete(s.name("q"), if_unused=True, if_empty=True))
    s.ask("neither", lambda: s.channel().queue_delete(s.name("q")))


@scenario("purge takes what is ready and leaves what is not acknowledged")
def purge(s):
    s.declare("q")
    s.publish("q", "a", "b", "c")
    s.get("q", ack="keep")
    s.ask("purge", lambda: s.channel().queue_purge(s.name("q")))
    s.count("q")
    s.channel().basic_nack(s.tag(0))
    s.get("q")


@scenario("exclusive: one connection's, and gone with it")
def exclusive(s):
    s.declare("q", on="owner:1", exclusive=True)
    s.count("q")
    s.consume("q")
    s.ask("get", lambda: s.channel().basic_get(s.name("q")))
    s.ask("purge", lambda: s.channel().queue_purge(s.name("q")))
    s.ask("delete", lambda: s.channel().queue_delete(s.name("q")))
    s.bind("q", "amq.direct", "k")
    s.declare("q")
    s.declare("q", exclusive=True)
    s.declare("q", on="owner:1")
    s.publish("q", "anybody may publish")
    s.get("q", on="owner:1")
    s.close("owner")
    s.wait_gone("q")


@scenario("auto-delete: gone with its last consumer, not before it had one")
def auto_delete(s):
    s.declare("q", auto_delete=True)
    s.publish("q", "a")
    s.get("q")
    s.consume("q", "one")
    s.consume("q", "two")
    s.cancel("one")
    s.count("q")
    s.cancel("two")
    s.wait_gone("q")


@scenario("a consumer is told when its queue goes")
def told(s):
    s.declare("q")
    s.consume("q", "c", on="other:1")
    s.ask("delete", lambda: s.channel().queue_delete(s.name("q")))
    s.deliveries(0, on="other:1")


EQUIVALENCE = {
    "durable": ({}, {"durable": True}),
    "auto_delete": ({}, {"auto_delete": True}),
    "exclusive": ({}, {"exclusive": True}),
    "passive": ({}, {"passive": True}),
    "argument_new": ({}, {"arguments": {"x-max-length": 1}}),
    "argument_gone": ({"arguments": {"x-max-length": 1}}, {}),
    "argument_changed": ({"arguments": {"x-max-length": 1}}, {"arguments": {"x-max-length": 2}}),
    "argument_wider": (
        {"arguments": {"x-max-length": 1}},
        {"arguments": {"x-max-length": 1 << 40}},
    ),
    "argument_same": ({"arguments": {"x-max-length": 1}}, {"arguments": {"x-max-length": 1}}),
    "argument_type": ({"arguments": {"x-overflow": "drop-head"}}, {"arguments": {"x-overflow": 1}}),
    "unknown_argument": ({"arguments": {"x-mine": 1}}, {"arguments": {"x-mine": 2}}),
    "classic_said": ({}, {"arguments": {"x-queue-type": "classic"}}),
    "lazy": ({"arguments": {"x-queue-mode": "lazy"}}, {}),
    "dead_letters": (
        {"arguments": {"x-dead-letter-exchange": "a"}},
        {"arguments": {"x-dead-letter-exchange": "b"}},
    ),
    "ttl": ({"arguments": {"x-message-ttl": 100_000}}, {"arguments": {"x-message-ttl": 200_000}}),
    "expires": ({"arguments": {"x-expires": 100_000}}, {"arguments": {"x-expires": 200_000}}),
    "priority": ({"arguments": {"x-max-priority": 2}}, {"arguments": {"x-max-priority": 3}}),
    "single_active": ({"arguments": {"x-single-active-consumer": True}}, {}),
}


def _again(first: dict, second: dict):
    def play(s):
        s.declare("q", **first)
        s.declare("q", **second)

    return play


for _name, (_first, _second) in EQUIVALENCE.items():
    add(
        "queue",
        f"again_{_name}",
        f"declare with `{_first}`, then with `{_second}`",
        _again(_first, _second),
    )

NUMBERS = ("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority")
TEXTS = ("x-dead-letter-exchange", "x-overflow", "x-queue-mode")
BAD = [(name, value) for name in NUMBERS for value in (-1, 0, 1, "text", True, 1 << 40)]
BAD += [(name, value) for name in TEXTS for value in (1, True, "", "something", ["list"])]
BAD += [
    ("x-queue-version", 1),
    ("x-queue-version", 2),
    ("x-queue-version", 3),
    ("x-queue-version", "1"),
    ("x-single-active-consumer", True),
    ("x-single-active-consumer", "true"),
    ("x-single-active-consumer", 1),
    ("x-queue-type", "classic"),
    ("x-queue-type", "no.such"),
    ("x-queue-type", 1),
    ("x-queue-master-locator", "min-masters"),
    ("x-queue-master-locator", "no.such"),
    ("x-dead-letter-routing-key", "k"),
    ("x-delivery-limit", 3),
    ("x-max-age", "5s"),
    ("x-max-in-memory-length", 5),
    ("x-stream-max-segment-size-bytes", 500),
    ("x-mine", {"a": [1, 2]}),
]


DIFFERENT = {
    ("x-queue-master-locator", "no.such"): (
        "RabbitMQ ends the connection with an internal error; here nobody is chosen to lead, and the name does not matter"
    ),
    ("x-delivery-limit", "3"): "RabbitMQ has the limit for quorum queues only",
}


def _argument(name, value):
    def play(s):
        s.declare("q", arguments={name: value})

    return play


for _number, (_name, _value) in enumerate(BAD):
    add(
        "queue",
        f"argument_{_number:02}_{_name.replace('-', '_')}",
        f"declare with `{_name}` = `{_value!r}`",
        _argument(_name, _value),
        differs=DIFFERENT.get((_name, str(_value)), ""),
        ours="ok q 0 0" if (_name, str(_value)) in DIFFERENT else "",
    )
