# SPDX-License-Identifier: Apache-2.0
"""The classic sender and receiver, run as the programs they are, and what they show."""

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pika
import pytest

from expectations import channel_closed, get_all, ready_count, wait_until

PROGRAMS = Path(__file__).parent
PROGRAM_SECONDS_MAX = 30


@pytest.fixture(scope="module")
def phptest(broker):
    broker.ctl("add_vhost", "phptest")
    broker.ctl("add_user", "phptest", "phptest")
    broker.ctl("set_permissions", "-p", "phptest", "phptest", ".*", ".*", ".*")


@pytest.fixture
def channel(connect, phptest):
    """A channel of our own in the same vhost; before each test nothing is declared."""
    credentials = pika.PlainCredentials("phptest", "phptest")
    channel = connect(virtual_host="phptest", credentials=credentials).channel()
    channel.queue_delete("myqeueu")
    channel.exchange_delete("gcy2")
    return channel


def send(broker, *options: str) -> list[str]:
    """Runs the sender to its end; returns the lines it wrote."""
    sender = [sys.executable, PROGRAMS / "sender.py", "--host", broker.host]
    finished = subprocess.run(
        [*sender, "--port", str(broker.port), *options],
        stdout=subprocess.PIPE,
        text=True,
        timeout=PROGRAM_SECONDS_MAX,
        check=True,
    )
    return finished.stdout.splitlines()


@contextlib.contextmanager
def receiver(broker, *options: str):
    """Starts the receiver and waits until it consumes; ends it, if it has not ended itself."""
    program = [sys.executable, PROGRAMS / "receiver.py", "--host", broker.host]
    with subprocess.Popen(
        [*program, "--port", str(broker.port), *options], stdout=subprocess.PIPE, text=True
    ) as process:
        too_late = threading.Timer(PROGRAM_SECONDS_MAX, process.kill)
        too_late.start()
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            too_late.cancel()
            process.kill()


def lines_to_the_end(process) -> list[str]:
    """What a receiver with --batches still writes."""
    lines = process.stdout.read().splitlines()
    assert process.wait() == 0
    return lines


def publish(channel, count: int) -> None:
    for number in range(count):
        channel.basic_publish("gcy2", "a", b"%d" % number)


def test_without_a_receiver_the_messages_are_dropped(broker, channel):
    assert send(broker) == ["sent first", "sent second"]

    # They are not kept for a queue that comes later.
    channel.queue_declare("myqeueu")
    channel.queue_bind("myqeueu", "gcy2", "a")
    assert ready_count(channel, "myqeueu") == 0


def test_without_a_receiver_mandatory_messages_come_back(broker, channel):
    assert send(broker, "--mandatory") == [
        "sent first",
        "sent second",
        "returned first: 312 NO_ROUTE",
        "returned second: 312 NO_ROUTE",
    ]


def test_the_sender_and_the_receiver_meet(broker, channel):
    with receiver(broker, "--batches", "2") as process:
        for _ in range(5):
            assert send(broker, "--mandatory") == ["sent first", "sent second"]
        lines = lines_to_the_end(process)

    # Ten messages, taken in turns: `auto` came first.
    assert lines == [
        *("auto first", "manual second") * 2,
        "auto first",
        "batch 1",
        "manual second",
        *("auto first", "manual second") * 2,
        "batch 2",
    ]
    # The five that were not acknowledged are there again.
    returned = [channel.basic_get("myqeueu") for _ in range(5)]
    assert [(body, method.redelivered) for method, _, body in returned] == [(b"second", True)] * 5
    assert ready_count(channel, "myqeueu") == 0


def test_auto_ack_is_not_limited_by_prefetch_and_manual_stops_at_five(broker, channel):
    with receiver(broker, "--batches", "4") as process:
        publish(channel, 20)
        lines = lines_to_the_end(process)
    received = [line.split() for line in lines if not line.startswith("batch")]

    manual = [int(body) for tag, body in received if tag == "manual"]
    automatic = [int(body) for tag, body in received if tag == "auto"]

    assert manual == [1, 3, 5, 7, 9]
    assert automatic == [0, 2, 4, 6, 8, *range(10, 20)]
    assert get_all(channel, "myqeueu") == [b"%d" % number for number in manual]


def test_what_came_back_is_marked_when_it_is_delivered_again(broker, channel):
    with receiver(broker, "--batches", "2") as process:
        publish(channel, 10)
        lines_to_the_end(process)

    with receiver(broker, "--batches", "1") as process:
        lines = lines_to_the_end(process)

    assert {line.split(maxsplit=1)[1] for line in lines[:5]} == {
        f"{number} redelivered" for number in (1, 3, 5, 7, 9)
    }
    assert lines[5] == "batch 1"


def test_a_killed_receiver_gives_its_messages_back_too(broker, channel):
    with receiver(broker) as process:
        publish(channel, 20)
        while process.stdout.readline() != "batch 4\n":
            pass
        process.kill()

        wait_until(lambda: ready_count(channel, "myqeueu") == 5, channel.connection)

    assert get_all(channel, "myqeueu") == [b"1", b"3", b"5", b"7", b"9"]


def test_the_exchange_stays_without_a_binding_and_goes_with_its_last(broker, channel):
    send(broker)
    # Never bound: it outlives the sender that declared it.
    channel.exchange_declare("gcy2", passive=True)

    channel.queue_declare("myqeueu")
    channel.queue_bind("myqeueu", "gcy2", "a")
    channel.exchange_declare("gcy2", passive=True)
    channel.queue_unbind("myqeueu", "gcy2", "a")

    with channel_closed(404, "NOT_FOUND - no exchange 'gcy2' in vhost 'phptest'"):
        channel.exchange_declare("gcy2", passive=True)


def test_the_exchange_goes_with_the_queue_that_was_bound_last(broker, channel):
    with receiver(broker):
        channel.exchange_declare("gcy2", passive=True)
    # The queue is neither exclusive nor auto-delete: it stays, and with it binding and exchange.
    wait_until(
        lambda: channel.queue_declare("myqeueu", passive=True).method.consumer_count == 0,
        channel.connection,
    )
    channel.exchange_declare("gcy2", passive=True)

    channel.queue_delete("myqeueu")

    with channel_closed(404, "NOT_FOUND - no exchange 'gcy2' in vhost 'phptest'"):
        channel.exchange_declare("gcy2", passive=True)
