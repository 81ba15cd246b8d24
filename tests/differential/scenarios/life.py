# SPDX-License-Identifier: Apache-2.0
"""How old, how many, how urgent: TTL, limits, priorities, queues that expire; and policies of it."""

from scenario import add, scenario


@scenario("messages expire by the queue's TTL")
def queue_ttl(s):
    s.declare("q", arguments={"x-message-ttl": 20})
    s.publish("q", "m")
    s.wait_empty("q")
    s.empty("q")


@scenario("messages expire by their own")
def own_ttl(s):
    s.declare("q")
    s.publish("q", "m", expiration="20")
    s.wait_empty("q")


@scenario("the shorter of both")
def both_ttls(s):
    s.declare("q", arguments={"x-message-ttl": 600_000})
    s.publish("q", "m", expiration="20")
    s.wait_empty("q")


@scenario("one that lives long holds back those behind it")
def head_only(s):
    s.declare("q")
    s.declare("mark")
    s.publish("q", "long", expiration="600000")
    s.publish("q", "short", expiration="1")
    s.publish("mark", "short", expiration="1")
    s.wait_empty("mark")
    s.count("q")
    s.get("q")
    s.empty("q")


@scenario("TTL 0 and nobody there")
def zero(s):
    s.declare("q", arguments={"x-message-ttl": 0})
    s.confirmed("q", "m")
    s.count("q")


@scenario("TTL 0 and a consumer that waits")
def zero_with_consumer(s):
    s.declare("q", arguments={"x-message-ttl": 0})
    s.consume("q", auto_ack=True)
    s.publish("q", "a", "b", on="p")
    s.deliveries(2)


@scenario("TTL 0 and a consumer that is busy")
def zero_with_busy_consumer(s):
    s.declare("q", arguments={"x-message-ttl": 0})
    s.channel().basic_qos(prefetch_count=1)
    s.consume("q")
    s.publish("q", "a", on="p")
    s.deliveries(1)
    s.publish("q", "b", on="p")
    s.sync("p")
    s.count("q", on="p")


@scenario("what was delivered does not expire, and does when it comes back")
def requeued(s):
    s.declare("q")
    s.declare("mark")
    s.publish("q", "m", expiration="20")
    s.get("q", ack="keep")
    s.publish("mark", "m", expiration="30")
    s.wait_empty("mark")
    s.channel().basic_nack(s.tag(0))
    s.sync()
    s.wait_empty("q")


@scenario("a queue expires when nobody uses it")
def expires(s):
    s.declare("q", arguments={"x-expires": 40})
    s.wait_gone("q")
    s.count("q")


@scenario("a consumer keeps it")
def expires_consumer(s):
    s.declare("q", arguments={"x-expires": 40})
    s.declare("mark", arguments={"x-expires": 80})
    s.consume("q")
    s.wait_gone("mark")
    s.count("q")
    s.cancel()
    s.wait_gone("q")


@scenario("the oldest go from a full queue")
def length(s):
    s.declare("q", arguments={"x-max-length": 2})
    s.publish("q", *"abcd")
    s.sync()
    s.drain("q")


@scenario("bytes of bodies are counted")
def length_bytes(s):
    s.declare("q", arguments={"x-max-length-bytes": 4})
    s.publish("q", "aa", "bb", "c", "dddd", "e")
    s.sync()
    s.drain("q")


@scenario("one that is larger than the limit")
def too_large(s):
    s.declare("q", arguments={"x-max-length-bytes": 4})
    s.publish("q", "a", "too large")
    s.sync()
    s.drain("q")


@scenario("both limits")
def both_limits(s):
    s.declare("q", arguments={"x-max-length": 3, "x-max-length-bytes": 4})
    s.publish("q", "a", "b", "c", "d", "ee")
    s.sync()
    s.drain("q")


@scenario("unacknowledged messages do not count")
def unacked(s):
    s.declare("q", arguments={"x-max-length": 1})
    s.publish("q", "a")
    s.get("q", ack="keep")
    s.publish("q", "b")
    s.sync()
    s.count("q")
    s.drain("q")


for _overflow in ("drop-head", "reject-publish", "reject-publish-dlx"):
    add(
        "life",
        f"confirms_{_overflow.replace('-', '_')}",
        f"confirms of a full queue with {_overflow}",
        lambda s, overflow=_overflow: (
            s.declare("q", arguments={"x-max-length": 1, "x-overflow": overflow}),
            s.confirmed("q", "a"),
            s.confirmed("q", "b"),
            s.drain("q"),
        ),
    )


@scenario("refused by bytes")
def refused_by_bytes(s):
    s.declare("q", arguments={"x-max-length-bytes": 3, "x-overflow": "reject-publish"})
    s.confirmed("q", "aa")
    s.confirmed("q", "bb")
    s.confirmed("q", "c")
    s.drain("q")


@scenario("refused by one of two queues")
def refused_by_one(s):
    s.exchange("x", "fanout")
    s.declare("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    s.declare("q")
    s.bind("full", "x")
    s.bind("q", "x")
    s.confirmed("k", "m", exchange="x")
    s.drain("q")


@scenario("a limit of 0")
def nothing_fits(s):
    s.declare("q", arguments={"x-max-length": 0})
    s.confirmed("q", "m")
    s.count("q")
    s.consume("q", auto_ack=True)
    s.publish("q", "for the consumer", on="p")
    s.deliveries(1)


def _prioritised(messages, **arguments):
    def play(s):
        s.declare("q", arguments={"x-max-priority": 5} | arguments)
        for body, priority in messages:
            s.publish("q", body, priority=priority)
        s.sync()
        s.drain("q")

    return play


PRIORITIES = {
    "order": [("a", 1), ("b", 5), ("c", None), ("d", 3), ("e", 5), ("f", 0)],
    "beyond": [("a", 5), ("b", 200), ("c", 6), ("d", 4)],
    "none": [("a", None), ("b", None)],
}
for _name, _messages in PRIORITIES.items():
    add("life", f"priority_{_name}", f"priorities `{_messages}` up to 5", _prioritised(_messages))
add(
    "life",
    "priority_length",
    "a full queue with priorities",
    _prioritised([("a", 1), ("b", 3), ("c", 2), ("d", 0)], **{"x-max-length": 2}),
)


@scenario("a queue without priorities does not look at them")
def no_priorities(s):
    s.declare("q")
    s.publish("q", "a", priority=1)
    s.publish("q", "b", priority=9)
    s.sync()
    s.drain("q")


@scenario("requeued among priorities")
def priority_requeue(s):
    s.declare("q", arguments={"x-max-priority": 3})
    for body, priority in (("low", 1), ("high", 3), ("low too", 1)):
        s.publish("q", body, priority=priority)
    s.get("q", ack="keep")
    s.get("q", ack="keep")
    s.publish("q", "high too", priority=3)
    s.sync()
    s.channel().basic_nack(0, multiple=True)
    s.sync()
    s.drain("q")


@scenario("a policy's limit on a queue that is there")
def policy_limit(s):
    s.declare("q")
    s.publish("q", *"abc")
    s.sync()
    s.policy("p", "q", {"max-length": 1})
    s.publish("q", "d")
    s.sync()
    s.drain("q")
    s.clear_policy("p")
    s.publish("q", "e", "f")
    s.sync()
    s.drain("q")


@scenario("of two policies the one with the higher priority holds, alone")
def policy_priority(s):
    s.declare("q")
    s.policy("low", "q", {"max-length": 1, "overflow": "reject-publish"}, priority=1)
    s.policy("high", "q", {"max-length": 2}, priority=2)
    for body in "abc":
        s.confirmed("q", body)
    s.drain("q")
    s.clear_policy("high")
    for body in "de":
        s.confirmed("q", body)
    s.drain("q")


@scenario("a policy is for queues, exchanges or all")
def policy_apply_to(s):
    s.declare("q")
    for kind in ("exchanges", "queues", "all"):
        s.policy(kind, "q", {"max-length": 1}, apply_to=kind)
        s.publish("q", "a", "b")
        s.sync()
        s.drain("q")
        s.clear_policy(kind)
    s.policy("nothing", "q", {"max-length": 1}, apply_to="nothing")


@scenario("of a policy's number and an argument's the lower holds")
def policy_and_argument(s):
    s.declare("low", arguments={"x-max-length": 1})
    s.declare("high", arguments={"x-max-length": 9})
    s.policy("p", "(low|high)", {"max-length": 2})
    for queue in ("low", "high"):
        s.publish(queue, *"abc")
        s.sync()
        s.drain(queue)


@scenario("a policy's TTL is for what comes later")
def policy_ttl(s):
    s.declare("q")
    s.declare("mark", arguments={"x-message-ttl": 60})
    s.publish("q", "before")
    s.sync()
    s.policy("p", "q", {"message-ttl": 20})
    s.publish("mark", "m")
    s.wait_empty("mark")
    s.count("q")
    s.get("q")
    s.publish("q", "after")
    s.wait_empty("q")


@scenario("a queue expires by its policy")
def policy_expires(s):
    s.declare("q")
    s.policy("p", "q", {"expires": 20})
    s.wait_gone("q")


@scenario("a policy's dead letters, and an argument that goes before it")
def policy_dead_letters(s):
    s.declare("dead")
    s.declare("own")
    s.declare("q", arguments={"x-max-length": 0})
    s.ask(
        "declare r",
        lambda: s.channel().queue_declare(
            s.name("r"),
            arguments={
                "x-max-length": 0,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": s.name("own"),
            },
        ),
    )
    s.declared.append(("queue", s.name("r")))
    s.policy("p", "(q|r)", {"dead-letter-exchange": "", "dead-letter-routing-key": s.name("dead")})
    s.publish("q", "by policy")
    s.publish("r", "by argument")
    s.get("dead")
    s.get("own")


BAD_POLICIES = [
    {"message-ttl": -1},
    {"message-ttl": "x"},
    {"expires": 0},
    {"max-length": -1},
    {"max-length-bytes": "a"},
    {"overflow": "x"},
    {"dead-letter-exchange": 1},
    {"dead-letter-routing-key": 1},
    {"no-such-setting": 1},
    {"alternate-exchange": 1},
    {"queue-mode": "x"},
    {"queue-version": 3},
    {"queue-master-locator": "x"},
    {"queue-leader-locator": "x"},
    {"max-in-memory-length": -1},
    {"max-in-memory-bytes": "a"},
    {"ha-mode": "some"},
    {"ha-mode": "exactly"},
    {"ha-mode": "exactly", "ha-params": 0},
    {"ha-mode": "nodes", "ha-params": "a"},
    {"ha-mode": "all", "ha-params": 2},
    {"ha-params": 2},
    {"ha-mode": "all", "ha-sync-mode": "x"},
    {"ha-mode": "all", "ha-sync-batch-size": 0},
    {"ha-mode": "all", "ha-promote-on-shutdown": "x"},
    {"ha-mode": "all", "ha-promote-on-failure": "x"},
]
GOOD_POLICIES = [
    {"queue-mode": "lazy", "queue-version": 2, "queue-master-locator": "min-masters"},
    {"queue-leader-locator": "balanced", "initial-cluster-size": 3},
    {"max-in-memory-length": 0, "max-in-memory-bytes": 0},
    {"ha-mode": "all", "ha-sync-mode": "automatic", "ha-sync-batch-size": 1},
    {"ha-mode": "exactly", "ha-params": 2, "ha-promote-on-shutdown": "always"},
    {"ha-mode": "nodes", "ha-params": ["a"], "ha-promote-on-failure": "when-synced"},
]
OPERATORS = [
    {"message-ttl": 1000, "expires": 100000, "max-length": 1, "max-length-bytes": 1},
    {"max-in-memory-length": 0, "max-in-memory-bytes": 0},
    {"message-ttl": -1},
    {"overflow": "drop-head"},
    {"dead-letter-exchange": "x", "dead-letter-routing-key": "y"},
    {"alternate-exchange": "x"},
    {"queue-mode": "lazy"},
    {"ha-mode": "all"},
    {},
]


@scenario("policies that make no sense")
def bad_policies(s):
    for number, definition in enumerate(BAD_POLICIES):
        s.policy(f"bad{number}", "none", definition)


@scenario("policies that speak of what one node does not have")
def good_policies(s):
    for number, definition in enumerate(GOOD_POLICIES):
        s.policy(f"good{number}", "none", definition)


@scenario("what an operator's policy may say")
def operators_settings(s):
    for number, definition in enumerate(OPERATORS):
        s.operator_policy(f"p{number}", "none", definition)


def _operator_and_policy(operators: int, policys: int, overflow: str):
    def play(s):
        s.declare("q")
        s.policy("p", "q", {"max-length": policys, "overflow": overflow})
        s.operator_policy("p", "q", {"max-length": operators})
        s.confirmed("q", "a")
        s.confirmed("q", "b")
        s.drain("q")

    return play


add("life", "operator_lower", "an operator's limit is lower than the policy's", _operator_and_policy(1, 5, "reject-publish"))
add("life", "operator_higher", "an operator's limit is higher than the policy's", _operator_and_policy(5, 1, "drop-head"))


@scenario("an operator's limit is the only one, and an argument is lower")
def operator_alone(s):
    s.declare("q")
    s.declare("low", arguments={"x-max-length": 1})
    s.operator_policy("p", "(q|low)", {"max-length": 2})
    for queue in ("q", "low"):
        for body in "abc":
            s.confirmed(queue, body)
        s.drain(queue)


@scenario("an alternate exchange by policy, and an argument that goes before it")
def alternate_by_policy(s):
    s.exchange("lost", "fanout")
    s.exchange("own", "fanout")
    s.declare("q")
    s.declare("r")
    s.bind("q", "lost")
    s.bind("r", "own")
    s.exchange("x")
    s.exchange("y", arguments={"alternate-exchange": "own"})
    s.policy("p", "(x|y|z)", {"alternate-exchange": s.name("lost")}, apply_to="exchanges")
    s.exchange("z")
    for exchange in "xyz":
        s.confirmed("nowhere", exchange, exchange=exchange, mandatory=True)
    s.drain("q")
    s.drain("r")
    s.clear_policy("p")
    s.confirmed("nowhere", "x again", exchange="x", mandatory=True)
    s.drain("q")
