# SPDX-License-Identifier: Apache-2.0
"""Reading streams: from where, what is said of messages, how many at once, by whom."""

import datetime
import decimal
import time

from scenario import add, scenario
from scenarios.stream import FIRST, INTERNAL_ERROR, consume, declare, fill
from stage import ANSWER_SECONDS_MAX, EVENT_SECONDS

PAST = datetime.datetime(2020, 1, 1)
FUTURE = datetime.datetime(2040, 1, 1)


def at(offset) -> dict:
    return {"x-stream-offset": offset}


# What is there are a, b and c; d comes when the reader is there.
OFFSETS = {
    "first": (FIRST, 4),
    "last": (at("last"), 2),
    "next": (at("next"), 1),
    "unsaid": ({}, 1),
    "of_the_first": (at(0), 4),
    "in_between": (at(1), 3),
    "of_the_next": (at(3), 1),
    "negative": (at(-2), 4),
    "long": (at(1 << 40), 0),
    "timestamp_past": (at(PAST), 4),
    "timestamp_future": (at(FUTURE), 1),
    "hour_ago": (at("1h"), 4),
    "century_ago": (at("100Y"), 4),
}


def _from(start: dict, count: int):
    def play(s):
        declare(s)
        fill(s, *"abc")
        consume(s, start=start)
        fill(s, "d")
        s.deliveries(count)

    return play


for _name, (_start, _count) in OFFSETS.items():
    add(
        "stream_reading",
        f"from_{_name}",
        f"consume with `{_start}`, three messages there and one later",
        _from(_start, _count),
    )


@scenario("from an offset that is not there yet: what comes before it is passed over")
def from_beyond(s):
    declare(s)
    fill(s, *"abc")
    consume(s, start=at(5))
    fill(s, *"defg")
    s.deliveries(2, whole=True)


@scenario("of an empty stream: what comes, from wherever it is read")
def from_empty(s):
    declare(s)
    starts = (FIRST, at("last"), at("next"), {}, at(0), at(-1), at(PAST), at(FUTURE), at("1h"))
    for number, start in enumerate(starts):
        consume(s, on=f"main:{number}", start=start)
    fill(s, "a", "b")
    for number in range(len(starts)):
        s.deliveries(2, on=f"main:{number}")


@scenario("from offsets that are no unit of time, or no whole number of them")
def from_wrong(s):
    declare(s)
    for offset in ("1X", "5", "0s", "1.5h", "1D1h", "1h "):
        consume(s, start=at(offset))


WRONG_OFFSET = "channel closed 406 PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 'q' in vhost '/': "


def _from_each(offsets):
    def play(s):
        declare(s)
        for offset in offsets:
            s.channel().basic_qos(prefetch_count=1)
            s.consume("q", str(offset), arguments=at(offset))

    return play


def binary(text: str) -> str:
    return f'<<"{text}">>' if text else "<<>>"


WITHOUT_NUMBER = ("bad", "First", "-1h", "")
add(
    "stream_reading",
    "from_without_number",
    f"consume with `x-stream-offset` = `{', '.join(repr(offset) for offset in WITHOUT_NUMBER)}`",
    _from_each(WITHOUT_NUMBER),
    differs=INTERNAL_ERROR,
    ours="\n".join(
        f"consume q {offset}: {WRONG_OFFSET}{{invalid_stream_offset_arg,{{longstr,{binary(offset)}}}}}"
        for offset in WITHOUT_NUMBER
    ),
)
for _name, _offset in {"true": True, "array": ["first"], "table": {"a": 1}, "void": None}.items():
    add(
        "stream_reading",
        f"from_no_offset_{_name}",
        f"consume with `x-stream-offset` = `{_offset}`",
        _from_each([_offset]),
        differs=INTERNAL_ERROR,
        ours=f"{WRONG_OFFSET}{{invalid_stream_offset_arg,",
    )


@scenario("each delivery says its offset, also where the publisher had a header of that name")
def offset_header(s):
    declare(s)
    fill(s, "no headers")
    fill(s, "empty headers", headers={})
    fill(s, "text", headers={"x-stream-offset": "mine", "a": 1})
    fill(s, "number", headers={"x-stream-offset": 77})
    consume(s)
    s.deliveries(4, whole=True)
    consume(s, tag="again", start=at(2))
    s.deliveries(2, whole=True)


@scenario("headers are sorted by name")
def headers(s):
    declare(s)
    fill(s, "m", headers={"z": 1, "a": "x", "y": True, "b": None, "x-a": 1 << 40, "t": PAST, "x": b"\xff\x00", "B": -1})
    consume(s)
    s.deliveries(1, whole=True)


@scenario("properties arrive as they were sent")
def properties(s):
    declare(s)
    fill(
        s, "m", content_type="a/b", content_encoding="c", headers={"h": 1}, delivery_mode=2, priority=7,
        correlation_id="id", reply_to="r", expiration="600000", message_id="mid", timestamp=12345, type="t",
        user_id="guest", app_id="app",
    )  # fmt: skip
    fill(s, "", delivery_mode=1)
    consume(s)
    s.deliveries(2, whole=True)


# RabbitMQ 3.10 keeps messages of streams in the format of AMQP 1.0, which has no place for these.
LOST = {
    "nested": (
        {"headers": {"array": [1, "y"], "table": {"a": 1}, "kept": 1}},
        "RabbitMQ 3.10 drops headers that are arrays or tables; here they are kept",
        "array: [int 1, str y], kept: int 1, table: {a: int 1}",
    ),
    "copies": (
        {"headers": {"CC": ["nobody"], "kept": 1}},
        "RabbitMQ 3.10 drops headers that are arrays or tables; here they are kept",
        "CC: [str nobody], kept: int 1",
    ),
    "decimal": (
        {"headers": {"d": decimal.Decimal("1.5")}},
        "RabbitMQ 3.10 ends the connection with an internal error where a header is a decimal; here it is kept",
        "d: Decimal 1.5",
    ),
    "names": (
        {"headers": {"x-basic-type": "t", "x-basic-app-id": "a"}},
        "RabbitMQ 3.10 takes a header `x-basic-type` for the property `type`; here it is a header as all are",
        "x-basic-app-id: str a, x-basic-type: str t",
    ),
    "cluster_id": (
        {"cluster_id": "cl"},
        "RabbitMQ 3.10 drops the property `cluster_id`; here it is kept",
        "cluster_id: str cl",
    ),
}


def _with(properties_given: dict):
    def play(s):
        declare(s)
        s.confirmed("q", "m", **properties_given)
        consume(s)
        s.deliveries(1, whole=True)

    return play


for _name, (_given, _differs, _ours) in LOST.items():
    add(
        "stream_reading", f"kept_{_name}", f"a message with `{_given}`", _with(_given), differs=_differs, ours=_ours
    )


@scenario("prefetch: no more than so many without acknowledgement; one, several, all")
def prefetch(s):
    declare(s)
    fill(s, *"abcdefg")
    consume(s, prefetch=2)
    s.deliveries(2)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(1)
    s.channel().basic_ack(s.tag(2), multiple=True)
    s.deliveries(2)
    s.channel().basic_ack(0, multiple=True)
    s.deliveries(2)


@scenario("acknowledged in any order, and twice")
def acks(s):
    declare(s)
    fill(s, *"abcdef")
    consume(s, prefetch=3)
    s.deliveries(3)
    s.channel().basic_ack(s.tag(2))
    s.deliveries(1)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(1)
    s.channel().basic_ack(s.tag(2))
    s.sync()


@scenario("another prefetch is for consumers that come after it")
def prefetch_later(s):
    declare(s)
    fill(s, *"abcd")
    consume(s, tag="one", prefetch=1)
    s.deliveries(1)
    consume(s, tag="two", prefetch=3)
    s.deliveries(3)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(1)


@scenario(
    "prefetch, and many messages that were published at once",
    differs="RabbitMQ delivers what it wrote in one go, whatever the prefetch; here no more than the prefetch is out",
    ours="200 messages, never more than 3 out: True",
)
def prefetch_of_many(s):
    declare(s)
    s.channel("tx").tx_select()
    s.publish("q", *["m"] * 200, on="tx")
    s.channel("tx").tx_commit()
    came: list[int] = []
    channel = s.channel()
    channel.basic_qos(prefetch_count=3)
    channel.basic_consume(s.name("q"), lambda _c, method, *_: came.append(method.delivery_tag), arguments=FIRST)
    read = most = 0
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while read < 200 and time.monotonic() < deadline:
        channel.connection.process_data_events(EVENT_SECONDS)
        most = max(most, len(came))
        read += len(came)
        if came:
            channel.basic_ack(came[-1], multiple=True)
        came.clear()
    s.note(f"{read} messages, never more than 3 out: {most <= 3}")


@scenario("two consumers of a channel: each gets all, by a prefetch of its own")
def two_consumers(s):
    declare(s)
    fill(s, *"ab")
    consume(s, tag="one", prefetch=1)
    s.deliveries(1)
    consume(s, tag="two", prefetch=1)
    s.deliveries(1)
    s.channel().basic_ack(s.tag(1))
    s.deliveries(1)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(1)


@scenario("consumers of several connections: each gets all, and what comes later")
def several_readers(s):
    declare(s)
    fill(s, "a")
    for reader in ("one:1", "two:1"):
        consume(s, on=reader)
        s.deliveries(1, on=reader)
    consume(s, on="three:1", start={})
    fill(s, "b", "c")
    for reader in ("one:1", "two:1", "three:1"):
        s.deliveries(2, on=reader)


@scenario("two streams, and a classic queue, on one channel")
def several_queues(s):
    declare(s)
    declare(s, "other")
    s.declare("classic")
    fill(s, "a")
    fill(s, "b", queue="other")
    s.publish("classic", "c")
    consume(s, tag="q", prefetch=1)
    s.deliveries(1)
    consume(s, "other", tag="other", prefetch=1)
    s.deliveries(1)
    consume(s, "classic", tag="classic", prefetch=1, start={})
    s.deliveries(1)
    s.channel().basic_ack(0, multiple=True)
    for queue in ("q", "other", "classic"):
        fill(s, queue, queue=queue)
        s.deliveries(1)


@scenario("exclusive consumers are not alone")
def exclusive(s):
    declare(s)
    fill(s, "a")
    for number, on in enumerate(("main", "main", "other:1")):
        s.channel(on).basic_qos(prefetch_count=1)
        s.consume("q", f"c{number}", on=on, exclusive=True, arguments=FIRST)
        s.deliveries(1, on=on)


@scenario("read again after the channel was closed: from where it is asked, whatever was acknowledged")
def again(s):
    declare(s)
    fill(s, *"abc")
    for start in (FIRST, FIRST, at(2)):
        consume(s, on="reader:1", start=start)
        s.deliveries(1 if start == at(2) else 3, on="reader:1", whole=True)
        s.channel("reader:1").basic_ack(0, multiple=True)
        s.sync("reader:1")
        s.close("reader:1")


@scenario("what was not acknowledged is not redelivered when the connection is closed")
def not_acknowledged(s):
    declare(s)
    fill(s, *"ab")
    consume(s, on="reader:1")
    s.deliveries(2, on="reader:1")
    s.close("reader")
    consume(s, start={})
    fill(s, "c")
    s.deliveries(1)
    consume(s, tag="all")
    s.deliveries(3)


@scenario("cancelled: no more comes, and what is out can be acknowledged")
def cancelled(s):
    declare(s)
    fill(s, *"abc")
    consume(s, prefetch=1)
    s.deliveries(1)
    s.cancel()
    s.channel().basic_ack(s.tag(0))
    s.deliveries(0)
    consume(s, tag="again", prefetch=1)
    s.deliveries(1)


@scenario("acknowledgements in a transaction count at its commit")
def transaction(s):
    declare(s)
    fill(s, *"abc")
    s.channel().tx_select()
    consume(s, prefetch=1)
    s.deliveries(1)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(0)
    s.ask("rollback", lambda: s.channel().tx_rollback())
    s.deliveries(0)
    s.channel().basic_ack(s.tag(0))
    s.ask("commit", lambda: s.channel().tx_commit())
    s.deliveries(1)


@scenario("a message of several frames")
def large(s):
    declare(s)
    body = "x" * 300_000
    fill(s, body, "small")
    consume(s, prefetch=1)
    s.mask(body, "<large>")
    s.deliveries(1, whole=True)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(1, whole=True)


@scenario("other queues have no `x-stream-offset`")
def offset_of_other_queues(s):
    for kind in ("classic", "quorum"):
        s.declare(kind, durable=True, arguments={"x-queue-type": kind})
        s.consume(kind, arguments=FIRST)
        s.consume(kind, arguments=at("bad"))
