# SPDX-License-Identifier: Apache-2.0
"""Consuming, getting, and what is said of messages."""

from scenario import add, scenario


@scenario("messages come in their order")
def order(s):
    s.declare("q")
    s.publish("q", *"abcde")
    s.consume("q", auto_ack=True)
    s.deliveries(5)


@scenario("a consumer tag twice, on one channel and on another")
def tags(s):
    s.declare("q")
    s.consume("q", "t")
    s.consume("q", "t", on="second")
    s.ask("cancel of nothing", lambda: s.channel().basic_cancel("none"))


@scenario("an exclusive consumer is alone")
def exclusive(s):
    s.declare("q")
    s.consume("q", "a", exclusive=True)
    s.consume("q", "b", on="other:1")
    s.cancel("a")
    s.consume("q", "b", on="other:1")
    s.consume("q", "c", exclusive=True)


@scenario("prefetch: no more than so many without acknowledgement")
def prefetch(s):
    s.declare("q")
    s.publish("q", *"abcde")
    s.channel().basic_qos(prefetch_count=2)
    s.consume("q")
    s.deliveries(2)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(1)
    s.channel().basic_ack(s.tag(2), multiple=True)
    s.deliveries(2)


@scenario("prefetch for the whole channel")
def prefetch_global(s):
    s.declare("q")
    s.declare("r")
    s.channel().basic_qos(prefetch_count=2, global_qos=True)
    s.consume("q", "c")
    s.consume("r", "d")
    s.publish("q", "a", on="p")
    s.deliveries(1)
    s.publish("r", "b", "c", on="p")
    s.deliveries(1)
    s.channel().basic_ack(s.tag(0))
    s.deliveries(1)


@scenario("prefetch in bytes is not there")
def prefetch_size(s):
    s.ask("qos", lambda: s.channel().basic_qos(prefetch_size=100))


@scenario("prefetch does not hold who does not acknowledge")
def prefetch_no_ack(s):
    s.declare("q")
    s.publish("q", *"abc")
    s.channel().basic_qos(prefetch_count=1)
    s.consume("q", auto_ack=True)
    s.deliveries(3)


@scenario("consumers take turns")
def turns(s):
    s.declare("q")
    s.consume("q", "a", auto_ack=True)
    s.consume("q", "b", auto_ack=True)
    for body in "123456":
        s.publish("q", body, on="p")
        s.sync("p")
    s.deliveries(6)


@scenario("a higher priority comes first, as long as it can")
def priorities(s):
    s.declare("q")
    s.channel().basic_qos(prefetch_count=1)
    s.consume("q", "low", arguments={"x-priority": -1})
    s.consume("q", "high", arguments={"x-priority": 10})
    s.consume("q", "plain")
    for body in "1234":
        s.publish("q", body, on="p")
        s.sync("p")
    s.deliveries(3)


for _number, _value in enumerate(("text", True)):
    add(
        "consume",
        f"priority_bad_{_number}",
        f"consume with x-priority `{_value!r}`",
        lambda s, value=_value: (s.declare("q"), s.consume("q", arguments={"x-priority": value})),
    )


@scenario("consume with an argument that nobody knows, and with one of mirrored queues")
def unknown_arguments(s):
    s.declare("q")
    s.publish("q", "a", "b")
    s.consume("q", arguments={"x-mine": 1, "x-cancel-on-ha-failover": True}, auto_ack=True)
    s.deliveries(2)


@scenario("what is not acknowledged comes back in its place, and marked")
def comes_back(s):
    s.declare("q")
    s.publish("q", *"abcd")
    s.consume("q", on="other:1")
    s.deliveries(4, on="other:1")
    s.channel("other:1").basic_ack(s.tag(1, "other:1"))
    s.sync("other:1")
    s.close("other:1")
    s.consume("q", "again", auto_ack=True)
    s.deliveries(3)


@scenario("cancelled consumers keep what they have")
def cancelled(s):
    s.declare("q")
    s.publish("q", *"ab")
    s.consume("q")
    s.deliveries(2)
    s.cancel()
    s.count("q")
    s.channel().basic_nack(s.tag(1), multiple=True)
    s.sync()
    s.drain("q")


@scenario("nack and reject, one and several, with and without requeue")
def nacks(s):
    s.declare("q")
    s.publish("q", *"abcdef")
    for _ in range(6):
        s.get("q", ack="keep")
    channel = s.channel()
    channel.basic_nack(s.tag(1), multiple=True, requeue=True)
    channel.basic_nack(s.tag(2), requeue=False)
    channel.basic_reject(s.tag(3), requeue=True)
    channel.basic_nack(0, multiple=True, requeue=True)
    s.sync()
    s.drain("q")


@scenario("recover: all comes back")
def recover(s):
    s.declare("q")
    s.publish("q", *"ab")
    s.get("q", ack="keep")
    s.get("q", ack="keep")
    s.ask("recover", lambda: s.channel().basic_recover(requeue=True))
    s.drain("q")
    s.ask("recover without requeue", lambda: s.channel().basic_recover(requeue=False))


UNKNOWN = {
    "ack": lambda c: c.basic_ack(5),
    "ack_multiple": lambda c: c.basic_ack(5, multiple=True),
    "ack_0": lambda c: c.basic_ack(0),
    "ack_0_multiple": lambda c: c.basic_ack(0, multiple=True),
    "nack": lambda c: c.basic_nack(5),
    "reject": lambda c: c.basic_reject(5),
}


def _unknown(act):
    def play(s):
        act(s.channel())
        s.sync()
        s.note("that is all")

    return play


def _twice(act):
    def play(s):
        s.declare("q")
        s.publish("q", "m")
        s.get("q", ack="ack")
        act(s.channel(), s.tag(0))
        s.sync()

    return play


for _name, _act in UNKNOWN.items():
    add("consume", f"unknown_{_name}", f"{_name} of what was never delivered", _unknown(_act))
for _name, _act in {
    "ack": lambda c, tag: c.basic_ack(tag),
    "nack": lambda c, tag: c.basic_nack(tag),
    "reject": lambda c, tag: c.basic_reject(tag),
    "ack_multiple": lambda c, tag: c.basic_ack(tag, multiple=True),
}.items():
    add("consume", f"twice_{_name}", f"{_name} of what was acknowledged before", _twice(_act))


@scenario("get: what is left is said, and nothing is said of nothing")
def get(s):
    s.declare("q")
    s.publish("q", "a", "b")
    s.sync()
    s.ask("left", lambda: s.channel().basic_get(s.name("q"), auto_ack=True)[0].message_count)
    s.get("q")
    s.empty("q")


@scenario("requeued by who got it, got again")
def get_requeue(s):
    s.declare("q")
    s.publish("q", "a", "b")
    s.get("q", ack="requeue")
    s.get("q")
    s.get("q")


@scenario("single active consumer: one gets all, the next when its channel goes")
def single_active(s):
    s.declare("q", arguments={"x-single-active-consumer": True})
    s.consume("q", "a", on="first:1", auto_ack=True)
    s.consume("q", "b", on="second:1", auto_ack=True)
    s.publish("q", "1", "2", "3")
    s.deliveries(3, on="first:1")
    s.deliveries(0, on="second:1")
    s.close("first")
    s.publish("q", "4", "5")
    s.deliveries(2, on="second:1")


@scenario("single active consumer: exclusive is refused")
def single_active_exclusive(s):
    s.declare("q", arguments={"x-single-active-consumer": True})
    s.consume("q", "a", exclusive=True)


@scenario("single active consumer: cancelled while another waits")
def single_active_cancelled(s):
    s.declare("q", arguments={"x-single-active-consumer": True})
    s.consume("q", "a", on="first:1", auto_ack=True)
    s.consume("q", "b", on="second:1", auto_ack=True)
    s.cancel("a", on="first:1")
    s.publish("q", "1", "2")
    s.deliveries(2, on="second:1")


@scenario("single active consumer: who is next, by priority and by age")
def single_active_priority(s):
    s.declare("q", arguments={"x-single-active-consumer": True})
    s.consume("q", "a", on="first:1", auto_ack=True)
    s.consume("q", "b", on="second:1", auto_ack=True)
    s.consume("q", "hi", on="third:1", auto_ack=True, arguments={"x-priority": 10})
    s.publish("q", "1")
    s.deliveries(1, on="first:1")
    s.close("first")
    s.publish("q", "2")
    s.deliveries(1, on="third:1")
    s.deliveries(0, on="second:1")
    s.close("third")
    s.publish("q", "3")
    s.deliveries(1, on="second:1")


@scenario("single active consumer: cancelled while one with a higher priority waits")
def single_active_priority_cancelled(s):
    s.declare("q", arguments={"x-single-active-consumer": True})
    s.consume("q", "a", on="first:1", auto_ack=True)
    s.consume("q", "b", on="second:1", auto_ack=True)
    s.consume("q", "hi", on="third:1", auto_ack=True, arguments={"x-priority": 10})
    s.cancel("a", on="first:1")
    s.publish("q", "1")
    s.deliveries(1, on="third:1")
    s.deliveries(0, on="second:1")
