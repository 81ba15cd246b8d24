# SPDX-License-Identifier: Apache-2.0
"""What every interop test is given: a broker, names that nobody else uses, and pika connections."""

import contextlib
import itertools
import os

import pika
import pytest

pytest.register_assert_rewrite("expectations")

import brokers  # noqa: E402
from relay import Relay  # noqa: E402
from rabbitmq import RabbitMQ  # noqa: E402


def pytest_addoption(parser):
    parser.addoption(
        "--broker",
        choices=("leveret", "rabbitmq"),
        default="leveret",
        help="which broker to test (default: leveret)",
    )


EXIT_NOTHING_RAN = 77


def pytest_sessionfinish(session, exitstatus):
    """Says, by an exit code that ctest knows, that every test was skipped for want of something."""
    reports = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if exitstatus == pytest.ExitCode.OK and "passed" not in reports:
        session.exitstatus = EXIT_NOTHING_RAN


@pytest.fixture(scope="session")
def broker(request):
    """The broker under test, started for this run of pytest."""
    if request.config.getoption("--broker") == "rabbitmq":
        if not RabbitMQ.is_installed():
            pytest.skip("rabbitmq-server is not installed")
        under_test = brokers.Oracle()
    else:
        binaries = brokers.binaries_directory()
        # Absent is a failure, not a reason to skip: nothing would be tested and all would be green.
        for program in ("leveretd", "leveretctl"):
            if not os.access(binaries / program, os.X_OK):
                pytest.fail(f"no {program} in {binaries}; build it or set LEVERET_BIN_DIR")
        under_test = brokers.Leveretd(binaries, int(os.environ.get("LEVERET_WORKERS", "2")))
    yield under_test
    under_test.close()


_numbers = itertools.count(1)


@pytest.fixture
def name(request):
    """Makes names that are unique in this run: name("orders") -> "orders-17"."""
    return lambda stem: f"{stem}-{next(_numbers)}"


@pytest.fixture
def connect(broker):
    """Opens BlockingConnections with any of pika's ConnectionParameters; closes them at the end."""
    opened = []

    def open_connection(**parameters) -> pika.BlockingConnection:
        # One attempt: a refusal is what some tests wait for.
        connection = pika.BlockingConnection(
            pika.ConnectionParameters(
                **({"host": broker.host, "port": broker.port} | parameters),
            )
        )
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        # A test may have broken the wire, which pika learns now at the latest.
        with contextlib.suppress(pika.exceptions.AMQPConnectionError):
            connection.close()


@pytest.fixture
def relay(broker):
    """A way to the broker, for one connection, that the test can break."""
    relay = Relay(broker.host, broker.port)
    yield relay
    relay.cut()


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def channel(connection):
    return connection.channel()


@pytest.fixture(scope="session")
def vhost(broker):
    """A vhost beside "/", with user `limited` (password `secret`) who may do only a part.

    Configure and write: names that begin with "own". Read: those and "readable".
    """
    broker.ctl("add_vhost", "interop")
    broker.ctl("set_permissions", "-p", "interop", "guest", ".*", ".*", ".*")
    broker.ctl("add_user", "limited", "secret")
    broker.ctl(
        "set_permissions", "-p", "interop", "limited", "^own", "^own", "^(own|readable)"
    )
    return "interop"
