# SPDX-License-Identifier: Apache-2.0
"""Quorum queues, on one node."""

from scenario import add, scenario

QUORUM = {"x-queue-type": "quorum"}


def declare(s, queue: str, **arguments) -> None:
    s.declare(queue, durable=True, arguments=QUORUM | {f"x-{k}".replace("_", "-"): v for k, v in arguments.items()})


@scenario("declare, publish, get, purge, delete")
def lives(s):
    declare(s, "q")
    declare(s, "q")
    s.confirmed("q", "a")
    s.get("q")
    s.confirmed("q", "b")
    s.ask("purge", lambda: s.channel().queue_purge(s.name("q")))
    s.ask("delete", lambda: s.channel().queue_delete(s.name("q")))
    s.count("q")


FLAGS = {
    "not_durable": {"durable": False},
    "exclusive": {"exclusive": True},
    "exclusive_and_durable": {"durable": True, "exclusive": True},
    "auto_delete": {"durable": True, "auto_delete": True},
}


def _with_flags(flags):
    def play(s):
        s.declare("q", arguments=QUORUM, **flags)

    return play


for _name, _flags in FLAGS.items():
    add("quorum", f"flags_{_name}", f"declare with `{_flags}`", _with_flags(_flags))


@scenario("declare without a name")
def server_named(s):
    s.declare("", durable=True, arguments=QUORUM)


ARGUMENTS = [
    ("x-max-priority", 5),
    ("x-delivery-limit", 3),
    ("x-delivery-limit", -1),
    ("x-message-ttl", 1000),
    ("x-expires", 100000),
    ("x-max-length", 5),
    ("x-max-length-bytes", 5),
    ("x-overflow", "reject-publish"),
    ("x-overflow", "drop-head"),
    ("x-overflow", "x"),
    ("x-dead-letter-exchange", ""),
    ("x-dead-letter-strategy", "at-least-once"),
    ("x-dead-letter-strategy", "x"),
    ("x-queue-mode", "lazy"),
    ("x-queue-version", 2),
    ("x-single-active-consumer", True),
    ("x-queue-master-locator", "min-masters"),
    ("x-queue-leader-locator", "balanced"),
    ("x-queue-leader-locator", "x"),
    ("x-quorum-initial-group-size", 1),
    ("x-quorum-initial-group-size", 0),
    ("x-initial-cluster-size", 1),
    ("x-max-in-memory-length", 0),
    ("x-max-in-memory-bytes", -1),
    ("x-max-age", "1D"),
    ("x-stream-max-segment-size-bytes", 100),
    ("x-unknown", 1),
]


def _with_argument(name, value):
    def play(s):
        s.declare("q", durable=True, arguments=QUORUM | {name: value})

    return play


for _number, (_argument, _value) in enumerate(ARGUMENTS):
    add(
        "quorum",
        f"argument_{_number:02}_{_argument.replace('-', '_')}",
        f"declare with `{_argument}` = `{_value}`",
        _with_argument(_argument, _value),
    )

add(
    "quorum",
    "argument_limit_text",
    "declare with `x-delivery-limit` = `a`",
    _with_argument("x-delivery-limit", "a"),
    differs="RabbitMQ 3.10 takes any value and has no limit then",
    ours="expected integer, got longstr",
)


@scenario("declared again as another type, or with another limit")
def again(s):
    declare(s, "q", delivery_limit=3)
    s.declare("q", durable=True)
    s.declare("q", durable=True, arguments={"x-queue-type": "classic"})
    declare(s, "q")
    declare(s, "q", delivery_limit=4)
    s.declare("classic", durable=True)
    declare(s, "classic")


@scenario("the count of a message that comes back, in whatever way")
def counts(s):
    declare(s, "q")
    s.publish("q", "a", headers={"z": 1, "a": 2})
    s.get("q", ack="requeue")
    s.get("q", ack="keep")
    s.channel().basic_nack(s.tag(1))
    s.get("q", ack="keep")
    s.close("main")
    s.get("q", ack="keep", on="two")
    s.channel("two").basic_recover(True)
    s.get("q", on="two")


@scenario("a count that the publisher made up")
def forged(s):
    declare(s, "q")
    s.publish("q", "a", headers={"x-delivery-count": 7})
    s.get("q", ack="requeue")
    s.get("q")


def _limit(most: int):
    def play(s):
        s.declare("dead")
        declare(s, "q", delivery_limit=most, dead_letter_exchange="", dead_letter_routing_key=s.name("dead"))
        s.publish("q", "a")
        for _ in range(most + 1):
            s.get("q", ack="requeue")
        s.get("dead")
        s.empty("q")

    return play


for _most in (0, 2):
    add(
        "quorum", f"limit_{_most}", f"a message that came back more often than its limit of {_most} dies", _limit(_most)
    )


@scenario("of a policy's limit and an argument's the lower holds; classic queues have none by policy")
def limit_by_policy(s):
    s.policy("p", "", {"delivery-limit": 1})
    s.declare("dead")
    declare(s, "q", delivery_limit=5, dead_letter_exchange="", dead_letter_routing_key=s.name("dead"))
    s.publish("q", "a")
    for _ in range(2):
        s.get("q", ack="requeue")
    s.get("dead")
    s.declare("classic", durable=True)
    s.publish("classic", "b")
    for _ in range(3):
        s.get("classic", ack="requeue")
    s.get("classic")


@scenario("rejected messages die as in any queue")
def rejected(s):
    s.declare("dead")
    declare(s, "q", dead_letter_exchange="", dead_letter_routing_key=s.name("dead"))
    s.publish("q", "a")
    s.get("q", ack="reject")
    s.get("dead")


@scenario("a shared prefetch is refused")
def global_qos(s):
    declare(s, "q")
    s.ask("qos", lambda: s.channel().basic_qos(prefetch_count=5, global_qos=True))
    s.consume("q")


@scenario("get from a queue with a single active consumer is refused")
def get_of_single(s):
    declare(s, "q", single_active_consumer=True)
    s.ask("get", lambda: s.channel().basic_get(s.name("q")))


@scenario("delete on a condition is refused")
def delete_if(s):
    declare(s, "q")
    s.ask("if unused", lambda: s.channel().queue_delete(s.name("q"), if_unused=True))
    s.ask("if empty", lambda: s.channel("b").queue_delete(s.name("q"), if_empty=True))
    s.ask("delete", lambda: s.channel("b").queue_delete(s.name("q")))


@scenario("a length limit keeps the newest")
def length(s):
    declare(s, "q", max_length=2)
    for body in "abcd":
        s.confirmed("q", body)
    s.drain("q")


@scenario("the property priority is passed over")
def priorities(s):
    declare(s, "q")
    s.publish("q", "low", priority=1)
    s.publish("q", "high", priority=9)
    s.get("q")
    s.get("q")


@scenario("in a transaction")
def transaction(s):
    declare(s, "q")
    s.ask("select", lambda: s.channel().tx_select())
    s.publish("q", "a")
    s.ask("commit", lambda: s.channel().tx_commit())
    s.get("q", on="two")


@scenario(
    "a message that comes back, and those behind it",
    differs="without a limit RabbitMQ 3.10 puts it behind all others; later versions do as Leveret",
    ours="get q: a* exchange",
)
def order(s):
    declare(s, "q")
    for body in "abc":
        s.confirmed("q", body)
    s.get("q", ack="requeue")
    s.get("q")


@scenario("a policy with a setting of classic queues alone does not apply, whatever else it says")
def policy_of_classic_queues(s):
    s.policy("p", "(q|classic)", {"ha-mode": "all", "max-length": 1})
    declare(s, "q")
    s.declare("classic", durable=True)
    for queue in ("q", "classic"):
        s.confirmed(queue, "a")
        s.confirmed(queue, "b")
        s.drain(queue)


@scenario("a policy with a setting of quorum queues alone leaves a classic queue to the next")
def policy_of_quorum_queues(s):
    s.policy("high", "(q|classic)", {"delivery-limit": 5, "max-length": 2}, priority=1)
    s.policy("low", "(q|classic)", {"max-length": 1})
    declare(s, "q")
    s.declare("classic", durable=True)
    for queue in ("q", "classic"):
        for body in "abc":
            s.confirmed(queue, body)
        s.drain(queue)


@scenario("likewise an operator's")
def operator_policy_of_quorum_queues(s):
    s.operator_policy("p", "(q|classic)", {"delivery-limit": 5, "max-length": 1})
    declare(s, "q")
    s.declare("classic", durable=True)
    for queue in ("q", "classic"):
        s.confirmed(queue, "a")
        s.confirmed(queue, "b")
        s.drain(queue)


@scenario("a policy's overflow goes before the argument")
def policy_overflow(s):
    s.policy("p", "(q|classic)", {"overflow": "reject-publish"})
    declare(s, "q", max_length=1, overflow="drop-head")
    s.declare("classic", durable=True, arguments={"x-max-length": 1, "x-overflow": "drop-head"})
    for queue in ("q", "classic"):
        s.publish(queue, *"abcdef")
        s.sync()
        s.get(queue)


@scenario(
    "reject-publish, and publishes that do not wait for confirms",
    differs="RabbitMQ takes some beyond the limit before it refuses",
    ours="drain q: ['a']",
)
def refusing(s):
    declare(s, "q", max_length=1, overflow="reject-publish")
    s.publish("q", *"abcdef")
    s.sync()
    s.drain("q")


@scenario("reject-publish-dlx is drop-head")
def reject_publish_dlx(s):
    s.declare("dead")
    declare(
        s,
        "q",
        max_length=1,
        overflow="reject-publish-dlx",
        dead_letter_exchange="",
        dead_letter_routing_key=s.name("dead"),
    )
    for body in "abc":
        s.confirmed("q", body)
    s.drain("q")
    s.drain("dead")
