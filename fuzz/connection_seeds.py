#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of connection_fuzz: short conversations that use every method once.

    fuzz/connection_seeds.py fuzz/corpus/connection_fuzz

Each seed begins with the target's own two bytes: whether a handshake and channels come before it,
and the seed of the cuts.
"""

import struct
import sys
from pathlib import Path

BARE, AFTER_HANDSHAKE, AFTER_CHANNELS = 0, 1, 3
WITH_ALARMS = 4


def short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def table(**entries: bytes) -> bytes:
    return long(b"".join(short(key.replace("_", "-")) + value for key, value in entries.items()))


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def method(channel: int, class_id: int, method_id: int, arguments: bytes = b"") -> bytes:
    return frame(1, channel, struct.pack(">HH", class_id, method_id) + arguments)


def publish(channel: int, exchange: str, key: str, body: bytes, flags: int = 0,
            properties: bytes = b"\0\0") -> bytes:
    content = method(channel, 60, 40, b"\0\0" + short(exchange) + short(key) + bytes([flags]))
    content += frame(2, channel, struct.pack(">HHQ", 60, 0, len(body)) + properties)
    for at in range(0, len(body), 4000):
        content += frame(3, channel, body[at:at + 4000])
    return content


def queue_declare(name: str, flags: int = 0, arguments: bytes = table()) -> bytes:
    return method(1, 50, 10, b"\0\0" + short(name) + bytes([flags]) + arguments)


def consume(queue: str, tag: str, flags: int = 0, arguments: bytes = table()) -> bytes:
    return method(1, 60, 20, b"\0\0" + short(queue) + short(tag) + bytes([flags]) + arguments)


HANDSHAKE = (b"AMQP\0\0\x09\x01"
             + method(0, 10, 11, table(capabilities=b"F" + table(consumer_cancel_notify=b"t\1"))
                      + short("PLAIN") + long(b"\0guest\0guest") + short("en_US"))
             + method(0, 10, 31, struct.pack(">HIH", 4, 8192, 10))
             + method(0, 10, 40, short("/") + b"\0\0"))
CLOSE = method(0, 10, 50, struct.pack(">H", 200) + short("bye") + struct.pack(">HH", 0, 0))
PASSIVE, DURABLE, EXCLUSIVE, AUTO_DELETE = 1, 2, 4, 8

SEEDS = {
    "handshake": (BARE, HANDSHAKE + CLOSE),
    "amqplain": (BARE, b"AMQP\0\0\x09\x01" + method(
        0, 10, 11, table() + short("AMQPLAIN")
        + long(table(LOGIN=b"S" + long(b"guest"), PASSWORD=b"S" + long(b"guest"))[4:])
        + short("en_US"))),
    "stranger": (BARE, b"GET / HTTP/1.1\r\n\r\n"),
    "open-close": (AFTER_HANDSHAKE, method(1, 20, 10, b"\0") + method(1, 20, 20, b"\1")
                   + method(1, 20, 40, struct.pack(">H", 200) + b"\0" + struct.pack(">HH", 0, 0))
                   + frame(8, 0, b"") + CLOSE),
    "publish-consume": (AFTER_CHANNELS, queue_declare("q") + consume("q", "c")
                        + method(1, 60, 10, struct.pack(">IHB", 0, 2, 0))
                        + publish(2, "", "q", b"body") + publish(2, "", "q", b"x" * 5000)
                        + method(1, 60, 80, struct.pack(">QB", 1, 0))
                        + method(1, 60, 120, struct.pack(">QB", 2, 2))
                        + method(1, 60, 30, short("c") + b"\0")),
    "global-prefetch": (AFTER_CHANNELS, method(1, 60, 10, struct.pack(">IHB", 0, 1, 1))
                        + queue_declare("q") + consume("q", "a")
                        + consume("q", "b", arguments=table(x_priority=b"I\0\0\0\5"))
                        + publish(2, "", "q", b"1") + publish(2, "", "q", b"2")
                        + method(1, 60, 80, struct.pack(">QB", 0, 1))
                        + method(1, 60, 110, b"\1") + method(1, 60, 100, b"\1")),
    "confirms": (AFTER_CHANNELS, queue_declare("q", EXCLUSIVE) + method(1, 85, 10, b"\0")
                 + publish(1, "", "q", b"kept") + publish(1, "", "nowhere", b"back", flags=1)
                 + publish(1, "missing", "", b"refused")),
    "tx": (AFTER_CHANNELS, queue_declare("q") + method(1, 90, 10) + publish(1, "", "q", b"one")
           + method(1, 90, 20) + method(1, 60, 70, b"\0\0" + short("q") + b"\0")
           + method(1, 60, 90, struct.pack(">QB", 1, 1)) + method(1, 90, 30)
           + publish(1, "", "q", b"two")),
    "alarms": (AFTER_CHANNELS | WITH_ALARMS,
               queue_declare("q") + consume("q", "c") + publish(2, "", "q", b"one")
               + publish(1, "missing", "", b"refused") + publish(1, "", "q", b"x" * 5000)
               + method(1, 60, 80, struct.pack(">QB", 1, 0)) + publish(2, "", "q", b"two")
               + method(2, 60, 80, struct.pack(">QB", 9, 0)) + queue_declare("q", PASSIVE)
               + publish(2, "", "q", b"three") + CLOSE),
    "exchanges": (AFTER_CHANNELS,
                  method(1, 40, 10, b"\0\0" + short("x") + short("topic") + bytes([4])
                         + table(alternate_exchange=b"S" + long(b"amq.fanout")))
                  + method(1, 40, 10, b"\0\0" + short("h") + short("headers") + b"\0" + table())
                  + queue_declare("q", AUTO_DELETE)
                  + method(1, 40, 30, b"\0\0" + short("h") + short("x") + short("a.#") + b"\0"
                           + table())
                  + method(1, 50, 20, b"\0\0" + short("q") + short("h") + short("") + b"\0"
                           + table(x_match=b"S" + long(b"any"), k=b"t\1"))
                  + publish(2, "x", "a.b", b"m", properties=b"\x20\0" + table(k=b"t\1"))
                  + publish(2, "x", "z", b"m", properties=b"\x20\0" + table(
                      CC=b"A" + long(b"S" + long(b"a.c")), BCC=b"A" + long(b"S" + long(b"a"))))
                  + method(1, 50, 50, b"\0\0" + short("q") + short("h") + short("")
                           + table(x_match=b"S" + long(b"any"), k=b"t\1"))
                  + method(1, 40, 40, b"\0\0" + short("h") + short("x") + short("a.#") + b"\0"
                           + table())
                  + method(1, 40, 20, b"\0\0" + short("h") + b"\1")),
    "queues": (AFTER_CHANNELS, queue_declare("", EXCLUSIVE) + queue_declare("", PASSIVE)
               + queue_declare("d", DURABLE, table(x_message_ttl=b"I\0\0\1\0",
                                                   x_queue_type=b"S" + long(b"classic")))
               + method(1, 50, 30, b"\0\0" + short("d") + b"\0")
               + method(1, 50, 40, b"\0\0" + short("d") + b"\3")
               + queue_declare("amq.reserved")),
    "bad-end": (AFTER_CHANNELS, frame(1, 1, b"\0\x14\0\x14\1")[:-1] + b"\0"),
    "interrupted": (AFTER_CHANNELS, publish(1, "", "q", b"body")[:-14] + queue_declare("q")),
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, (opening, conversation)) in enumerate(sorted(SEEDS.items())):
        (folder / name).write_bytes(bytes([opening, number]) + conversation)


if __name__ == "__main__":
    main()
