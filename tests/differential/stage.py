# SPDX-License-Identifier: Apache-2.0
"""Stage: where a scenario plays. Speaks to one broker with pika and writes down what it answers."""

import contextlib
import json
import re
import sys
import time
from pathlib import Path

import pika
from pika.exceptions import (
    AMQPError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    NackError,
    UnroutableError,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import brokers  # noqa: E402 (found by the line above)
from rabbitmq import OracleError  # noqa: E402

# Whose exchange types Leveret has without plugins.
PLUGINS = (
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_random_exchange",
    "rabbitmq_sharding",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_event_exchange",
    "rabbitmq_jms_topic_exchange",
)
UNLIKE = ("time", "node", "connection")  # Headers that no two brokers have alike.
UNLIKE_OF_EVENTS = ("timestamp_in_ms", "connected_at", "node", "port", "peer_port")
# In texts of events: what stands for a process, a node's name, and a connection's.
PROCESS = re.compile(r"<[^<> ]+@[^<> ]+>")
NODE = re.compile(r"[a-z0-9]+@[a-zA-Z0-9.-]+")
CONNECTION = re.compile(r"[0-9.]+:[0-9]+ -> [0-9.]+:[0-9]+")
ANSWER_SECONDS_MAX = 2.0
EVENT_SECONDS = 0.003  # Until something arrives, but no longer before the question is put again.
QUIET_SECONDS = 0.04  # After the last delivery that was waited for: is there one more?


class Stage:
    """One scenario's connections to one broker, and its transcript."""

    def __init__(self, broker, scenario_id: str):
        self.broker = broker
        self.lines: list[str] = []
        self._prefix = f"diff.{scenario_id}."
        self._connections: dict[str, pika.BlockingConnection] = {}
        self._channels: dict[str, pika.adapters.blocking_connection.BlockingChannel] = {}
        self._came: dict[str, list] = {}
        self._tags: dict[str, list[int]] = {}
        self.declared: list[tuple[str, str]] = []
        self._masks: dict[str, str] = {}
        self._is_traced = False
        self._policies: list[tuple[str, str]] = []  # The verb that clears it, its name.

    # Names.

    def name(self, short: str) -> str:
        """A name that no other scenario has. The pseudo-names of the protocol stay as they are."""
        return short if short == "" or short.startswith("amq.") else self._prefix + short

    def mask(self, secret: str, shown: str) -> None:
        self._masks[secret] = shown

    def canonical(self, text: str) -> str:
        for secret, shown in self._masks.items():
            text = text.replace(secret, shown)
        return text.replace(self._prefix, "")

    def note(self, text: str) -> None:
        self.lines.append(self.canonical(text))

    # Connections and channels; `on` names a channel, "other:1" one of the connection "other".

    def channel(self, on: str = "main"):
        found = self._channels.get(on)
        if found is not None and found.is_open:
            return found
        connection_name = on.partition(":")[0]
        connection = self._connections.get(connection_name)
        if connection is None or not connection.is_open:
            connection = pika.BlockingConnection(
                pika.ConnectionParameters(self.broker.host, self.broker.port, heartbeat=0)
            )
            self._connections[connection_name] = connection
        channel = connection.channel()
        channel.add_on_return_callback(
            lambda _c, method, _p, body: self.note(
                f"returned {method.reply_code} {method.reply_text} {body.decode()}"
            )
        )
        channel.add_on_cancel_callback(
            lambda frame: self.note(f"cancelled {frame.method.consumer_tag}")
        )
        self._channels[on] = channel
        return channel

    def ask(self, what: str, act) -> object:
        """Does something and writes down its outcome; returns its answer, or None if refused."""
        try:
            answer = act()
        except ChannelClosedByBroker as refused:
            self.note(f"{what}: channel closed {refused.reply_code} {refused.reply_text}")
        except ConnectionClosedByBroker as refused:
            self.note(f"{what}: connection closed {refused.reply_code} {refused.reply_text}")
        except NackError:
            self.note(f"{what}: nacked")
        except UnroutableError as refused:
            message = refused.messages[0]
            self.note(f"{what}: returned {message.method.reply_code} {message.method.reply_text}")
        except AMQPError as failed:
            self.note(f"{what}: {type(failed).__name__}")
        else:
            self.note(f"{what}: {_answer_text(answer)}")
            return answer
        return None

    def sync(self, on: str = "main") -> None:
        """What was said before on the channel has been taken in, or refused: that is noted."""
        channel = self.channel(on)
        try:
            channel.flow(True)
        except ChannelClosedByBroker as refused:
            self.note(f"channel closed {refused.reply_code} {refused.reply_text}")
        except ConnectionClosedByBroker as refused:
            self.note(f"connection closed {refused.reply_code} {refused.reply_text}")

    # Declarations.

    def declare(self, queue: str = "", on: str = "main", **options) -> str | None:
        full = self.name(queue)
        shown = " ".join(f"{k}={v}" for k, v in options.items())
        answer = self.ask(
            f"declare {queue} {shown}".rstrip(),
            lambda: self.channel(on).queue_declare(full, **options),
        )
        if answer is None:
            return None
        if answer.method.queue.startswith("amq.gen-"):
            self.mask(answer.method.queue, "<made up>")
            self.lines[-1] = self.canonical(self.lines[-1])
        self.declared.append(("queue", answer.method.queue))
        return answer.method.queue

    def exchange(self, exchange: str, kind: str = "direct", on: str = "main", **options) -> None:
        shown = " ".join(f"{k}={v}" for k, v in options.items())
        for key in ("alternate-exchange",):
            if key in (options.get("arguments") or {}):
                value = options["arguments"][key]
                if isinstance(value, str):
                    options["arguments"] = options["arguments"] | {key: self.name(value)}
        done = self.ask(
            f"exchange {exchange} {kind} {shown}".rstrip(),
            lambda: self.channel(on).exchange_declare(self.name(exchange), kind, **options),
        )
        if done is not None:
            self.declared.append(("exchange", self.name(exchange)))

    def bind(self, queue: str, exchange: str, key: str = "", on: str = "main", **options) -> None:
        self.ask(
            f"bind {queue} {exchange} {key}".rstrip(),
            lambda: self.channel(on).queue_bind(
                self.name(queue), self.name(exchange), key, **options
            ),
        )

    def unbind(self, queue: str, exchange: str, key: str = "", on: str = "main", **options) -> None:
        self.ask(
            f"unbind {queue} {exchange} {key}".rstrip(),
            lambda: self.channel(on).queue_unbind(
                self.name(queue), self.name(exchange), key, **options
            ),
        )

    def count(self, queue: str, on: str = "main") -> None:
        self.ask(f"count {queue}", lambda: self.channel(on).queue_declare(self.name(queue), passive=True))

    def wait_empty(self, queue: str) -> None:
        """Until nothing is ready in the queue."""
        channel = self.channel("watch")
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        full = self.name(queue)
        while channel.queue_declare(full, passive=True).method.message_count > 0:
            if time.monotonic() > deadline:
                self.note(f"{queue} has not become empty")
                return
            channel.connection.process_data_events(EVENT_SECONDS)
        self.note(f"{queue} is empty")

    def wait_gone(self, queue: str) -> None:
        """Until the queue is not there any more. Asked by publishing: that is no use of it."""
        channel = self.channel("watch")
        channel.confirm_delivery()
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                channel.basic_publish("", self.name(queue), b"", mandatory=True)
            except UnroutableError:
                self.note(f"{queue} is gone")
                return
            channel.connection.process_data_events(EVENT_SECONDS)
        self.note(f"{queue} is still there")

    def policy(self, name: str, pattern: str, definition: dict, **options) -> None:
        self._set_policy("policy", name, pattern, definition, options)

    def operator_policy(self, name: str, pattern: str, definition: dict, **options) -> None:
        self._set_policy("operator_policy", name, pattern, definition, options)

    def _set_policy(self, kind: str, name: str, pattern: str, definition: dict, options: dict) -> None:
        self._policies.append((f"clear_{kind}", self._prefix + name))
        arguments = []
        for key, value in options.items():
            arguments += [f"--{key.replace('_', '-')}", str(value)]
        self.ctl(
            f"set_{kind}",
            self._prefix + name,
            "^" + self._prefix.replace(".", "[.]") + pattern,
            json.dumps(definition),
            *arguments,
            shown=f"{kind} {name} {json.dumps(definition)}",
        )

    def clear_policy(self, name: str) -> None:
        self._policies.remove(("clear_policy", self._prefix + name))
        self.ctl("clear_policy", self._prefix + name, shown=f"clear policy {name}")

    def trace(self, is_traced: bool) -> None:
        """The firehose, on or off; off at the scenario's end."""
        self._is_traced = is_traced
        verb = "trace_on" if is_traced else "trace_off"
        self.ctl(verb, shown=verb)

    def ctl(self, *arguments: str, shown: str) -> None:
        try:
            self.broker.ctl(*arguments)
        except (brokers.BrokerError, OracleError) as refused:
            complaint = str(refused).partition("Validation failed")[2].strip().splitlines()
            self.note(f"{shown}: refused {complaint[:1]}")
        else:
            self.note(f"{shown}: ok")

    # Messages.

    def publish(
        self,
        queue: str,
        *bodies: str,
        exchange: str | None = None,
        on: str = "main",
        mandatory: bool = False,
        **properties,
    ) -> None:
        """To a queue through the default exchange, or with a key to an exchange."""
        key = self.name(queue) if exchange is None else queue
        for body in bodies:
            self.channel(on).basic_publish(
                "" if exchange is None else self.name(exchange),
                key,
                body.encode(),
                pika.BasicProperties(**properties),
                mandatory=mandatory,
            )

    def confirmed(self, queue: str, body: str, on: str = "confirm", **options) -> None:
        """A publish whose outcome is written down."""
        channel = self.channel(on)
        channel.confirm_delivery()

        def act():
            exchange = options.pop("exchange", None)
            mandatory = options.pop("mandatory", False)
            channel.basic_publish(
                "" if exchange is None else self.name(exchange),
                self.name(queue) if exchange is None else queue,
                body.encode(),
                pika.BasicProperties(**options),
                mandatory=mandatory,
            )

        self.ask(f"publish {body} and confirm", act)

    def get(self, queue: str, ack: str | None = "auto", on: str = "main") -> None:
        """Waits for a message and says what becomes of it: auto, keep, ack, reject, requeue."""
        channel = self.channel(on)
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            method, properties, body = channel.basic_get(self.name(queue), auto_ack=ack == "auto")
            if method is not None or time.monotonic() > deadline:
                break
            channel.connection.process_data_events(EVENT_SECONDS)
        if method is None:
            self.note(f"get {queue}: nothing came")
            return
        self.note(f"get {queue}: {_message_text(method, properties, body)}")
        self._tags.setdefault(on, []).append(method.delivery_tag)
        if ack == "ack":
            channel.basic_ack(method.delivery_tag)
        elif ack == "reject":
            channel.basic_reject(method.delivery_tag, requeue=False)
        elif ack == "requeue":
            channel.basic_reject(method.delivery_tag, requeue=True)

    def tag(self, index: int, on: str = "main") -> int:
        """The delivery tag of the index-th message that was got on the channel."""
        return self._tags[on][index]

    def listen(self, *keys: str) -> None:
        """A queue for what the event exchange says under these keys, heard by events()."""
        self.declare("events", on="listener", exclusive=True)
        for key in keys:
            self.bind("events", "amq.rabbitmq.event", key, on="listener")

    def events(self, count: int, in_order: bool = True) -> None:
        """Waits for so many events, and looks whether there is one more."""
        channel = self.channel("listener")
        heard = []
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            method, properties, body = channel.basic_get(self.name("events"), auto_ack=True)
            if method is not None:
                heard.append(f"event {method.routing_key}{body.decode()}: {_event_text(properties)}")
            elif len(heard) >= count or time.monotonic() > deadline:
                break
            else:
                channel.connection.process_data_events(EVENT_SECONDS)
        for line in heard if in_order else sorted(heard):
            self.note(line)

    def empty(self, queue: str, on: str = "main") -> None:
        method, properties, body = self.channel(on).basic_get(self.name(queue), auto_ack=True)
        self.note(
            f"get {queue}: nothing"
            if method is None
            else f"get {queue}: {_message_text(method, properties, body)}"
        )

    def drain(self, queue: str, on: str = "main") -> None:
        """All that is ready, as bodies, a star behind what is redelivered."""
        found = []
        while True:
            method, _, body = self.channel(on).basic_get(self.name(queue), auto_ack=True)
            if method is None:
                break
            found.append(body.decode() + ("*" if method.redelivered else ""))
        self.note(f"drain {queue}: {found}")

    def consume(self, queue: str, tag: str = "c", on: str = "main", **options) -> None:
        came = self._came.setdefault(on, [])
        self.ask(
            f"consume {queue} {tag}",
            lambda: self.channel(on).basic_consume(
                self.name(queue), lambda _c, *message: came.append(message), consumer_tag=tag, **options
            ),
        )

    def cancel(self, tag: str = "c", on: str = "main") -> None:
        self.ask(f"cancel {tag}", lambda: len(self.channel(on).basic_cancel(tag) or []))

    def deliveries(self, count: int, on: str = "main", then: str | None = None, whole: bool = False) -> None:
        """Waits for so many deliveries on the channel, and looks whether more come."""
        came = self._came.setdefault(on, [])
        channel = self.channel(on)
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        with contextlib.suppress(AMQPError):
            while len(came) < count and time.monotonic() < deadline:
                channel.connection.process_data_events(0.02)
            channel.connection.process_data_events(QUIET_SECONDS)
        shown = []
        for method, properties, body in came:
            if whole:
                shown.append(_message_text(method, properties, body))
            else:
                mark = "*" if method.redelivered else ""
                shown.append(f"{method.consumer_tag}:{body.decode()}{mark}")
            self._tags.setdefault(on, []).append(method.delivery_tag)
            if then == "ack":
                channel.basic_ack(method.delivery_tag)
            elif then is not None:
                channel.basic_nack(method.delivery_tag, requeue=then == "requeue")
        came.clear()
        self.note(f"deliveries {on}: {shown}")

    def close(self, on: str) -> None:
        """Closes a channel, or with a name without a colon all of a connection."""
        if on in self._connections and on not in ("main",):
            self._connections.pop(on).close()
            return
        self._channels.pop(on).close()

    # The end.

    def clean_up(self) -> None:
        if self._is_traced:
            with contextlib.suppress(Exception):
                self.broker.ctl("trace_off")
        for verb, policy in self._policies:
            with contextlib.suppress(Exception):
                self.broker.ctl(verb, policy)
        with contextlib.suppress(AMQPError):
            channel = self.channel("cleaning")
            for kind, name in reversed(self.declared):
                with contextlib.suppress(AMQPError):
                    if not channel.is_open:
                        channel = self.channel("cleaning")
                    if name.startswith(self._prefix) or name.startswith("amq.gen-"):
                        if kind == "queue":
                            channel.queue_delete(name)
                        else:
                            channel.exchange_delete(name)
        for connection in self._connections.values():
            with contextlib.suppress(AMQPError):
                if connection.is_open:
                    connection.close()


def _answer_text(answer) -> str:
    method = getattr(answer, "method", answer)
    if hasattr(method, "message_count"):
        parts = [
            str(getattr(method, name))
            for name in ("queue", "message_count", "consumer_count")
            if hasattr(method, name)
        ]
        return " ".join(["ok", *parts])
    return f"ok {answer}" if isinstance(answer, (int, str)) else "ok"


def _event_text(properties) -> str:
    """The headers of an event, without what no two brokers have alike."""
    text = f"mode {properties.delivery_mode} {_value_text(properties.headers, UNLIKE_OF_EVENTS)}"
    return NODE.sub("<node>", CONNECTION.sub("<connection>", PROCESS.sub("<process>", text)))


def _value_text(value, unlike: tuple[str, ...] = UNLIKE) -> str:
    if isinstance(value, dict):
        inner = ", ".join(
            f"{k}: {'...' if k in unlike else _value_text(v, unlike)}" for k, v in value.items()
        )
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value_text(one, unlike) for one in value) + "]"
    return f"{type(value).__name__} {value}"


def _message_text(method, properties, body: bytes) -> str:
    given = {
        name: value for name, value in sorted(vars(properties).items()) if value is not None
    }
    shown = body.decode() + ("*" if method.redelivered else "")
    return f"{shown} exchange={method.exchange} key={method.routing_key} {_value_text(given)}"
