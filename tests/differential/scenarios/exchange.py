# SPDX-License-Identifier: Apache-2.0
"""Exchanges and bindings."""

from scenario import add, scenario


@scenario("declare, use, delete")
def lives(s):
    s.exchange("x", "fanout")
    s.declare("q")
    s.bind("q", "x")
    s.publish("any", "a", exchange="x")
    s.get("q")
    s.ask("delete", lambda: s.channel().exchange_delete(s.name("x")))
    s.ask("delete again", lambda: s.channel().exchange_delete(s.name("x")))
    s.publish("any", "b", exchange="x")
    s.sync()


AGAIN = {
    "same": ("direct", {}),
    "type": ("topic", {}),
    "durable": ("direct", {"durable": True}),
    "auto_delete": ("direct", {"auto_delete": True}),
    "internal": ("direct", {"internal": True}),
    "passive": ("direct", {"passive": True}),
    "passive_other_type": ("topic", {"passive": True}),
    "alternate": ("direct", {"arguments": {"alternate-exchange": "other"}}),
    "unknown_argument": ("direct", {"arguments": {"x-mine": 1}}),
}


def _again(kind, options):
    def play(s):
        s.exchange("x")
        s.exchange("x", kind, **options)

    return play


for _name, (_kind, _options) in AGAIN.items():
    add(
        "exchange", f"again_{_name}", f"declare, then as {_kind} with `{_options}`", _again(_kind, _options)
    )


@scenario("an exchange type that nobody knows")
def unknown_type(s):
    s.exchange("x", "no.such.type")


@scenario("the predeclared exchanges")
def predeclared(s):
    for name, kind in [
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.headers", "headers"),
        ("amq.match", "headers"),
    ]:
        s.exchange(name, kind, passive=True)
        s.exchange(name, kind, durable=True)
        s.exchange(name, kind)
        s.ask("delete", lambda name=name: s.channel().exchange_delete(name))
    s.exchange("amq.other")
    s.exchange("amq.other", passive=True)


@scenario("the default exchange cannot be declared, bound or deleted")
def default(s):
    s.declare("q")
    s.exchange("", "direct")
    s.exchange("", "direct", passive=True)
    s.bind("q", "", "k")
    s.unbind("q", "", "k")
    s.ask("delete", lambda: s.channel().exchange_delete(""))


@scenario("an internal exchange takes from exchanges only")
def internal(s):
    s.exchange("inner", "fanout", internal=True)
    s.exchange("outer", "fanout")
    s.declare("q")
    s.bind("q", "inner")
    s.ask("e2e", lambda: s.channel().exchange_bind(s.name("inner"), s.name("outer")))
    s.publish("k", "a", exchange="outer")
    s.get("q")
    s.publish("k", "b", exchange="inner")
    s.sync()


@scenario("delete if unused")
def if_unused(s):
    s.exchange("x")
    s.declare("q")
    s.bind("q", "x", "k")
    s.ask("if unused", lambda: s.channel().exchange_delete(s.name("x"), if_unused=True))
    s.unbind("q", "x", "k")
    s.ask("if unused", lambda: s.channel().exchange_delete(s.name("x"), if_unused=True))


@scenario("auto-delete: gone with its last binding")
def auto_delete(s):
    s.exchange("x", auto_delete=True)
    s.declare("q")
    s.bind("q", "x", "a")
    s.bind("q", "x", "b")
    s.unbind("q", "x", "a")
    s.exchange("x", passive=True)
    s.unbind("q", "x", "b")
    s.exchange("x", passive=True)


@scenario("auto-delete: gone with the queue that was bound")
def auto_delete_by_queue(s):
    s.exchange("x", auto_delete=True)
    s.declare("q")
    s.bind("q", "x", "a")
    s.ask("delete", lambda: s.channel().queue_delete(s.name("q")))
    s.exchange("x", passive=True)


@scenario("bound twice is bound once; unbound what is not bound")
def bound_twice(s):
    s.exchange("x")
    s.declare("q")
    s.bind("q", "x", "k")
    s.bind("q", "x", "k")
    s.publish("k", "a", exchange="x")
    s.sync()
    s.drain("q")
    s.unbind("q", "x", "k")
    s.unbind("q", "x", "k")
    s.publish("k", "b", exchange="x")
    s.sync()
    s.drain("q")


@scenario("a queue that several bindings reach gets a message once")
def once(s):
    s.exchange("x", "topic")
    s.declare("q")
    for key in ("a.*", "#", "a.b"):
        s.bind("q", "x", key)
    s.publish("a.b", "a", exchange="x")
    s.sync()
    s.drain("q")


@scenario("missing sources and destinations")
def missing(s):
    s.declare("q")
    s.exchange("x")
    s.bind("q", "none", "k")
    s.ask("e2e", lambda: s.channel().exchange_bind(s.name("x"), s.name("none")))
    s.ask("e2e", lambda: s.channel().exchange_bind(s.name("none"), s.name("x")))
    s.ask("un-e2e", lambda: s.channel().exchange_unbind(s.name("none"), s.name("x")))


@scenario("exchanges bound in a circle")
def circle(s):
    for name in ("a", "b", "c"):
        s.exchange(name, "fanout")
    for source, target in (("a", "b"), ("b", "c"), ("c", "a")):
        s.ask("e2e", lambda t=target, f=source: s.channel().exchange_bind(s.name(t), s.name(f)))
    s.declare("q")
    s.bind("q", "c")
    s.publish("k", "m", exchange="a")
    s.sync()
    s.drain("q")


@scenario("an alternate exchange takes what is not routed, mandatory or not")
def alternate(s):
    s.exchange("spare", "fanout")
    s.exchange("x", arguments={"alternate-exchange": "spare"})
    s.declare("q")
    s.declare("unrouted")
    s.bind("q", "x", "k")
    s.bind("unrouted", "spare")
    s.publish("k", "routed", exchange="x")
    s.publish("other", "not routed", exchange="x", mandatory=True)
    s.sync()
    s.get("q")
    s.get("unrouted")
    s.empty("q")


@scenario("an alternate exchange that is not there")
def alternate_missing(s):
    s.exchange("x", arguments={"alternate-exchange": "none"})
    s.publish("k", "m", exchange="x", mandatory=True)
    s.sync()


@scenario("alternate exchanges in a circle")
def alternate_circle(s):
    s.exchange("a", arguments={"alternate-exchange": "b"})
    s.exchange("b", arguments={"alternate-exchange": "a"})
    s.publish("k", "m", exchange="a", mandatory=True)
    s.sync()


for _number, _value in enumerate((1, True, ["a"])):
    add(
        "exchange",
        f"alternate_bad_{_number}",
        f"an alternate exchange that is `{_value!r}`",
        lambda s, value=_value: s.exchange("x", arguments={"alternate-exchange": value}),
    )

add(
    "exchange",
    "jms_topic",
    "the type x-jms-topic, which is a plugin's",
    lambda s: s.exchange("x", "x-jms-topic"),
    not_yet="exchanges that choose by expressions in SQL's manner",
)


@scenario(
    "the type x-local-random",
    differs="RabbitMQ 4 has it and 3.10 has not; here it is a random one of the queues that are bound",
    ours="exchange x x-local-random: ok",
)
def local_random(s):
    s.exchange("x", "x-local-random")


def _spread(kind, keys, **arguments):
    """One message each to one of three queues: who has how many is not the same, the sum is."""

    def play(s):
        s.exchange("x", kind, **arguments)
        for queue, key in zip("abc", keys, strict=True):
            s.declare(queue)
            s.bind(queue, "x", key)
        for number in range(300):
            s.publish(f"key {number}", "m", exchange="x", message_id=str(number))
        for _ in range(3):
            s.publish("key", "m", exchange="x", headers={"CC": ["other", "another"]})
        s.sync()
        counts = [
            s.channel().queue_declare(s.name(queue), passive=True).method.message_count
            for queue in "abc"
        ]
        s.note(f"{sum(counts)} messages, everybody has some: {all(counts)}")

    return play


SPREADING = {
    "random": ("x-random", ["k", "k", "k"], {}),
    "modulus_hash": ("x-modulus-hash", ["k", "k", "k"], {}),
    "consistent_hash": ("x-consistent-hash", ["1", "1", "2"], {}),
    "consistent_hash_by_property": (
        "x-consistent-hash",
        ["10", "10", "10"],
        {"arguments": {"hash-property": "message_id"}},
    ),
}
for _name, (_kind, _keys, _options) in SPREADING.items():
    add(
        "exchange",
        f"spread_{_name}",
        f"{_kind} with `{_options}` gives each message to one queue",
        _spread(_kind, _keys, **_options),
    )

HASH_ARGUMENTS = [
    {"hash-header": "h"},
    {"hash-header": ""},
    {"hash-property": "message_id"},
    {"hash-property": "timestamp"},
    {"hash-property": "app_id"},
    {"hash-header": "a", "hash-property": "message_id"},
    {"hash-header": 1},
]
for _number, _arguments in enumerate(HASH_ARGUMENTS):
    add(
        "exchange",
        f"hash_arguments_{_number}",
        f"x-consistent-hash with `{_arguments}`",
        lambda s, arguments=_arguments: s.exchange("x", "x-consistent-hash", arguments=arguments),
        differs=(
            "RabbitMQ ends the connection with an internal error; here it is refused with the type"
            if _arguments.get("hash-header") == 1
            else ""
        ),
        ours=(
            "channel closed 406 PRECONDITION_FAILED - invalid type 'signedint' for arg 'hash-header'"
            if _arguments.get("hash-header") == 1
            else ""
        ),
    )


@scenario("weights of x-consistent-hash")
def hash_weights(s):
    s.exchange("x", "x-consistent-hash")
    s.declare("q")
    for key in ("1", "01", "100000", "0", "-1", "x", "", "1.5", " 1"):
        s.bind("q", "x", key)


TOPICS = [
    ("a", "a"), ("a", "b"), ("a.b", "a.b"), ("a.b", "a"), ("*", "a"), ("*", "a.b"), ("*", ""),
    ("#", ""), ("#", "a"), ("#", "a.b.c"), ("*.*", "a.b"), ("*.*", "a"), ("*.*", "."),
    ("a.#", "a"), ("a.#", "a.b"), ("a.#", "a.b.c"), ("a.#", "b.a"), ("#.a", "a"), ("#.a", "b.a"),
    ("#.a", "a.b"), ("#.a.#", "a"), ("#.a.#", "x.a.y"), ("#.a.#", "x.y"), ("a.*.c", "a.b.c"),
    ("a.*.c", "a.c"), ("a.#.c", "a.c"), ("a.#.c", "a.b.b.c"), ("a.#.c", "a.b"), ("#.#", ""),
    ("#.#", "a"), ("*.#", ""), ("*.#", "a"), ("*.#", "a.b"), ("#.*", "a"), ("#.*", ""),
    ("", ""), ("", "a"), (".", "."), (".", ""), ("a.", "a."), ("a.", "a"), ("a..b", "a..b"),
    ("a.*.b", "a..b"), ("A", "a"), ("a*", "ab"), ("a#", "ab"), ("#a", "#a"), ("*", "*"), ("*", "#"),
    ("#.b.#.d", "a.b.c.d"), ("#.b.#.d", "b.d"), ("#.b.#.d", "d.b"), ("*.*.#", "a.b"), ("*.*.#", "a"),
]  # fmt: skip


def _topic(pattern, key):
    def play(s):
        s.exchange("x", "topic")
        s.declare("q")
        s.bind("q", "x", pattern)
        s.publish(key, "m", exchange="x")
        s.sync()
        s.drain("q")

    return play


for _number, (_pattern, _key) in enumerate(TOPICS):
    add("exchange", f"topic_{_number:02}", f"topic `{_pattern}` and key `{_key}`", _topic(_pattern, _key))

HEADERS = [
    ({"x-match": "all", "a": 1}, {"a": 1}),
    ({"x-match": "all", "a": 1}, {"a": 2}),
    ({"x-match": "all", "a": 1}, {"a": "1"}),
    ({"x-match": "all", "a": 1}, {"a": 1, "b": 2}),
    ({"x-match": "all", "a": 1, "b": 2}, {"a": 1}),
    ({"x-match": "any", "a": 1, "b": 2}, {"a": 1}),
    ({"x-match": "any", "a": 1, "b": 2}, {"c": 1}),
    ({"x-match": "any"}, {"a": 1}),
    ({"x-match": "all"}, {"a": 1}),
    ({"x-match": "all"}, None),
    ({"x-match": "any"}, None),
    ({}, {"a": 1}),
    ({"a": 1}, {"a": 1}),
    ({"a": 1}, {"a": 2}),
    ({"x-match": "all", "a": None}, {"a": 1}),
    ({"x-match": "all", "a": None}, {"b": 1}),
    ({"x-match": "all", "a": True}, {"a": True}),
    ({"x-match": "all", "a": True}, {"a": False}),
    ({"x-match": "all", "a": 1}, {"a": 1 << 40}),
    ({"x-match": "all", "a": [1, "b"]}, {"a": [1, "b"]}),
    ({"x-match": "all", "a": {"b": 1}}, {"a": {"b": 1}}),
    ({"x-match": "all", "a": {"b": 1}}, {"a": {"b": 2}}),
    ({"x-match": "all", "x-a": 1}, {"x-a": 2}),
    ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 1}),
    ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 2}),
    ({"x-match": "any-with-x", "x-a": 1, "b": 1}, {"x-a": 1}),
    ({"x-match": "any-with-x", "x-a": 1, "b": 1}, {"x-a": 2}),
    ({"x-match": "none"}, {"a": 1}),
    ({"x-match": 1}, {"a": 1}),
    ({"x-match": "ALL", "a": 1}, {"a": 1}),
]


def _headers(arguments, headers):
    def play(s):
        s.exchange("x", "headers")
        s.declare("q")
        s.bind("q", "x", arguments=arguments)
        s.publish("", "m", exchange="x", headers=headers)
        s.sync()
        s.drain("q")

    return play


for _number, (_arguments, _given) in enumerate(HEADERS):
    add(
        "exchange",
        f"headers_{_number:02}",
        f"headers `{_arguments}` and a message with `{_given}`",
        _headers(_arguments, _given),
    )
