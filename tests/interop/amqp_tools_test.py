# SPDX-License-Identifier: Apache-2.0
"""The command line tools of librabbitmq (Debian's amqp-tools): a C client's view."""

import contextlib
import shutil
import subprocess

import pytest

from expectations import get_all, ready_count, wait_until

PROGRAM_SECONDS_MAX = 30

pytestmark = pytest.mark.skipif(
    shutil.which("amqp-publish") is None, reason="amqp-tools is not installed"
)


@pytest.fixture
def run(broker):
    """run("get", "--queue=q") -> CompletedProcess of amqp-get against the broker."""

    def run_tool(tool: str, *arguments: str, given: bytes = b""):
        return subprocess.run(
            [f"amqp-{tool}", f"--server={broker.host}", f"--port={broker.port}", *arguments],
            input=given,
            capture_output=True,
            timeout=PROGRAM_SECONDS_MAX,
            check=False,
        )

    return run_tool


@pytest.fixture
def queue(channel, name):
    queue = name("tools")
    channel.queue_declare(queue)
    yield queue
    channel.queue_delete(queue)


def test_a_queue_is_declared_used_and_deleted(run, channel, name):
    queue = name("declared")

    assert run("declare-queue", f"--queue={queue}", "--durable").stdout.decode().strip() == queue
    assert run("publish", f"--routing-key={queue}", "--body=hello", "--persistent").returncode == 0
    wait_until(lambda: ready_count(channel, queue) == 1)
    got = run("get", f"--queue={queue}")
    assert (got.returncode, got.stdout) == (0, b"hello")
    assert run("get", f"--queue={queue}").returncode == 2  # Empty.

    run("publish", f"--routing-key={queue}", "--body=left over")
    wait_until(lambda: ready_count(channel, queue) == 1)
    assert run("delete-queue", f"--queue={queue}").stdout.strip() == b"1"


def test_bodies_are_read_from_standard_input_whole(run, channel, queue):
    body = bytes(range(256)) * 2000

    assert run("publish", f"--routing-key={queue}", given=body).returncode == 0

    wait_until(lambda: ready_count(channel, queue) == 1)
    assert get_all(channel, queue) == [body]


def test_each_line_can_be_a_message(run, channel, queue):
    run("publish", f"--routing-key={queue}", "--line-buffered", given=b"one\ntwo\nthree\n")

    wait_until(lambda: ready_count(channel, queue) == 3)
    assert get_all(channel, queue) == [b"one\n", b"two\n", b"three\n"]


def test_properties_arrive(run, channel, queue):
    run(
        "publish",
        f"--routing-key={queue}",
        "--body=x",
        "--content-type=text/plain",
        "--reply-to=answers",
        "--header=colour: red",
        "--persistent",
    )
    wait_until(lambda: ready_count(channel, queue) == 1)

    _, properties, _ = channel.basic_get(queue, auto_ack=True)

    assert (properties.content_type, properties.reply_to) == ("text/plain", "answers")
    assert (properties.delivery_mode, properties.headers) == (2, {"colour": "red"})


def test_consume_runs_a_command_for_each_message_and_acks(run, channel, queue):
    for body in (b"a", b"b", b"c"):
        channel.basic_publish("", queue, body)

    consumed = run("consume", f"--queue={queue}", "--count=2", "--prefetch-count=1", "cat")

    assert (consumed.returncode, consumed.stdout) == (0, b"ab")
    wait_until(lambda: ready_count(channel, queue) == 1)
    assert get_all(channel, queue) == [b"c"]


def test_consume_binds_a_queue_of_its_own(broker, connection, channel, name):
    exchange = name("tools")
    channel.exchange_declare(exchange, "topic")
    # The queue is unknown to us, so we learn that it is bound when nothing is returned any more.
    with subprocess.Popen(
        [
            "amqp-consume",
            f"--server={broker.host}",
            f"--port={broker.port}",
            f"--exchange={exchange}",
            "--routing-key=a.*",
            "--count=1",
            "cat",
        ],
        stdout=subprocess.PIPE,
    ) as consumer:
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(consumer.kill)
            returned = []
            channel.add_on_return_callback(lambda *message: returned.append(message))

            def is_taken() -> bool:
                returned.clear()
                channel.basic_publish(exchange, "a.b", b"bound", mandatory=True)
                channel.exchange_declare(exchange, passive=True)
                connection.process_data_events(time_limit=0)
                return not returned

            wait_until(is_taken)
            output, _ = consumer.communicate(timeout=PROGRAM_SECONDS_MAX)
            on_failure.pop_all()
    channel.exchange_delete(exchange)

    assert (consumer.returncode, output) == (0, b"bound")


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["get", "--queue=absent"], "server channel error 404, message: NOT_FOUND - no queue"),
        (["get", "--queue=x", "--vhost=absent"], "NOT_ALLOWED - vhost absent not found"),
        (["get", "--queue=x", "--username=guest", "--password=no"], "ACCESS_REFUSED"),
    ],
)
def test_refusals_are_reported(run, arguments, text):
    refused = run(*arguments)

    assert refused.returncode == 1
    assert text in refused.stderr.decode()
