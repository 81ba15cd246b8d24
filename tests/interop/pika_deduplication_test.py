# SPDX-License-Identifier: Apache-2.0
"""Queues and exchanges that drop what has come before, with pika; also after a stop and a crash."""

import json
import urllib.request
from base64 import b64encode

import pytest
from pika import BasicProperties

from expectations import get_all, ready_count

MESSAGES = 9000  # More than are read at once, when a start looks for ids.


@pytest.fixture(name="leveret")
def only_leveret(broker):
    if broker.kind != "leveret":
        pytest.skip("RabbitMQ needs a plugin from elsewhere")
    return broker


def publish(channel, exchange: str, key: str, *ids, **properties) -> None:
    for id_ in ids:
        channel.basic_publish(
            exchange,
            key,
            str(id_).encode(),
            BasicProperties(headers={"x-deduplication-header": id_}, delivery_mode=2, **properties),
        )


def ask(broker, path: str):
    request = urllib.request.Request(f"http://127.0.0.1:{broker.management_port}{path}")
    request.add_header("Authorization", "Basic " + b64encode(b"guest:guest").decode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.parametrize("kind", ["classic", "quorum", "priorities"])
@pytest.mark.parametrize("end", ["stop", "crash"])
def test_ids_of_what_is_present_are_held_after_a_restart(leveret, connect, kind, end):
    name = f"deduplication.{kind}.{end}"
    arguments = {"x-message-deduplication": True}
    if kind == "quorum":
        arguments["x-queue-type"] = "quorum"
    elif kind == "priorities":
        arguments["x-max-priority"] = 3
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(name, durable=True, arguments=arguments)
    for number in range(MESSAGES):
        publish(channel, "", name, number, priority=number % 3)
    channel.confirm_delivery()
    publish(channel, "", name, 0, MESSAGES)  # All before them are safe as well.
    for _ in range(10):
        channel.basic_get(name, auto_ack=True)
    unacked, _, body = channel.basic_get(name)
    channel.queue_declare(name, passive=True)
    if end == "stop":
        connection.close()
        leveret.restart()
    else:
        leveret.kill()
        leveret.start()

    channel = connect().channel()
    channel.confirm_delivery()
    present = channel.queue_declare(name, passive=True).method.message_count
    assert present >= MESSAGES - 10  # Who was killed may not have written what was acknowledged.
    publish(channel, "", name, int(body), MESSAGES, *range(5000, 5100))
    assert unacked is not None
    assert ready_count(channel, name) == present
    bodies = get_all(channel, name)
    assert len(set(bodies)) == len(bodies) == present
    publish(channel, "", name, int(body))
    assert ready_count(channel, name) == 1
    channel.queue_delete(name)


def test_an_exchange_gives_a_message_once(leveret, channel, name):
    exchange = name("once")
    channel.exchange_declare(exchange, "x-message-deduplication", arguments={"x-cache-size": 100})
    queues = [channel.queue_declare("", exclusive=True).method.queue for _ in range(2)]
    for queue in queues:
        channel.queue_bind(queue, exchange)
    channel.confirm_delivery()
    publish(channel, exchange, "", "a", "b", "a")
    assert [get_all(channel, queue) for queue in queues] == [[b"a", b"b"]] * 2
    channel.exchange_delete(exchange)


def test_a_queue_tells_how_many_it_dropped(leveret, channel, name):
    queue = name("counts")
    channel.queue_declare(queue, arguments={"x-message-deduplication": True, "x-cache-size": 10})
    channel.confirm_delivery()
    publish(channel, "", queue, "a", "a", "a")
    told = ask(leveret, f"/api/queues/%2F/{queue}")
    assert (told["ledger"]["published"], told["ledger"]["deduplicated"]) == (1, 2)
    assert told["ledger"]["balanced"]
    assert told["message_stats"]["dedup"] == 2
    channel.queue_delete(queue)
