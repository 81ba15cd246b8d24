# SPDX-License-Identifier: Apache-2.0
"""The firehose: what amq.rabbitmq.trace hears of messages. Who listens has each kind in a queue of
its own, since nothing is said of the order in which two channels are heard."""

from scenario import scenario

TRACE = "amq.rabbitmq.trace"
QUEUES = {"publish": "published", "deliver": "delivered"}


def _listen(s, *kinds):
    for kind in kinds or QUEUES:
        s.declare(QUEUES[kind], on="l")
        s.bind(QUEUES[kind], TRACE, f"{kind}.#", on="l")


@scenario("nobody has asked for it")
def off(s):
    _listen(s)
    s.declare("q")
    s.publish("q", "m")
    s.get("q")
    s.sync()
    s.empty("published", on="l")


@scenario("a publish through the default exchange, and a get")
def get(s):
    _listen(s)
    s.declare("q")
    s.trace(True)
    s.publish("q", "m")
    s.get("q")
    s.get("published", on="l")
    s.get("delivered", on="l")


@scenario("with every property")
def properties(s):
    _listen(s)
    s.declare("q")
    s.trace(True)
    s.publish(
        "q",
        "m",
        content_type="text/plain",
        content_encoding="identity",
        headers={"h": 1, "t": {"a": [1, "b", True]}},
        delivery_mode=2,
        priority=3,
        correlation_id="c",
        reply_to="r",
        expiration="60000",
        message_id="m",
        timestamp=1_700_000_000,
        type="t",
        user_id="guest",
        app_id="a",
        cluster_id="l",
    )
    s.get("published", on="l")
    s.get("q")
    s.get("delivered", on="l")


@scenario("a message with CC, to two queues of a fanout")
def fanout(s):
    _listen(s)
    s.exchange("x", "fanout")
    for queue in ("q", "r"):
        s.declare(queue)
        s.bind(queue, "x")
    s.trace(True)
    s.publish("k", "m", exchange="x", headers={"CC": ["k2", "k3"]})
    s.get("published", on="l")
    s.get("r")
    s.get("delivered", on="l")


@scenario("a message that reaches nobody")
def unroutable(s):
    _listen(s, "publish")
    s.exchange("x", "topic")
    s.trace(True)
    s.confirmed("k", "m", exchange="x", mandatory=True)
    s.get("published", on="l")


@scenario(
    "a message to the default exchange for a queue that is not there",
    differs="Leveret names the queues that got the message; RabbitMQ the one that would have",
    ours="routed_queues: []",
)
def no_queue(s):
    _listen(s, "publish")
    s.trace(True)
    s.publish("gone", "m")
    s.get("published", on="l")


@scenario("deliveries to a consumer, one of them a second time")
def consumer(s):
    _listen(s, "deliver")
    s.declare("q")
    s.trace(True)
    s.publish("q", "a", "b")
    s.consume("q")
    s.deliveries(2)
    s.channel().basic_nack(1, requeue=True)
    s.deliveries(1)
    for _ in range(3):
        s.get("delivered", on="l")


@scenario("a dead letter is shown when it is delivered, not on its way")
def dead_letter(s):
    _listen(s)
    s.declare("dead")
    s.declare("q", arguments={"x-message-ttl": 1, "x-dead-letter-exchange": ""} | _to(s, "dead"))
    s.trace(True)
    s.publish("q", "m")
    s.get("dead")
    s.get("published", on="l")
    s.empty("published", on="l")
    s.get("delivered", on="l")


def _to(s, queue):
    return {"x-dead-letter-routing-key": s.name(queue)}


@scenario("a publish in a transaction is shown before the commit")
def transaction(s):
    _listen(s, "publish")
    s.declare("q")
    s.trace(True)
    channel = s.channel()
    channel.tx_select()
    s.publish("q", "m")
    s.get("published", on="l")
    channel.tx_rollback()
    s.count("q")


@scenario("what the firehose says is not shown by the firehose")
def itself(s):
    _listen(s)
    s.trace(True)
    s.publish("k", "m", exchange="amq.fanout")
    s.get("published", on="l")
    s.empty("delivered", on="l")


@scenario("it ends when it is turned off")
def ends(s):
    _listen(s, "publish")
    s.declare("q")
    s.trace(True)
    s.publish("q", "a")
    s.get("published", on="l")
    s.trace(False)
    s.publish("q", "b")
    s.get("q")
    s.get("q")
    s.empty("published", on="l")


@scenario("an exchange that is bound to it passes messages on as they are")
def bound(s):
    s.declare("q")
    s.bind("q", TRACE, "#")
    s.exchange("x", "fanout")
    s.channel().exchange_bind(TRACE, s.name("x"))
    s.publish("k", "m", exchange="x")
    s.get("q")
    s.channel().exchange_unbind(TRACE, s.name("x"))


@scenario("nobody may publish to it")
def internal(s):
    s.publish("k", "m", exchange=TRACE)
    s.sync()
