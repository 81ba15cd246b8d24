# SPDX-License-Identifier: Apache-2.0
"""oslo.messaging, OpenStack's RPC: calls, casts, fanouts and notifications, in each of its ways to
declare queues, and over a restart of the broker."""

import concurrent.futures
import contextlib
import queue
import threading

import pytest

oslo_messaging = pytest.importorskip("oslo_messaging")
from oslo_config import cfg  # noqa: E402 (oslo may be absent)

EVENT_SECONDS_MAX = 20

# Of the section oslo_messaging_rabbit: what deployments set.
WAYS = {
    "default": {},
    "durable": {"amqp_durable_queues": True},
    "quorum": {"rabbit_quorum_queue": True, "amqp_durable_queues": True},
    "mirrored": {"rabbit_ha_queues": True},
    "direct_mandatory": {"direct_mandatory_flag": True, "heartbeat_timeout_threshold": 0},
}


class Arithmetic:
    """An endpoint: a call is answered, a failure travels back, a cast is noted."""

    def __init__(self, casts: queue.Queue):
        self._casts = casts

    def add(self, _context, a, b):
        return a + b

    def echo(self, _context, value):
        return value

    def fail(self, _context):
        raise ValueError("as it was asked to")

    def note(self, _context, value):
        self._casts.put(value)


@pytest.fixture(name="configured", params=WAYS)
def fixture_configured(request, tmp_path):
    options = WAYS[request.param]
    file = tmp_path / "oslo.conf"
    lines = [f"{name} = {value}" for name, value in options.items()]
    head = ["[DEFAULT]", f"control_exchange = {request.param}", "[oslo_messaging_rabbit]"]
    file.write_text("\n".join([*head, *lines, ""]))
    cfg.CONF(["--config-file", str(file)])
    yield cfg.CONF
    cfg.CONF.reset()


@pytest.fixture(name="url")
def fixture_url(broker):
    return f"rabbit://guest:guest@{broker.host}:{broker.port}/"


@contextlib.contextmanager
def rpc_server(conf, url, topic, name, casts):
    transport = oslo_messaging.get_rpc_transport(conf, url=url)
    server = oslo_messaging.get_rpc_server(
        transport,
        oslo_messaging.Target(topic=topic, server=name),
        [Arithmetic(casts)],
        executor="threading",
    )
    server.start()
    try:
        yield
    finally:
        server.stop()
        server.wait()
        transport.cleanup()


@contextlib.contextmanager
def rpc_client(conf, url, topic, **target):
    transport = oslo_messaging.get_rpc_transport(conf, url=url)
    try:
        yield oslo_messaging.get_rpc_client(
            transport, oslo_messaging.Target(topic=topic, **target), timeout=EVENT_SECONDS_MAX
        )
    finally:
        transport.cleanup()


def test_calls_are_answered_by_many_at_once(configured, url, name):
    topic, casts = name("topic"), queue.Queue()
    with rpc_server(configured, url, topic, "one", casts), rpc_client(configured, url, topic) as client:
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            sums = list(threads.map(lambda n: client.call({}, "add", a=n, b=1), range(200)))
        assert sums == list(range(1, 201))
        assert client.call({}, "echo", value={"deep": ["ä", 1.5, None]}) == {"deep": ["ä", 1.5, None]}


def test_a_failure_travels_back(configured, url, name):
    topic, casts = name("topic"), queue.Queue()
    with rpc_server(configured, url, topic, "one", casts), rpc_client(configured, url, topic) as client:
        with pytest.raises(ValueError, match="as it was asked to"):
            client.call({}, "fail")


def test_casts_reach_one_and_fanouts_all(configured, url, name):
    topic = name("topic")
    one, two = queue.Queue(), queue.Queue()
    with (
        rpc_server(configured, url, topic, "one", one),
        rpc_server(configured, url, topic, "two", two),
        rpc_client(configured, url, topic) as client,
    ):
        client.prepare(server="two").cast({}, "note", value="to two")
        assert two.get(timeout=EVENT_SECONDS_MAX) == "to two"
        client.prepare(fanout=True).cast({}, "note", value="to all")
        assert one.get(timeout=EVENT_SECONDS_MAX) == "to all"
        assert two.get(timeout=EVENT_SECONDS_MAX) == "to all"
        for number in range(10):
            client.cast({}, "note", value=number)
        came = []
        while len(came) < 10:
            for casts in (one, two):
                with contextlib.suppress(queue.Empty):
                    came.append(casts.get(timeout=0.05))
        assert sorted(came) == list(range(10))
        assert one.empty() and two.empty()


def test_notifications_are_listened_to(configured, url, name):
    topic = name("notifications")
    came: queue.Queue = queue.Queue()

    class Endpoint:
        def info(self, _context, publisher_id, event_type, payload, _metadata):
            came.put((publisher_id, event_type, payload))

    transport = oslo_messaging.get_notification_transport(configured, url=url)
    listener = oslo_messaging.get_notification_listener(
        transport, [oslo_messaging.Target(topic=topic)], [Endpoint()], executor="threading"
    )
    listener.start()
    try:
        notifier = oslo_messaging.Notifier(
            transport, publisher_id="compute.one", driver="messaging", topics=[topic]
        )
        for number in range(20):
            notifier.info({}, "instance.create", {"number": number})
        for number in range(20):
            assert came.get(timeout=EVENT_SECONDS_MAX) == (
                "compute.one",
                "instance.create",
                {"number": number},
            )
    finally:
        listener.stop()
        listener.wait()
        transport.cleanup()


def test_goes_on_when_the_broker_was_restarted(broker, url, name):
    conf = cfg.CONF
    conf([])
    topic, casts = name("topic"), queue.Queue()
    with rpc_server(conf, url, topic, "one", casts), rpc_client(conf, url, topic) as client:
        assert client.call({}, "add", a=1, b=2) == 3
        broker.restart()
        answered = threading.Event()

        def call_until_answered():
            while not answered.is_set():
                with contextlib.suppress(oslo_messaging.MessagingException):
                    if client.prepare(timeout=5).call({}, "add", a=2, b=3) == 5:
                        answered.set()

        caller = threading.Thread(target=call_until_answered, daemon=True)
        caller.start()
        assert answered.wait(60)
        caller.join(EVENT_SECONDS_MAX)
