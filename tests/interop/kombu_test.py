# SPDX-License-Identifier: Apache-2.0
"""kombu, py-amqp and celery: what Python's task queues bring."""

import socket
import threading

import kombu
import kombu.pools
import pytest

celery = pytest.importorskip("celery")
from celery.contrib.testing.worker import start_worker  # noqa: E402 (celery may be absent)

EVENT_SECONDS_MAX = 15


@pytest.fixture
def url(broker):
    return f"amqp://guest:guest@{broker.host}:{broker.port}//"


@pytest.fixture
def connection(url):
    with kombu.Connection(url) as connection:
        yield connection


def test_the_transport_takes_the_broker_for_rabbitmq(connection):
    connection.connect()

    # What kombu looks at to choose prefetch counts per consumer instead of per channel.
    assert connection.transport.qos_semantics_matches_spec(connection.connection) is False
    assert connection.transport.driver_type == "amqp"


@pytest.mark.parametrize("serializer", ["json", "pickle", "yaml"])
def test_a_producer_and_a_consumer_of_serialized_bodies(connection, name, serializer):
    exchange = kombu.Exchange(name("tasks"), "topic", durable=True)
    queue = kombu.Queue(name("tasks"), exchange, routing_key="task.#", durable=True)
    body = {"id": 7, "arguments": [1, 2.5, None, "\u00e9"]}
    received = []

    def on_message(decoded, message):
        received.append((decoded, message.headers, message.properties["priority"]))
        message.ack()

    producer = connection.Producer(serializer=serializer)
    producer.publish(
        body,
        exchange=exchange,
        routing_key="task.new",
        declare=[queue],
        headers={"retries": 3, "eta": None, "nested": {"list": [1, "two"]}},
        priority=4,
    )
    with connection.Consumer(queue, callbacks=[on_message], accept=[serializer]):
        while not received:
            connection.drain_events(timeout=EVENT_SECONDS_MAX)

    assert received == [(body, {"retries": 3, "eta": None, "nested": {"list": [1, "two"]}}, 4)]
    queue(connection.default_channel).delete()
    exchange(connection.default_channel).delete()


def test_compressed_and_large_bodies(connection, name):
    simple = connection.SimpleQueue(name("large"))
    body = {"text": "abc" * 400_000}

    simple.put(body, compression="zlib")
    simple.put(body)

    for _ in range(2):
        message = simple.get(timeout=EVENT_SECONDS_MAX)
        assert message.payload == body
        message.ack()
    simple.close()
    simple.queue.delete()


def test_a_simple_queue_is_read_requeued_and_empty(url, connection, name):
    queue = name("simple")
    with kombu.Connection(url) as reading:
        simple = reading.SimpleQueue(queue)
        for number in range(3):
            simple.put({"number": number})
        first = simple.get(timeout=EVENT_SECONDS_MAX)
        assert (first.payload, first.delivery_info["redelivered"]) == ({"number": 0}, False)
        first.requeue()

    again = connection.SimpleQueue(queue)
    for number in range(3):
        message = again.get(timeout=EVENT_SECONDS_MAX)
        assert (message.payload, message.delivery_info["redelivered"]) == ({"number": number}, True)
        message.ack()
    with pytest.raises(again.Empty):
        again.get_nowait()
    again.close()
    again.queue.delete()


def test_confirmed_publishing(url, name):
    with kombu.Connection(url, transport_options={"confirm_publish": True}) as connection:
        queue = kombu.Queue(name("confirmed"), auto_delete=True)
        producer = connection.Producer()
        for number in range(20):
            producer.publish({"n": number}, routing_key=queue.name, declare=[queue])

        assert queue(connection.default_channel).queue_declare(passive=True).message_count == 20
        queue(connection.default_channel).delete()


def test_returned_messages(connection):
    returned = []
    producer = connection.Producer(
        on_return=lambda exception, exchange, routing_key, message: returned.append(
            (exception.reply_code, exception.reply_text, exchange, routing_key)
        )
    )

    producer.publish({}, exchange="amq.direct", routing_key="nowhere", mandatory=True)
    while not returned:
        connection.drain_events(timeout=EVENT_SECONDS_MAX)

    assert returned == [(312, "NO_ROUTE", "amq.direct", "nowhere")]


def test_an_error_carries_code_and_text(connection, name):
    absent = name("absent")

    with pytest.raises(connection.channel_errors) as raised:
        kombu.Queue(absent, channel=connection.channel()).queue_declare(passive=True)

    assert raised.value.reply_code == 404
    assert raised.value.reply_text == f"NOT_FOUND - no queue '{absent}' in vhost '/'"


def test_a_broadcast_reaches_every_listener(url, name):
    exchange = name("broadcast")
    received = []
    with kombu.Connection(url) as first, kombu.Connection(url) as second:
        queues = [
            kombu.common.Broadcast(exchange, channel=connection.default_channel, auto_delete=True)
            for connection in (first, second)
        ]
        consumers = [
            connection.Consumer(
                queue, callbacks=[lambda body, _: received.append(body)], no_ack=True
            )
            for connection, queue in zip((first, second), queues)
        ]
        with consumers[0], consumers[1]:
            first.Producer().publish("hello", exchange=queues[0].exchange)
            first.drain_events(timeout=EVENT_SECONDS_MAX)
            second.drain_events(timeout=EVENT_SECONDS_MAX)
        queues[0].exchange(first.default_channel).delete()

    assert received == ["hello", "hello"]


def test_a_pool_of_connections_publishes_from_threads(url, name):
    queue = kombu.Queue(name("pooled"))
    pool = kombu.pools.connections[kombu.Connection(url)]

    def publish():
        with pool.acquire(block=True) as connection:
            connection.Producer().publish({}, routing_key=queue.name, declare=[queue])

    threads = [threading.Thread(target=publish) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with kombu.Connection(url) as connection:
        bound = queue(connection.default_channel)
        with connection.SimpleQueue(bound) as simple:
            for _ in range(10):
                simple.get(timeout=EVENT_SECONDS_MAX).ack()
        bound.delete()
    kombu.pools.reset()


def test_heartbeats_of_py_amqp(url):
    with kombu.Connection(url, heartbeat=2) as connection:
        connection.connect()
        assert connection.get_heartbeat_interval() == 2

        # py-amqp raises when the broker's heartbeats stay away for two intervals.
        for _ in range(10):
            connection.heartbeat_check(rate=4)
            with pytest.raises(socket.timeout):
                connection.drain_events(timeout=0.5)

        assert connection.connected


@pytest.fixture
def application(url, name):
    """A celery application with a worker of its own, in this process."""
    queue = name("celery")
    application = celery.Celery("interop", broker=url, backend="rpc://")
    application.conf.update(
        task_default_queue=queue,
        task_default_exchange=queue,
        task_default_routing_key=queue,
        result_expires=60,
        # The worker looks up from its socket at each tick, so also for its end.
        broker_heartbeat=2,
        broker_connection_retry_on_startup=False,
    )

    @application.task(name="add")
    def add(x, y):
        return x + y

    @application.task(name="retried", bind=True, max_retries=3)
    def retried(self):
        if self.request.retries < 2:
            raise self.retry(countdown=0)
        return self.request.retries

    with start_worker(
        application, perform_ping_check=False, pool="solo", shutdown_timeout=EVENT_SECONDS_MAX
    ):
        yield application


def test_celery_tasks_come_back_with_their_results(application):
    add = application.tasks["add"]

    assert add.delay(2, 3).get(timeout=EVENT_SECONDS_MAX) == 5
    results = [add.apply_async((number, number), countdown=0) for number in range(20)]
    assert [result.get(timeout=EVENT_SECONDS_MAX) for result in results] == [
        2 * number for number in range(20)
    ]
    assert application.tasks["retried"].delay().get(timeout=EVENT_SECONDS_MAX) == 2
    chained = celery.chain(add.s(1, 1), add.s(10))
    assert chained.delay().get(timeout=EVENT_SECONDS_MAX) == 12


def test_celery_workers_answer_remote_control(application):
    # By exchange celery.pidbox, a queue a worker, and answers over reply.celery.pidbox.
    (answer,) = application.control.ping(timeout=5, limit=1)

    assert list(answer.values()) == [{"ok": "pong"}]
