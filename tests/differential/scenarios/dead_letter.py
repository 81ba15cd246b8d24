# SPDX-License-Identifier: Apache-2.0
"""Dead letters: why, where, and what they say of it."""

from scenario import add, scenario


def to(s, queue: str = "dead", **more) -> dict:
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": s.name(queue)} | {
        key.replace("_", "-"): value for key, value in more.items()
    }


def source(s, **more) -> None:
    """q, whose dead letters go to dead; shown without its arguments."""
    s.declare("dead")
    s.ask("declare q", lambda: s.channel().queue_declare(s.name("q"), arguments=to(s, **more)))
    s.declared.append(("queue", s.name("q")))


@scenario("rejected")
def by_reject(s):
    source(s)
    s.publish("q", "m", headers={"b": 1, "a": "x"}, correlation_id="c", delivery_mode=2)
    s.get("q", ack="reject")
    s.get("dead")


@scenario("nacked, several at once")
def by_nack(s):
    source(s)
    s.publish("q", *"abc")
    for _ in range(3):
        s.get("q", ack="keep")
    s.channel().basic_nack(s.tag(2), multiple=True, requeue=False)
    for _ in range(3):
        s.get("dead")


@scenario("expired by the queue's TTL")
def by_queue_ttl(s):
    source(s, x_message_ttl=10)
    s.publish("q", "m")
    s.get("dead")


@scenario("expired by its own expiration")
def by_expiration(s):
    source(s)
    s.publish("q", "m", expiration="10", priority=1)
    s.get("dead")


@scenario("one too many")
def by_length(s):
    source(s, x_max_length=1)
    s.publish("q", *"abc")
    s.get("dead")
    s.get("dead")
    s.get("q")


@scenario("too many bytes")
def by_bytes(s):
    source(s, x_max_length_bytes=3)
    s.publish("q", "aa", "bb")
    s.get("dead")
    s.get("q")


@scenario("a refused publish, where the queue says so")
def by_refusal(s):
    source(s, x_max_length=0, x_overflow="reject-publish-dlx")
    s.confirmed("q", "m")
    s.get("dead")


@scenario("a refused publish, where it does not")
def refusal_without(s):
    source(s, x_max_length=0, x_overflow="reject-publish")
    s.confirmed("q", "m")
    s.empty("dead")


@scenario("not when purged or deleted")
def not_purged(s):
    source(s)
    s.publish("q", "a")
    s.sync()
    s.ask("purge", lambda: s.channel().queue_purge(s.name("q")))
    s.publish("q", "b")
    s.sync()
    s.ask("delete", lambda: s.channel().queue_delete(s.name("q")))
    s.empty("dead")


@scenario("not when the queue expires")
def not_with_queue(s):
    source(s, x_expires=40)
    s.publish("q", "a")
    s.wait_gone("q")
    s.empty("dead")


@scenario("with its own keys, CC among them")
def own_keys(s):
    s.exchange("dlx", "direct")
    for queue in ("a", "b"):
        s.declare(queue)
        s.bind(queue, "dlx", s.name("q") if queue == "a" else "copy")
    s.channel().queue_declare(
        s.name("q"), arguments={"x-dead-letter-exchange": s.name("dlx"), "x-max-length": 0}
    )
    s.declared.append(("queue", s.name("q")))
    s.publish("q", "m", headers={"CC": ["copy"]})
    s.get("a")
    s.get("b")


@scenario("with another key CC goes")
def other_key(s):
    source(s, x_max_length=0)
    s.publish("q", "m", headers={"CC": ["copy"], "other": 1})
    s.get("dead")


@scenario("to an exchange that is not there")
def no_exchange(s):
    s.declare("q", arguments={"x-dead-letter-exchange": "is.not.there", "x-max-length": 0})
    s.confirmed("q", "m")
    s.count("q")


@scenario("by a headers exchange, which sees what was added")
def by_headers(s):
    s.exchange("dlx", "headers")
    s.declare("dead")
    s.bind(
        "dead", "dlx", arguments={"x-match": "all-with-x", "x-first-death-reason": "maxlen"}
    )
    s.channel().queue_declare(
        s.name("q"), arguments={"x-dead-letter-exchange": s.name("dlx"), "x-max-length": 0}
    )
    s.declared.append(("queue", s.name("q")))
    s.publish("q", "m")
    s.get("dead")


@scenario("round by itself: dropped where it has been")
def cycle(s):
    s.channel().queue_declare(s.name("q"), arguments=to(s, "q", x_message_ttl=5))
    s.declared.append(("queue", s.name("q")))
    s.publish("q", "m")
    s.wait_empty("q")


@scenario("round two queues by itself")
def cycle_of_two(s):
    for queue, other in (("a", "b"), ("b", "a")):
        s.channel().queue_declare(s.name(queue), arguments=to(s, other, x_message_ttl=5))
        s.declared.append(("queue", s.name(queue)))
    s.publish("a", "m")
    s.wait_empty("a")
    s.wait_empty("b")


@scenario("round with a reject: as often as somebody rejects it")
def cycle_with_reject(s):
    for queue, other in (("a", "b"), ("b", "a")):
        s.channel().queue_declare(s.name(queue), arguments=to(s, other))
        s.declared.append(("queue", s.name(queue)))
    s.publish("a", "m")
    for queue in "ababa":
        s.get(queue, ack="reject")
    s.get("b")


X_DEATHS = {
    "text": "foo",
    "empty": [],
    "other": [{"queue": "o", "reason": "rejected", "count": 4}],
    "no_tables": [1, "two"],
}


def _with_x_death(value):
    def play(s):
        source(s)
        s.publish("q", "m", headers={"x-death": value, "x-first-death-queue": "me"})
        s.get("q", ack="reject")
        s.get("dead")

    return play


for _name, _value in X_DEATHS.items():
    _more = {}
    if _name == "no_tables":
        _more = {
            "differs": "RabbitMQ loses a message with such a header when it dies; here it becomes a dead letter",
            "ours": "get dead: m exchange= key=dead",
        }
    add("dead_letter", f"x_death_{_name}", f"a message that comes with x-death `{_value}`", _with_x_death(_value), **_more)


@scenario("the same death again is counted")
def counted(s):
    source(s)
    s.publish("q", "m", headers={"x-death": [{"queue": s.name("q"), "reason": "rejected", "count": 4}]})
    s.get("q", ack="reject")
    s.get("dead")


@scenario("to a queue that is full and refuses")
def full_target(s):
    s.declare("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    s.channel().queue_declare(s.name("q"), arguments=to(s, "full", x_max_length=0))
    s.declared.append(("queue", s.name("q")))
    s.publish("q", "m")
    s.sync()
    s.count("q")
    s.count("full")


@scenario("without BCC's keys", differs="the BCC keys of a message are not kept after it was published, so a dead letter goes by its own key and CC", ours="get dead: nothing came")
def bcc(s):
    s.exchange("dlx", "direct")
    s.declare("dead")
    s.bind("dead", "dlx", "blind")
    s.channel().queue_declare(
        s.name("q"), arguments={"x-dead-letter-exchange": s.name("dlx"), "x-max-length": 0}
    )
    s.declared.append(("queue", s.name("q")))
    s.publish("q", "m", headers={"BCC": ["blind"]})
    s.sync()
    s.get("dead")
