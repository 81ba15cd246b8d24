# SPDX-License-Identifier: Apache-2.0
"""libleveret against a broker: its own test program, and the examples, beside pika."""

import os
import subprocess

import brokers

SECONDS_MAX = 60


def program(name: str):
    return brokers.binaries_directory() / name


def url(broker, vhost: str = "%2F") -> str:
    return f"amqp://guest:guest@{broker.host}:{broker.port}/{vhost}"


def test_its_own_tests(broker):
    finished = subprocess.run(
        [program("client_broker_test"), "--gtest_brief=1"],
        env=os.environ | {"LEVERET_TEST_URL": url(broker)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_two_classic_programs(broker, connect):
    receiver = subprocess.Popen(
        [program("examples/2_receive"), url(broker)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert "Waiting for messages" in receiver.stdout.readline()
        sent = subprocess.run(
            [program("examples/1_send"), url(broker)],
            capture_output=True, text=True, timeout=SECONDS_MAX, check=True,
        )
        assert sent.stdout == " [x] Sent 'Hello World!'\n"
        assert receiver.stdout.readline() == " [x] Received 'Hello World!'\n"
        # And pika's is no different.
        connect().channel().basic_publish(exchange="", routing_key="hello", body=b"from pika")
        assert receiver.stdout.readline() == " [x] Received 'from pika'\n"
    finally:
        receiver.kill()
        receiver.wait()
