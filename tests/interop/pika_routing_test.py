# SPDX-License-Identifier: Apache-2.0
"""Which queues a message reaches: exchange types, bindings, alternate exchanges, with pika."""

import pytest

from expectations import channel_closed, get_all, publish


@pytest.fixture
def bound_queue(channel):
    """Makes a queue that is bound to an exchange: bound_queue(exchange, key, arguments) -> name."""

    def make(exchange: str, routing_key: str = "", arguments: dict | None = None) -> str:
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, exchange, routing_key, arguments)
        return queue

    return make


def test_the_default_exchange_routes_by_queue_name(channel):
    queue = channel.queue_declare("", exclusive=True).method.queue
    other = channel.queue_declare("", exclusive=True).method.queue

    publish(channel, queue, b"by name")

    assert get_all(channel, queue) == [b"by name"]
    assert get_all(channel, other) == []


def test_a_direct_exchange_compares_whole_keys(channel, bound_queue, name):
    exchange = name("direct")
    channel.exchange_declare(exchange, "direct")
    red = bound_queue(exchange, "red")
    also_red = bound_queue(exchange, "red")
    blue = bound_queue(exchange, "blue")

    publish(channel, "red", b"r", exchange=exchange)
    publish(channel, "blue", b"b", exchange=exchange)
    publish(channel, "Red", b"nobody's", exchange=exchange)

    assert get_all(channel, red) == [b"r"]
    assert get_all(channel, also_red) == [b"r"]
    assert get_all(channel, blue) == [b"b"]


def test_a_fanout_exchange_does_not_look_at_keys(channel, bound_queue, name):
    exchange = name("fanout")
    channel.exchange_declare(exchange, "fanout")
    queues = [bound_queue(exchange, "ignored"), bound_queue(exchange)]

    publish(channel, "anything", b"to all", exchange=exchange)

    assert [get_all(channel, queue) for queue in queues] == [[b"to all"], [b"to all"]]


# Pattern: the keys it matches, the keys it does not. An empty key has no word, "." has two.
TOPICS = {
    "stock.usd.nyse": (["stock.usd.nyse"], ["stock.usd", "stock.usd.nyse.x", "stock.*.nyse", ""]),
    "*": (["a"], ["", "a.b", "."]),
    "#": (["", "a", "a.b", "a.b.c", "."], []),
    "*.*": (["a.b", ".", "a."], ["a", "a.b.c", ""]),
    "a.*": (["a.b", "a."], ["a", "a.b.c", "b.a"]),
    "a.#": (["a", "a.b", "a.b.c", "a."], ["b", "ab", ""]),
    "#.z": (["z", "a.z", "a.b.z", ".z"], ["z.a", "az", ""]),
    "a.#.z": (["a.z", "a.b.z", "a.b.c.z"], ["a", "z", "a.z.b"]),
    "*.#": (["a", "a.b", "."], [""]),
    "#.#": (["", "a", "a.b"], []),
    "#.a.#": (["a", "a.b", "b.a", "b.a.c", "a.a"], ["b", "", "ab"]),
    "a*": (["a*"], ["a", "ab"]),
}


@pytest.mark.parametrize("pattern", TOPICS)
def test_a_topic_exchange_matches_words(channel, bound_queue, name, pattern):
    exchange = name("topic")
    channel.exchange_declare(exchange, "topic")
    queue = bound_queue(exchange, pattern)
    matching, other = TOPICS[pattern]

    for key in matching + other:
        publish(channel, key, key.encode(), exchange=exchange)

    assert get_all(channel, queue) == [key.encode() for key in matching]


def test_two_patterns_of_one_queue_bring_one_copy(channel, bound_queue, name):
    exchange = name("topic")
    channel.exchange_declare(exchange, "topic")
    queue = bound_queue(exchange, "a.#")
    channel.queue_bind(queue, exchange, "#.b")

    publish(channel, "a.b", b"once", exchange=exchange)

    assert get_all(channel, queue) == [b"once"]


# What a binding asks for, the headers it takes, the headers it does not take.
HEADERS = {
    "all": (
        {"x-match": "all", "kind": "pdf", "pages": 2},
        [{"kind": "pdf", "pages": 2}, {"kind": "pdf", "pages": 2, "more": True}],
        [{"kind": "pdf"}, {"kind": "pdf", "pages": 3}, {"kind": "pdf", "pages": "2"}, {}],
    ),
    "all is the default": ({"kind": "pdf", "n": 1}, [{"kind": "pdf", "n": 1}], [{"kind": "pdf"}]),
    "any": (
        {"x-match": "any", "kind": "pdf", "pages": 2},
        [{"kind": "pdf"}, {"pages": 2}, {"kind": "doc", "pages": 2}],
        [{"kind": "doc"}, {"pages": 3}, {}],
    ),
    "without criteria all takes everything": ({"x-match": "all"}, [{}, {"kind": "pdf"}], []),
    "without criteria any takes nothing": ({"x-match": "any"}, [], [{}, {"kind": "pdf"}]),
    "a void value asks for presence": (
        {"x-match": "all", "kind": None},
        [{"kind": "pdf"}, {"kind": 0}],
        [{"Kind": "pdf"}, {}],
    ),
    "keys that begin with x- do not count": (
        {"x-match": "all", "x-kind": "pdf", "pages": 2},
        [{"pages": 2}],
        [{"x-kind": "pdf"}],
    ),
    "booleans are no numbers": ({"flag": True}, [{"flag": True}], [{"flag": 1}, {"flag": False}]),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_headers_exchange_compares_values(channel, bound_queue, name, case):
    exchange = name("headers")
    channel.exchange_declare(exchange, "headers")
    criteria, taken, left = HEADERS[case]
    queue = bound_queue(exchange, "ignored", criteria)

    for headers in taken + left:
        publish(channel, "", repr(headers).encode(), exchange=exchange, headers=headers)

    assert get_all(channel, queue) == [repr(headers).encode() for headers in taken]


def test_a_message_without_headers_has_no_headers_to_match(channel, bound_queue, name):
    exchange = name("headers")
    channel.exchange_declare(exchange, "headers")
    demanding = bound_queue(exchange, "", {"x-match": "any", "kind": "pdf"})
    undemanding = bound_queue(exchange, "", {"x-match": "all"})

    publish(channel, "", b"bare", exchange=exchange)

    assert get_all(channel, demanding) == []
    assert get_all(channel, undemanding) == [b"bare"]


def test_an_unknown_x_match_is_refused_at_bind(channel, name):
    exchange = name("headers")
    channel.exchange_declare(exchange, "headers")
    queue = channel.queue_declare("", exclusive=True).method.queue

    with channel_closed(
        406,
        'PRECONDITION_FAILED - Invalid x-match field value <<"most">>; '
        "expected all, any, all-with-x, or any-with-x",
    ):
        channel.queue_bind(queue, exchange, "", {"x-match": "most"})


def test_exchanges_bind_to_exchanges_and_a_queue_gets_one_copy(channel, bound_queue, name):
    source, middle = name("source"), name("middle")
    channel.exchange_declare(source, "topic")
    channel.exchange_declare(middle, "fanout")
    channel.exchange_bind(middle, source, "orders.#")
    channel.exchange_bind(source, middle)  # A circle.
    queue = bound_queue(middle)
    channel.queue_bind(queue, source, "orders.new")  # A second way.

    publish(channel, "orders.new", b"once", exchange=source)
    publish(channel, "invoices", b"not for us", exchange=source)
    assert get_all(channel, queue) == [b"once"]

    channel.exchange_unbind(middle, source, "orders.#")
    publish(channel, "orders.old", b"no way", exchange=source)
    assert get_all(channel, queue) == []


def test_an_internal_exchange_takes_messages_from_exchanges_only(channel, bound_queue, name):
    source, internal = name("source"), name("internal")
    channel.exchange_declare(source, "fanout")
    channel.exchange_declare(internal, "fanout", internal=True)
    channel.exchange_bind(internal, source)
    queue = bound_queue(internal)

    publish(channel, "", b"by way of the source", exchange=source)
    assert get_all(channel, queue) == [b"by way of the source"]

    with channel_closed(
        403, f"ACCESS_REFUSED - cannot publish to internal exchange '{internal}' in vhost '/'"
    ):
        publish(channel, "", b"straight", exchange=internal)
        channel.queue_declare(queue, passive=True)


def test_an_alternate_exchange_gets_what_has_no_other_way(channel, bound_queue, name):
    exchange, alternate = name("exchange"), name("alternate")
    channel.exchange_declare(alternate, "fanout")
    channel.exchange_declare(exchange, "direct", arguments={"alternate-exchange": alternate})
    known = bound_queue(exchange, "known")
    lost_and_found = bound_queue(alternate)

    publish(channel, "known", b"known", exchange=exchange)
    publish(channel, "unknown", b"unknown", exchange=exchange)

    assert get_all(channel, known) == [b"known"]
    assert get_all(channel, lost_and_found) == [b"unknown"]


def test_an_alternate_exchange_that_is_not_there_loses_the_message_quietly(channel, name):
    exchange = name("exchange")
    channel.exchange_declare(exchange, arguments={"alternate-exchange": name("absent")})
    channel.confirm_delivery()

    publish(channel, "unknown", b"unknown", exchange=exchange)  # Confirmed, not refused.

    assert channel.is_open


def test_bind_and_unbind_may_be_repeated(channel, name):
    exchange = name("direct")
    channel.exchange_declare(exchange)
    queue = channel.queue_declare("", exclusive=True).method.queue

    channel.queue_bind(queue, exchange, "k")
    channel.queue_bind(queue, exchange, "k")
    publish(channel, "k", b"one copy", exchange=exchange)
    assert get_all(channel, queue) == [b"one copy"]

    channel.queue_unbind(queue, exchange, "k")
    channel.queue_unbind(queue, exchange, "k")
    channel.queue_unbind(queue, name("absent"), "k")
    channel.queue_unbind(name("absent"), exchange, "k")
    publish(channel, "k", b"no copy", exchange=exchange)
    assert get_all(channel, queue) == []


def test_bindings_with_other_arguments_are_other_bindings(channel, name):
    exchange = name("direct")
    channel.exchange_declare(exchange)
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange, "k", {"n": 1})
    channel.queue_bind(queue, exchange, "k", {"n": 2})

    channel.queue_unbind(queue, exchange, "k", {"n": 1})
    publish(channel, "k", b"by the second", exchange=exchange)
    assert get_all(channel, queue) == [b"by the second"]

    channel.queue_unbind(queue, exchange, "k", {"n": 2})
    publish(channel, "k", b"by none", exchange=exchange)
    assert get_all(channel, queue) == []


def test_binding_what_is_not_there_is_refused(connection, channel, name):
    absent = name("absent")
    queue = channel.queue_declare("", exclusive=True).method.queue
    no_exchange = f"NOT_FOUND - no exchange '{absent}' in vhost '/'"

    with channel_closed(404, f"NOT_FOUND - no queue '{absent}' in vhost '/'"):
        connection.channel().queue_bind(absent, "amq.direct")
    with channel_closed(404, no_exchange):
        connection.channel().queue_bind(queue, absent)
    with channel_closed(404, no_exchange):
        connection.channel().exchange_bind(absent, "amq.direct")
    with channel_closed(404, no_exchange):
        connection.channel().exchange_bind("amq.direct", absent)


def test_the_default_exchange_cannot_be_bound_unbound_or_deleted(connection, channel):
    queue = channel.queue_declare("", exclusive=True).method.queue
    text = "ACCESS_REFUSED - operation not permitted on the default exchange"

    with channel_closed(403, text):
        connection.channel().queue_bind(queue, "", "k")
    with channel_closed(403, text):
        connection.channel().queue_unbind(queue, "", "k")
    with channel_closed(403, text):
        connection.channel().exchange_delete("")
    with channel_closed(403, text):
        connection.channel().exchange_bind("amq.direct", "")


def test_an_auto_delete_exchange_goes_with_its_last_binding(channel, name):
    exchange = name("fleeting")
    channel.exchange_declare(exchange, auto_delete=True)
    channel.exchange_declare(exchange, passive=True)  # Never bound: it stays.
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange, "one")
    channel.exchange_bind("amq.fanout", exchange, "two")

    channel.queue_delete(queue)
    channel.exchange_declare(exchange, passive=True)
    channel.exchange_unbind("amq.fanout", exchange, "two")

    with channel_closed(404, f"NOT_FOUND - no exchange '{exchange}' in vhost '/'"):
        channel.exchange_declare(exchange, passive=True)


def test_bindings_go_with_the_exchange(channel, name):
    exchange = name("recreated")
    channel.exchange_declare(exchange)
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange, "k")

    channel.exchange_delete(exchange)
    channel.exchange_declare(exchange)
    publish(channel, "k", b"to the new one", exchange=exchange)

    assert get_all(channel, queue) == []


def test_cc_and_bcc_are_more_routing_keys_and_bcc_is_not_shown(channel, name):
    exchange = name("direct")
    channel.exchange_declare(exchange)
    queues = {}
    for key in ("to", "cc", "bcc"):
        queues[key] = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queues[key], exchange, key)

    publish(
        channel, "to", b"to three", exchange=exchange, headers={"CC": ["cc"], "BCC": ["bcc", "to"]}
    )

    for queue in queues.values():
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        assert (body, method.routing_key) == (b"to three", "to")
        assert properties.headers == {"CC": ["cc"]}
        assert channel.basic_get(queue)[0] is None
