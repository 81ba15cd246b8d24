# SPDX-License-Identifier: Apache-2.0
"""Messages that grow old, queues that are full or forgotten, and dead letters, with pika."""

import pytest
from pika import BasicProperties
from pika.exceptions import NackError, UnroutableError

from expectations import channel_closed, get_all, publish, ready_count, wait_until


def declare(channel, arguments: dict, name: str = "") -> str:
    return channel.queue_declare(name, exclusive=True, arguments=arguments).method.queue


@pytest.fixture
def dead(channel):
    return channel.queue_declare("", exclusive=True).method.queue


def to(dead: str, **more) -> dict:
    """Arguments of a queue whose dead letters go to the queue `dead`."""
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead} | {
        name.replace("_", "-"): value for name, value in more.items()
    }


def wait_for(channel, queue: str, auto_ack: bool = True) -> tuple:
    """One message of the queue, as basic.get gives it, once it is there."""
    got = []

    def has_got():
        got[:] = channel.basic_get(queue, auto_ack=auto_ack)
        return got[0] is not None

    wait_until(has_got)
    return tuple(got)


def deaths(properties) -> list[tuple]:
    return [
        (death["queue"], death["reason"], death["count"]) for death in properties.headers["x-death"]
    ]


@pytest.mark.parametrize("how", ["queue", "message", "both"])
def test_messages_expire(channel, how):
    arguments = {} if how == "message" else {"x-message-ttl": 30 if how == "queue" else 600_000}
    queue = declare(channel, arguments)
    properties = None if how == "queue" else BasicProperties(expiration="30")
    channel.basic_publish("", queue, b"old", properties)

    wait_until(lambda: ready_count(channel, queue) == 0)


def test_a_message_that_lives_long_holds_back_those_behind_it(channel):
    queue = declare(channel, {})
    marker = declare(channel, {})
    channel.basic_publish("", queue, b"long", BasicProperties(expiration="600000"))
    channel.basic_publish("", queue, b"short", BasicProperties(expiration="1"))
    channel.basic_publish("", marker, b"as short", BasicProperties(expiration="1"))

    wait_until(lambda: ready_count(channel, marker) == 0)

    assert ready_count(channel, queue) == 2
    assert channel.basic_get(queue, auto_ack=True)[2] == b"long"
    assert channel.basic_get(queue, auto_ack=True)[0] is None


def test_a_ttl_of_0_is_for_consumers_that_wait(channel):
    queue = declare(channel, {"x-message-ttl": 0})
    publish(channel, queue, b"missed")
    assert ready_count(channel, queue) == 0
    came = []
    channel.basic_consume(queue, lambda _c, _m, _p, body: came.append(body), auto_ack=True)
    publish(channel, queue, b"1", b"2")
    wait_until(lambda: channel.connection.process_data_events(0.01) or len(came) == 2)
    assert came == [b"1", b"2"]


def test_a_queue_that_is_not_used_expires(channel):
    queue = channel.queue_declare("", arguments={"x-expires": 60}).method.queue
    channel.confirm_delivery()

    def is_gone():  # Publishing to it is no use of it.
        try:
            channel.basic_publish("", queue, b"m", mandatory=True)
        except UnroutableError:
            return True
        return False

    wait_until(is_gone)
    with channel_closed(404, f"NOT_FOUND - no queue '{queue}' in vhost '/'"):
        channel.queue_declare(queue, passive=True)


def test_the_oldest_go_from_a_full_queue(channel):
    queue = declare(channel, {"x-max-length": 2})
    publish(channel, queue, b"1", b"2", b"3", b"4")
    assert ready_count(channel, queue) == 2
    assert get_all(channel, queue) == [b"3", b"4"]


def test_bytes_are_counted_by_bodies(channel):
    queue = declare(channel, {"x-max-length-bytes": 5})
    publish(channel, queue, b"aaa", b"bb", b"c")
    assert get_all(channel, queue) == [b"bb", b"c"]


def test_a_full_queue_refuses_publishes(channel):
    queue = declare(channel, {"x-max-length": 1, "x-overflow": "reject-publish"})
    publish(channel, queue, b"1", b"2")
    assert get_all(channel, queue) == [b"1"]


def test_a_refused_publish_is_nacked(channel):
    queue = declare(channel, {"x-max-length": 1, "x-overflow": "reject-publish"})
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"1")
    with pytest.raises(NackError):
        channel.basic_publish("", queue, b"2")


@pytest.mark.parametrize("reason", ["rejected", "expired", "maxlen", "refused"])
def test_dead_letters_say_what_befell_them(channel, dead, reason):
    more = {
        "rejected": {},
        "expired": {"x_message_ttl": 10},
        "maxlen": {"x_max_length": 0},
        "refused": {"x_max_length": 0, "x_overflow": "reject-publish-dlx"},
    }[reason]
    queue = declare(channel, to(dead, **more))
    channel.basic_publish("", queue, b"m", BasicProperties(content_type="text/plain", priority=3))
    if reason == "rejected":
        method, _, _ = channel.basic_get(queue)
        channel.basic_reject(method.delivery_tag, requeue=False)

    method, properties, body = wait_for(channel, dead)

    expected = "maxlen" if reason == "refused" else reason
    assert body == b"m"
    assert (method.exchange, method.routing_key, method.redelivered) == ("", dead, False)
    assert (properties.content_type, properties.priority) == ("text/plain", 3)
    death = properties.headers["x-death"][0]
    assert list(death) == ["count", "reason", "queue", "time", "exchange", "routing-keys"]
    assert (death["count"], death["reason"], death["queue"]) == (1, expected, queue)
    assert (death["exchange"], death["routing-keys"]) == ("", [queue])
    assert properties.headers["x-first-death-reason"] == expected
    assert properties.headers["x-first-death-queue"] == queue
    assert properties.headers["x-first-death-exchange"] == ""


def test_a_dead_letter_has_no_expiration_any_more(channel, dead):
    queue = declare(channel, to(dead))
    channel.basic_publish("", queue, b"m", BasicProperties(expiration="10"))

    _, properties, _ = wait_for(channel, dead)

    assert properties.expiration is None
    assert properties.headers["x-death"][0]["original-expiration"] == "10"


def test_dead_letters_keep_their_routing_keys_without_another(channel, dead):
    exchange = f"dlx.{dead}"
    channel.exchange_declare(exchange, "direct", auto_delete=True)
    channel.queue_bind(dead, exchange, "copy")
    queue = declare(channel, {"x-dead-letter-exchange": exchange, "x-max-length": 0})
    channel.basic_publish("", queue, b"m", BasicProperties(headers={"CC": ["copy"]}))

    method, properties, _ = wait_for(channel, dead)

    assert (method.exchange, method.routing_key) == (exchange, queue)
    assert properties.headers["x-death"][0]["routing-keys"] == [queue, "copy"]
    assert properties.headers["CC"] == ["copy"]


def test_deaths_are_counted_the_last_one_first(channel, dead):
    first, second = f"first.{dead}", f"second.{dead}"
    declare(channel, to(second), first)
    declare(channel, to(first), second)
    publish(channel, first, b"m")
    seen = []
    for queue in [first, second, first, second]:
        method, properties, _ = wait_for(channel, queue, auto_ack=False)
        seen.append(deaths(properties) if properties.headers else [])
        channel.basic_reject(method.delivery_tag, requeue=False)
    assert seen == [
        [],
        [(first, "rejected", 1)],
        [(second, "rejected", 1), (first, "rejected", 1)],
        [(first, "rejected", 2), (second, "rejected", 1)],
    ]


def test_dead_letters_do_not_go_round_by_themselves(channel, dead):
    queue = f"round.{dead}"
    declare(channel, to(queue, x_message_ttl=10), queue)
    publish(channel, queue, b"m")
    wait_until(lambda: ready_count(channel, queue) == 0)


def test_dead_letters_without_an_exchange_are_gone(channel):
    queue = declare(channel, {"x-dead-letter-exchange": "is.not.there", "x-max-length": 0})
    publish(channel, queue, b"m")
    assert ready_count(channel, queue) == 0


@pytest.mark.parametrize("multiple", [False, True])
def test_nack_of_several_sends_them_in_their_order(channel, dead, multiple):
    queue = declare(channel, to(dead))
    publish(channel, queue, b"1", b"2", b"3")
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in range(3)]
    if multiple:
        channel.basic_nack(tags[-1], multiple=True, requeue=False)
    else:
        for tag in tags:
            channel.basic_nack(tag, requeue=False)
    wait_until(lambda: ready_count(channel, dead) == 3)
    assert get_all(channel, dead) == [b"1", b"2", b"3"]


def test_policies_hold_for_queues_that_are_there(broker, channel, dead):
    queue = f"policy.{dead}"
    declare(channel, {}, queue)
    publish(channel, queue, b"1", b"2", b"3")
    definition = (
        f'{{"max-length": 1, "dead-letter-exchange": "", "dead-letter-routing-key": "{dead}"}}'
    )
    broker.ctl("set_policy", "interop-limit", "^policy\\.", definition)
    try:
        wait_until(lambda: ready_count(channel, dead) == 2)
        assert get_all(channel, dead) == [b"1", b"2"]
        publish(channel, queue, b"4")
        assert get_all(channel, queue) == [b"4"]
    finally:
        broker.ctl("clear_policy", "interop-limit")
