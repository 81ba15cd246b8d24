# SPDX-License-Identifier: Apache-2.0
"""Connections: what the broker says first."""

import socket

from scenario import add, scenario

ANSWER_SECONDS_MAX = 2.0
METHOD_FRAME = b"\x01"


def _greeted_with(header: bytes):
    def play(s):
        with socket.create_connection((s.broker.host, s.broker.port), ANSWER_SECONDS_MAX) as peer:
            peer.sendall(header)
            answer = peer.recv(8)
            s.note("connection.start" if answer[:1] == METHOD_FRAME else repr(answer))

    return play


OLD_HEADERS = "AMQP 0-8 is answered with the header of 0-9-1; RabbitMQ takes it, and speaks 0-9-1"
for _name, _header, _differs in (
    ("0_9_1", b"AMQP\x00\x00\x09\x01", ""),
    ("0_9", b"AMQP\x01\x01\x00\x09", ""),
    ("0_8", b"AMQP\x01\x01\x08\x00", OLD_HEADERS),
    ("0_8_later", b"AMQP\x01\x01\x09\x01", OLD_HEADERS),
    ("0_10", b"AMQP\x01\x01\x00\x0a", ""),
    ("1_0", b"AMQP\x00\x01\x00\x00", ""),
    ("http", b"GET / HTTP/1.1\r\n\r\n", ""),
):
    add(
        "connection",
        f"header_{_name}",
        f"the header `{repr(_header)[2:-1]}`",
        _greeted_with(_header),
        differs=_differs,
        ours="AMQP" if _differs else "",
    )


@scenario("what the broker says that it is and can do")
def properties(s):
    told = s.channel().connection._impl.server_properties
    for key in ("product", "version", "capabilities"):
        s.note(f"{key}: {sorted(told[key].items()) if key == 'capabilities' else told[key]}")


@scenario("the limits that it offers")
def limits(s):
    parameters = s.channel().connection._impl.params
    s.note(f"channel_max {parameters.channel_max}, frame_max {parameters.frame_max}")
