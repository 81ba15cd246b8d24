# SPDX-License-Identifier: Apache-2.0
"""Streams: their policies, what is dropped of them, virtual hosts whose queues are streams."""

import time

import pika

from scenario import scenario
from scenarios.stream import STREAM, declare
from stage import ANSWER_SECONDS_MAX, EVENT_SECONDS

# Large enough that no broker takes a segment for a mistake, and that a few messages fill several.
SEGMENT_BYTES = 1_000_000
MESSAGE = "m" * 600_000
MESSAGES = 8
KEPT_BYTES = 2_500_000
LOOK_SECONDS = 0.05  # Between two looks at a stream.
SHORTER_SECONDS_MAX = 10.0

WRONG = [
    {"max-age": "1y"},
    {"stream-max-segment-size-bytes": 3_000_000_001},
    {"initial-cluster-size": "a"},
    {"stream-filter-size-bytes": 16},
    {"max-age": "1y", "stream-max-segment-size-bytes": -1, "initial-cluster-size": -1},
]


@scenario("policies with settings of streams that make no sense; of several the first by name is told")
def wrong(s):
    for number, definition in enumerate(WRONG):
        s.policy(f"wrong{number}", "none", definition)


@scenario(
    "a policy with a `max-age` that does not begin with a number",
    differs="RabbitMQ shows where its program stopped; here the value is refused as other wrong values are",
    ours="""refused ['<<"D">> is not a valid max age']""",
)
def max_age_without_number(s):
    s.policy("word", "none", {"max-age": "D"})


@scenario("of operators' policies' settings streams have `max-length-bytes`")
def operators(s):
    for number, definition in enumerate(({"max-age": "1D"}, {"max-length-bytes": 5})):
        s.operator_policy(f"p{number}", "none", definition)


def _policies_of(s, *queues: str) -> None:
    """Notes each queue's policy, as list_queues tells it."""
    full = {s.name(queue): queue for queue in queues}
    for line in sorted(s.broker.ctl("list_queues", "--quiet", "--no-table-headers", "name", "policy").splitlines()):
        name, _, policy = line.partition("\t")
        if name in full:
            s.note(f"{full[name]} has {policy or 'none'}")


@scenario("a policy with a setting that streams do not have leaves a stream to the next, and the other way round")
def whose(s):
    declare(s, "stream")
    s.declare("classic", durable=True)
    s.declare("quorum", durable=True, arguments={"x-queue-type": "quorum"})
    queues = "(stream|classic|quorum)"
    s.policy("ages", queues, {"max-age": "1D", "max-length": 5}, priority=9)
    s.policy("ttl", queues, {"message-ttl": 60_000, "max-length-bytes": 5_000}, priority=8)
    s.policy("expires", queues, {"expires": 600_000}, priority=7)
    s.policy("length", queues, {"max-length": 5}, priority=6)
    _policies_of(s, "stream", "classic", "quorum")
    of_streams = {
        "max-age": "1D",
        "stream-max-segment-size-bytes": 3_000_000_000,
        "initial-cluster-size": 0,
        "queue-leader-locator": "client-local",
    }
    s.policy("streams", queues, of_streams, priority=5)
    _policies_of(s, "stream", "classic", "quorum")
    s.policy("bytes", queues, {"max-length-bytes": 5_000, "queue-version": 2}, priority=20)
    _policies_of(s, "stream", "classic", "quorum")


def _fill(s, *queues: str) -> None:
    channel = s.channel("fill")
    channel.confirm_delivery()
    for number, queue in enumerate(queues):
        channel.basic_publish("", s.name(queue), f"{number}{MESSAGE}".encode())


def _look(s, queue: str, start) -> tuple[int, str] | None:
    """What a reader from there gets first: its offset, its number; None when it gets nothing."""
    came: list[tuple[int, str]] = []
    channel = s.channel("look:1")
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(
        s.name(queue),
        lambda _c, _m, properties, body: came.append((properties.headers["x-stream-offset"], body.decode()[:1])),
        consumer_tag="look",
        arguments={"x-stream-offset": start},
    )
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while not came and time.monotonic() < deadline:
        channel.connection.process_data_events(EVENT_SECONDS)
    s.close("look:1")
    return came[0] if came else None


def _wait_shorter(s, queue: str, meanwhile=lambda: None) -> None:
    """Until the stream begins behind its first message, and there it stays."""
    deadline = time.monotonic() + SHORTER_SECONDS_MAX
    first = before = None
    while first is None or first[0] == 0 or first != before:
        if time.monotonic() > deadline:
            s.note(f"{queue} is as long as ever")
            return
        if first is None or first[0] == 0:
            meanwhile()
        s.channel("fill").connection.process_data_events(LOOK_SECONDS)
        before, first = first, _look(s, queue, "first")
    s.note(f"{queue} has lost its oldest")


@scenario("`x-max-length-bytes`: the oldest go, in segments; an offset that is gone is the first that is there")
def bytes_by_argument(s):
    declare(s, max_length_bytes=KEPT_BYTES, stream_max_segment_size_bytes=SEGMENT_BYTES)
    _fill(s, *["q"] * MESSAGES)
    _wait_shorter(s, "q")
    first = _look(s, "q", "first")
    for start in (0, 1, "1h"):
        s.note(f"from {start} is from the first: {_look(s, 'q', start) == first}")
    s.note(f"the last is {_look(s, 'q', 'last')[1]}")


@scenario("`max-length-bytes` of a policy goes before the argument, lower or higher")
def bytes_by_policy(s):
    s.policy("low", "low", {"max-length-bytes": KEPT_BYTES})
    s.policy("high", "high", {"max-length-bytes": 1 << 40})
    declare(s, "low", max_length_bytes=1 << 40, stream_max_segment_size_bytes=SEGMENT_BYTES)
    for queue in ("high", "mark"):
        declare(s, queue, max_length_bytes=KEPT_BYTES, stream_max_segment_size_bytes=SEGMENT_BYTES)
    _fill(s, *["high", "low", "mark"] * MESSAGES)
    _wait_shorter(s, "mark")
    _wait_shorter(s, "low")
    s.note(f"high begins at {_look(s, 'high', 'first')[0]}")


@scenario("`max-length-bytes` of a policy that is set later holds from the next segment on")
def bytes_by_later_policy(s):
    declare(s, stream_max_segment_size_bytes=SEGMENT_BYTES)
    _fill(s, *["q"] * MESSAGES)
    s.policy("p", "q", {"max-length-bytes": KEPT_BYTES})
    _wait_shorter(s, "q", lambda: _fill(s, "q"))


@scenario("`x-max-age`: what is older goes, when there is a new segment")
def age_by_argument(s):
    declare(s, max_age="1s", stream_max_segment_size_bytes=SEGMENT_BYTES)
    _fill(s, "q")
    _wait_shorter(s, "q", lambda: _fill(s, "q"))


@scenario("a virtual host whose queues are streams, where they can be and do not say otherwise")
def default_type(s):
    classic = {"x-queue-type": "classic"}
    vhost = s.name("vhost")
    s.ctl("add_vhost", vhost, "--default-queue-type", "stream", shown="add_vhost")
    s.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*", shown="set_permissions")
    parameters = pika.ConnectionParameters(s.broker.host, s.broker.port, vhost, heartbeat=0)
    with pika.BlockingConnection(parameters) as connection:

        def ask(method: str, queue: str, **options) -> None:
            channel = connection.channel()
            s.ask(f"{method} {queue} {options}", lambda: getattr(channel, method)(queue, **options) and None)

        ask("queue_declare", "q", durable=True)
        ask("queue_declare", "q", durable=True, arguments=STREAM)
        ask("queue_declare", "q", durable=True, arguments=classic)
        ask("queue_declare", "classic", durable=True, arguments=classic)
        ask("queue_declare", "classic", durable=True)
        ask("queue_declare", "transient")
        ask("queue_declare", "exclusive", durable=True, exclusive=True)
        ask("queue_declare", "auto_delete", durable=True, auto_delete=True)
        ask("queue_declare", "limited", durable=True, arguments={"x-max-length": 5})
        ask("queue_declare", "", durable=True)
        for queue in ("transient", "exclusive", "auto_delete", "classic", "q"):
            ask("queue_purge", queue)
    s.ctl("delete_vhost", vhost, shown="delete_vhost")
