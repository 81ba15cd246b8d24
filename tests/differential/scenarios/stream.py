# SPDX-License-Identifier: Apache-2.0
"""Streams: declared, refused, published to, deleted."""

import time

from scenario import add, scenario
from stage import ANSWER_SECONDS_MAX, EVENT_SECONDS

STREAM = {"x-queue-type": "stream"}
FIRST = {"x-stream-offset": "first"}
INTERNAL_ERROR = "RabbitMQ ends the connection with an internal error; here it is refused as other wrong values are"


def declare(s, queue: str = "q", **arguments) -> None:
    s.declare(queue, durable=True, arguments=STREAM | {f"x-{k}".replace("_", "-"): v for k, v in arguments.items()})


def fill(s, *bodies: str, queue: str = "q", **properties) -> None:
    """Each is confirmed before the next is published: RabbitMQ counts and finds by what it wrote in one go."""
    s.channel("fill").confirm_delivery()
    s.publish(queue, *bodies, on="fill", **properties)


def consume(s, queue: str = "q", tag: str = "c", on: str = "main", prefetch: int = 100, start: dict = FIRST) -> None:
    """When it returns the reader has its place: what is published then is behind it."""
    s.channel(on).basic_qos(prefetch_count=prefetch)
    s.consume(queue, tag, on=on, arguments=start)
    s.sync(on)


def delete(s, queue: str = "q", **conditions) -> None:
    """Without the count in its answer, which RabbitMQ does not know."""
    s.ask(f"delete {queue}", lambda: s.channel("delete").queue_delete(s.name(queue), **conditions) and None)


@scenario("declare, declare again, publish, read, delete")
def lives(s):
    declare(s)
    declare(s)
    s.confirmed("q", "a")
    consume(s)
    s.deliveries(1)
    delete(s)
    s.count("q")


@scenario("declare what is not durable, exclusive, auto-delete, or without a name")
def flags(s):
    for wrong in (
        {"durable": False},
        {"exclusive": True},
        {"durable": True, "exclusive": True},
        {"durable": True, "auto_delete": True},
        {"auto_delete": True, "exclusive": True},
    ):
        s.declare("q", arguments=STREAM, **wrong)
    s.declare("", durable=True, arguments=STREAM)


OF_OTHER_TYPES = {
    "x-max-length": (5, "x"),
    "x-message-ttl": (1000,),
    "x-expires": (100000,),
    "x-dead-letter-exchange": ("", 5),
    "x-dead-letter-routing-key": ("k",),
    "x-dead-letter-strategy": ("at-most-once",),
    "x-overflow": ("drop-head",),
    "x-max-priority": (5,),
    "x-queue-mode": ("lazy",),
    "x-queue-version": (2,),
    "x-queue-master-locator": ("min-masters",),
    "x-single-active-consumer": (True,),
    "x-delivery-limit": (3,),
    "x-quorum-initial-group-size": (1,),
    "x-max-in-memory-length": (0,),
    "x-max-in-memory-bytes": (0,),
}


@scenario("declare with arguments of other types of queue")
def arguments_of_other_types(s):
    for name, values in OF_OTHER_TYPES.items():
        for value in values:
            s.declare("q", durable=True, arguments=STREAM | {name: value})


@scenario("declare with arguments that nobody knows, and with one of later versions")
def arguments_unknown(s):
    s.declare("a", durable=True, arguments=STREAM | {"x-mine": 1})
    s.declare("b", durable=True, arguments=STREAM | {"x-stream-filter-size-bytes": 16})


def _with_each(argument: str, values):
    def play(s):
        for number, value in enumerate(values):
            s.declare(f"q{number}", durable=True, arguments=STREAM | {argument: value})

    return play


AGES = ("1Y", "1M", "1D", "1h", "1m", "1s", "007s", "99999999999999999999Y")
WRONG_AGES = ("1y", "5", "0D", "1.5h", "1D1h", "1D ", 5, True, ["1D"], None)
AGES_WITHOUT_NUMBER = ("D", "-1D", " 1D", "")
VALUES = {
    "max_age": ("x-max-age", AGES),
    "max_age_wrong": ("x-max-age", WRONG_AGES),
    "max_bytes": ("x-max-length-bytes", (0, 5, 1 << 40, -1, "a", True)),
    "segment_size": ("x-stream-max-segment-size-bytes", (0, 500, 3_000_000_000, 3_000_000_001, -1, "a")),
    "cluster_size": ("x-initial-cluster-size", (1, 3, 0, -1, "a")),
    "locator": ("x-queue-leader-locator", ("client-local", "balanced", "random", "least-leaders", "", "x", 1)),
}
for _name, (_argument, _values) in VALUES.items():
    _shown = ", ".join(repr(one) for one in _values)
    add("stream", f"argument_{_name}", f"declare with `{_argument}` = `{_shown}`", _with_each(_argument, _values))
add(
    "stream",
    "argument_max_age_without_number",
    f"declare with `x-max-age` = `{', '.join(repr(age) for age in AGES_WITHOUT_NUMBER)}`",
    _with_each("x-max-age", AGES_WITHOUT_NUMBER),
    differs=INTERNAL_ERROR,
    ours="\n".join(
        f"declare q{number} durable=True arguments={STREAM | {'x-max-age': age}}: channel closed 406 "
        f"PRECONDITION_FAILED - invalid arg 'x-max-age' for queue 'q{number}' in vhost '/': invalid_max_age"
        for number, age in enumerate(AGES_WITHOUT_NUMBER)
    ),
)


@scenario("of several mistakes of a declare: values, arguments that streams do not have, flags, the largest segment")
def first_mistake(s):
    mistakes = {
        "x-initial-cluster-size": 0,
        "x-stream-max-segment-size-bytes": -1,
        "x-max-age": "1y",
        "x-max-length-bytes": -1,
        "x-overflow": "x",
        "x-max-length": 1,
    }
    s.declare("", arguments=STREAM | mistakes)
    for right in ("x-max-length-bytes", "x-max-age", "x-stream-max-segment-size-bytes", "x-initial-cluster-size"):
        s.declare("q", exclusive=True, auto_delete=True, arguments=STREAM | mistakes)
        del mistakes[right]
    s.declare("q", exclusive=True, auto_delete=True, arguments=STREAM | mistakes)
    too_large = STREAM | {"x-stream-max-segment-size-bytes": 3_000_000_001}
    s.declare("q", exclusive=True, auto_delete=True, arguments=too_large)
    s.declare("q", exclusive=True, arguments=too_large)
    s.declare("q", arguments=too_large)
    s.declare("q", durable=True, arguments=too_large)


@scenario("declare again as another type of queue")
def again_type(s):
    declare(s)
    s.declare("q", durable=True)
    for kind in ("classic", "quorum"):
        s.declare("q", durable=True, arguments={"x-queue-type": kind})
    s.declare("classic", durable=True)
    declare(s, "classic")
    s.declare("said", durable=True, arguments={"x-queue-type": "classic"})
    declare(s, "said")


@scenario("declare again with other flags")
def again_flags(s):
    declare(s)
    s.declare("q", arguments=STREAM)
    s.declare("q", durable=True, auto_delete=True, arguments=STREAM)
    s.declare("q", durable=True, exclusive=True, arguments=STREAM)


@scenario("declare again with another `x-max-age`, as long or not")
def again_max_age(s):
    declare(s)
    declare(s, max_age="1D")
    declare(s, "aged", max_age="1D")
    for age in ("1D", "24h", "2D", "1y"):
        declare(s, "aged", max_age=age)
    declare(s, "aged")


@scenario("declare again with other arguments; those of other types of queue are not compared")
def again_arguments(s):
    first = {
        "max_length_bytes": 5000,
        "stream_max_segment_size_bytes": 500,
        "initial_cluster_size": 1,
        "queue_leader_locator": "random",
    }
    others = {
        "max_length_bytes": 6000,
        "stream_max_segment_size_bytes": 600,
        "initial_cluster_size": 2,
        "queue_leader_locator": "balanced",
    }
    declare(s, **first)
    declare(s, **first)
    for name, other in others.items():
        declare(s, **first | {name: other})
    declare(s, **first, max_length=5, mine=1)


@scenario("get is refused")
def get(s):
    declare(s)
    s.ask("get", lambda: s.channel().basic_get(s.name("q")))
    s.ask("get without ack", lambda: s.channel().basic_get(s.name("q"), auto_ack=True))


@scenario("purge is refused")
def purge(s):
    declare(s)
    s.ask("purge", lambda: s.channel().queue_purge(s.name("q")))


@scenario("consume without a prefetch, or without acknowledgements")
def consume_without(s):
    declare(s)
    s.consume("q")
    s.consume("q", auto_ack=True)
    s.channel().basic_qos(prefetch_count=1)
    s.consume("q", auto_ack=True)


@scenario("consume with a prefetch that the channel shares")
def consume_shared_prefetch(s):
    declare(s)
    for own, options in ((0, {}), (5, {}), (5, {"auto_ack": True})):
        s.channel().basic_qos(prefetch_count=own)
        s.channel().basic_qos(prefetch_count=5, global_qos=True)
        s.consume("q", **options)


@scenario("consume with arguments of other types of queue; these are looked at before prefetch and acknowledgements")
def consume_arguments(s):
    declare(s)
    for arguments in (
        {"x-priority": 1},
        {"x-priority": "a"},
        {"x-cancel-on-ha-failover": True},
        {"x-priority": 1, "x-stream-offset": "1X"},
    ):
        s.channel().basic_qos(prefetch_count=1)
        s.consume("q", arguments=arguments)
        s.consume("q", arguments=arguments, auto_ack=True)


@scenario("consume with an argument that nobody knows")
def consume_unknown_arguments(s):
    declare(s)
    fill(s, "a")
    consume(s, start=FIRST | {"x-mine": 1})
    s.deliveries(1)


@scenario(
    "consume with `x-stream-filter`",
    differs="RabbitMQ knows filters from 3.13 on; here a consumer gets what it asked for",
    ours="deliveries main: ['c:b']",
)
def consume_with_filter(s):
    declare(s)
    fill(s, "a")
    fill(s, "b", headers={"x-stream-filter-value": "b"})
    consume(s, start=FIRST | {"x-stream-filter": "b"})
    s.deliveries(1)


@scenario("nack and reject are refused")
def nack(s):
    declare(s)
    fill(s, "a", "b")
    for act in (
        lambda channel, tag: channel.basic_nack(tag),
        lambda channel, tag: channel.basic_nack(tag, requeue=False),
        lambda channel, tag: channel.basic_nack(0, multiple=True),
        lambda channel, tag: channel.basic_reject(tag),
        lambda channel, tag: channel.basic_reject(tag, requeue=False),
        lambda channel, tag: channel.basic_nack(tag + 1),
    ):
        consume(s)
        s.deliveries(2)
        act(s.channel(), 2)
        s.sync()


@scenario("nack is refused after the consumer was cancelled, too")
def nack_after_cancel(s):
    declare(s)
    fill(s, "a")
    consume(s)
    s.deliveries(1)
    s.cancel()
    s.channel().basic_nack(s.tag(0))
    s.sync()


@scenario(
    "nack in a transaction",
    differs="RabbitMQ refuses it when it is committed; here it is refused at once",
    ours="connection closed 540 NOT_IMPLEMENTED - basic.nack and basic.reject not supported by stream queues",
)
def nack_in_transaction(s):
    declare(s)
    fill(s, "a")
    s.channel().tx_select()
    consume(s)
    s.deliveries(1)
    s.channel().basic_nack(s.tag(0))
    s.sync()
    s.ask("commit", lambda: s.channel().tx_commit())


@scenario("nack of all, of a stream and of a classic queue: refused, and the other message is back in its queue")
def nack_with_another_queue(s):
    declare(s)
    s.declare("classic")
    fill(s, "a")
    s.publish("classic", "b")
    consume(s, tag="stream")
    s.deliveries(1)
    consume(s, "classic", tag="classic", start={})
    s.deliveries(1)
    s.channel().basic_nack(0, multiple=True)
    s.sync()
    s.get("classic")


@scenario(
    "recover is refused where messages of a stream are not acknowledged",
    differs="RabbitMQ ends the connection with an internal error; here it is refused as `basic.nack` is",
    ours="connection closed 540 NOT_IMPLEMENTED - basic.recover not supported by stream queues queue 'q' in vhost '/'",
)
def recover(s):
    declare(s)
    fill(s, "a")
    consume(s)
    s.deliveries(1)
    s.ask("recover", lambda: s.channel().basic_recover(requeue=True))


@scenario("recover where all is acknowledged, and without requeue")
def recover_nothing(s):
    declare(s)
    fill(s, "a")
    consume(s)
    s.deliveries(1, then="ack")
    s.ask("recover", lambda: s.channel().basic_recover(requeue=True))
    s.ask("recover without requeue", lambda: s.channel().basic_recover(requeue=False))


@scenario("by exchanges, and beside a classic queue; no longer when unbound")
def by_exchanges(s):
    declare(s)
    s.declare("classic")
    s.exchange("all", "fanout")
    s.exchange("some", "topic")
    s.bind("q", "all")
    s.bind("classic", "all")
    s.bind("q", "some", "a.#")
    s.confirmed("k", "by fanout", exchange="all", mandatory=True)
    s.confirmed("a.b", "by topic", exchange="some", mandatory=True)
    s.confirmed("b", "nowhere", exchange="some", mandatory=True)
    s.unbind("q", "some", "a.#")
    s.confirmed("a.b", "no longer", exchange="some", mandatory=True)
    s.get("classic")
    consume(s)
    s.deliveries(2, whole=True)


@scenario("bound twice and named by CC, it has a message once")
def once(s):
    declare(s)
    s.exchange("x", "topic")
    s.bind("q", "x", "a")
    s.bind("q", "x", "#")
    fill(s, "a", queue="a", exchange="x")
    fill(s, "b", queue="nobody", headers={"CC": [s.name("q"), s.name("q")]})
    consume(s)
    s.deliveries(2)


@scenario("as an alternate exchange's queue")
def alternate(s):
    declare(s)
    s.exchange("lost", "fanout")
    s.bind("q", "lost")
    s.exchange("x", arguments={"alternate-exchange": "lost"})
    s.confirmed("nobody", "a", exchange="x", mandatory=True)
    consume(s)
    s.deliveries(1, whole=True)


@scenario("published many at once, read in their order")
def in_order(s):
    declare(s)
    s.publish("q", *(str(number) for number in range(200)), on="many")
    s.sync("many")
    consume(s, prefetch=1000)
    s.deliveries(200)


@scenario("in a transaction: nothing before its commit, nothing after a rollback")
def transaction(s):
    declare(s)
    s.ask("select", lambda: s.channel("tx").tx_select())
    s.publish("q", "rolled back", on="tx")
    s.ask("rollback", lambda: s.channel("tx").tx_rollback())
    s.publish("q", "committed", on="tx")
    s.sync("tx")
    consume(s)
    s.deliveries(0)
    s.ask("commit", lambda: s.channel("tx").tx_commit())
    s.deliveries(1)


@scenario("`expiration` and `priority` are kept and have no effect; a wrong `expiration` is refused")
def expiration(s):
    declare(s)
    fill(s, "a", expiration="0")
    fill(s, "b", expiration="1", priority=9)
    fill(s, "c")
    s.publish("q", "d", expiration="x", on="wrong")
    s.sync("wrong")
    consume(s)
    s.deliveries(3, whole=True)


@scenario(
    "dead letters of a classic queue",
    differs="RabbitMQ 3.10 drops dead letters of classic queues that are for a stream; here the stream has them",
    ours="deliveries main: ['c:dead']",
)
def dead_letters(s):
    declare(s)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": s.name("q")}
    s.channel().queue_declare(s.name("source"), arguments=arguments)
    s.declared.append(("queue", s.name("source")))
    s.publish("source", "dead")
    s.get("source", ack="reject")
    consume(s)
    s.deliveries(1)


@scenario("dead letters of a quorum queue, at least once")
def dead_letters_at_least_once(s):
    declare(s)
    arguments = {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-dead-letter-strategy": "at-least-once",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": s.name("q"),
    }
    s.channel().queue_declare(s.name("source"), durable=True, arguments=arguments)
    s.declared.append(("queue", s.name("source")))
    s.publish("source", "dead")
    s.get("source", ack="reject")
    consume(s)
    s.deliveries(1)


@scenario(
    "what an exchange of the type x-recent-history remembers",
    differs="RabbitMQ 3.10 drops remembered messages that are for a stream; here the stream has them",
    ours="deliveries main: ['c:remembered']",
)
def history(s):
    declare(s)
    s.exchange("x", "x-recent-history")
    s.publish("k", "remembered", exchange="x")
    s.sync()
    s.bind("q", "x")
    consume(s)
    s.deliveries(1)


@scenario(
    "delete: its conditions",
    differs="RabbitMQ 3.10 deletes a stream whatever the conditions say; here they hold, as they do for other queues",
    ours="PRECONDITION_FAILED - queue 'q' in vhost '/' in use",
)
def delete_if(s):
    for conditions in ({"if_unused": True}, {"if_empty": True}, {"if_unused": True, "if_empty": True}):
        declare(s)
        fill(s, "a")
        consume(s, on="other:1")
        s.deliveries(1, on="other:1")
        delete(s, **conditions)
        s.count("q")
        s.close("other")


def _wait_cancelled(s) -> None:
    """Until the broker has cancelled the consumer, which is noted when it comes."""
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while "cancelled c" not in s.lines and time.monotonic() < deadline:
        s.channel().connection.process_data_events(EVENT_SECONDS)


@scenario("delete: consumers are told, their deliveries can be acknowledged")
def told(s):
    declare(s)
    fill(s, "a")
    consume(s)
    s.deliveries(1)
    delete(s)
    _wait_cancelled(s)
    s.channel().basic_ack(s.tag(0))
    s.sync()
    s.note("that is all")


@scenario("delete, and declare another of the name: its offsets begin at 0")
def anew(s):
    declare(s)
    fill(s, "a", "b")
    delete(s)
    delete(s)
    declare(s)
    fill(s, "c")
    consume(s)
    s.deliveries(1, whole=True)


@scenario("what the event exchange says when a stream is made and deleted")
def events(s):
    s.listen("queue.*")
    declare(s, max_age="1D")
    delete(s)
    s.events(2)


@scenario(
    "what the event exchange says when a consumer comes and goes",
    differs="RabbitMQ tells of a stream's consumers only when they go; here also when they come",
    ours="event consumer.created: ",
)
def events_of_consumers(s):
    declare(s)
    s.listen("consumer.*")
    consume(s)
    s.cancel()
    s.events(2)


@scenario(
    "how many messages and consumers it has",
    differs="RabbitMQ counts messages seconds later, and no consumers; here both are what they are",
    ours="count q: ok q 2 1",
)
def counted(s):
    declare(s)
    fill(s, "a", "b")
    consume(s)
    s.deliveries(2)
    s.count("q")


@scenario(
    "how many messages went with it",
    differs="RabbitMQ says that there were none; here it is how many there were",
    ours="delete: ok 2",
)
def counted_at_delete(s):
    declare(s)
    fill(s, "a", "b")
    s.ask("delete", lambda: s.channel().queue_delete(s.name("q")))
