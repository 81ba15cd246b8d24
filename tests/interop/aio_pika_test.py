# SPDX-License-Identifier: Apache-2.0
"""aio-pika: robust connections, RPC, confirms, iterators, on asyncio."""

import asyncio
import functools

import pytest

aio_pika = pytest.importorskip("aio_pika")
from aio_pika.exceptions import (  # noqa: E402 (aio_pika may be absent)
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    ProbableAuthenticationError,
)
from aio_pika.patterns import RPC, Master  # noqa: E402

EVENT_SECONDS_MAX = 15


def on_asyncio(test):
    """Runs a coroutine as a test, within a bound."""

    @functools.wraps(test)
    def run(**fixtures):
        asyncio.run(asyncio.wait_for(test(**fixtures), EVENT_SECONDS_MAX * 4))

    return run


@pytest.fixture
def url(broker):
    return f"amqp://guest:guest@{broker.host}:{broker.port}/"


@on_asyncio
async def test_a_robust_connection_publishes_and_iterates(url):
    async with await aio_pika.connect_robust(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.declare_queue(exclusive=True)
        for number in range(100):
            await channel.default_exchange.publish(
                aio_pika.Message(b"%d" % number, headers={"n": number, "deep": {"list": [1, "a"]}}),
                routing_key=queue.name,
            )

        received = []
        async with queue.iterator(timeout=EVENT_SECONDS_MAX) as messages:
            async for message in messages:
                async with message.process():
                    received.append((message.body, message.headers["n"]))
                    assert message.headers["deep"] == {"list": [1, "a"]}
                if len(received) == 100:
                    break

    assert received == [(b"%d" % number, number) for number in range(100)]


@on_asyncio
async def test_publishes_confirmed_all_at_once(url, name):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue(name("confirmed"), exclusive=True)

        confirms = await asyncio.gather(
            *[
                channel.default_exchange.publish(
                    aio_pika.Message(b"x", delivery_mode=aio_pika.DeliveryMode.PERSISTENT),
                    routing_key=queue.name,
                )
                for _ in range(500)
            ]
        )

        assert len(confirms) == 500
        assert (await queue.declare()).message_count == 500


@on_asyncio
async def test_an_unroutable_publish_is_a_delivery_error(url):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange("amq.direct")

        with pytest.raises(DeliveryError) as raised:
            await exchange.publish(aio_pika.Message(b"back"), "nowhere", mandatory=True)

        assert raised.value.message.delivery.reply_code == 312


@on_asyncio
async def test_an_error_closes_the_channel_with_code_and_text(url, name):
    absent = name("absent")
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        with pytest.raises(ChannelNotFoundEntity) as raised:
            await channel.get_queue(absent)
        assert str(raised.value) == f"NOT_FOUND - no queue '{absent}' in vhost '/'"

        channel = await connection.channel()
        with pytest.raises(ChannelPreconditionFailed):
            await channel.declare_exchange("amq.topic", "fanout")


@on_asyncio
async def test_wrong_credentials(broker):
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(host=broker.host, port=broker.port, login="guest", password="wrong")


@on_asyncio
async def test_calls_and_answers_by_the_rpc_pattern(url, name):
    async def multiply(*, x, y):
        return x * y

    async def fail():
        raise ValueError("as asked")

    async with await aio_pika.connect_robust(url) as serving:
        async with await aio_pika.connect_robust(url) as calling:
            server = await RPC.create(await serving.channel())
            client = await RPC.create(await calling.channel())
            multiplying, failing = name("multiply"), name("fail")
            await server.register(multiplying, multiply, auto_delete=True)
            await server.register(failing, fail, auto_delete=True)

            answers = await asyncio.gather(
                *[client.call(multiplying, {"x": number, "y": 2}) for number in range(50)]
            )
            assert answers == [number * 2 for number in range(50)]
            with pytest.raises(ValueError, match="as asked"):
                await client.call(failing)

            await client.close()
            await server.close()


@on_asyncio
async def test_workers_share_tasks_by_the_master_pattern(url, name):
    done = asyncio.Queue()
    tasks = name("tasks")

    async def work(*, number):
        await done.put(number)

    async with await aio_pika.connect_robust(url) as connection:
        master = Master(await connection.channel())
        workers = [await master.create_worker(tasks, work, auto_delete=True) for _ in range(2)]

        for number in range(20):
            await master.create_task(tasks, {"number": number})

        finished = [await done.get() for _ in range(20)]
        assert sorted(finished) == list(range(20))
        for worker in workers:
            await worker.close()


@on_asyncio
async def test_rejected_messages_come_again_marked(url):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await channel.default_exchange.publish(aio_pika.Message(b"x"), queue.name)

        first = await queue.get(timeout=EVENT_SECONDS_MAX)
        await first.reject(requeue=True)
        again = await queue.get(timeout=EVENT_SECONDS_MAX)
        await again.ack()

        assert (first.redelivered, again.redelivered) == (False, True)
        assert await queue.get(fail=False) is None


@on_asyncio
async def test_a_transaction(url):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue(exclusive=True)
        async with channel.transaction():
            await channel.default_exchange.publish(aio_pika.Message(b"kept"), queue.name)
        with pytest.raises(RuntimeError):
            async with channel.transaction():
                await channel.default_exchange.publish(aio_pika.Message(b"not"), queue.name)
                raise RuntimeError("roll back")

        assert (await queue.get()).body == b"kept"
        assert await queue.get(fail=False) is None


@on_asyncio
async def test_exchanges_of_every_type_are_bound_and_unbound(url):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for kind in ("direct", "fanout", "topic", "headers"):
            exchange = await channel.declare_exchange(f"aio-{kind}", kind, auto_delete=True)
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, "k", arguments={"x-match": "all"})
            await exchange.publish(aio_pika.Message(kind.encode()), "k")
            assert (await queue.get(timeout=EVENT_SECONDS_MAX)).body == kind.encode()
            await queue.unbind(exchange, "k", arguments={"x-match": "all"})
            await queue.delete()


@on_asyncio
async def test_a_robust_connection_comes_back_after_a_restart_with_its_consumers(
    broker, url, name
):
    received = asyncio.Queue()
    connection = await aio_pika.connect_robust(url, reconnect_interval=0.1)
    channel = await connection.channel()
    queue = await channel.declare_queue(name("robust"), auto_delete=True)
    await queue.consume(received.put, no_ack=True)
    reconnected = asyncio.Event()
    connection.reconnect_callbacks.add(lambda *_: reconnected.set())

    await asyncio.to_thread(broker.restart)
    await asyncio.wait_for(reconnected.wait(), EVENT_SECONDS_MAX)
    async with await aio_pika.connect(url) as other:
        publishing = await other.channel()
        # The queue and its consumer are there again as soon as the client restored them.
        while True:
            try:
                await publishing.default_exchange.publish(
                    aio_pika.Message(b"after"), queue.name, mandatory=True
                )
                break
            except DeliveryError:
                continue

    assert (await asyncio.wait_for(received.get(), EVENT_SECONDS_MAX)).body == b"after"
    await connection.close()
