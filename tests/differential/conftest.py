# SPDX-License-Identifier: Apache-2.0
"""Both brokers, started for this run of pytest."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import brokers  # noqa: E402 (found by the line above)
from rabbitmq import RabbitMQ  # noqa: E402
from stage import PLUGINS  # noqa: E402

EXIT_NOTHING_RAN = 77


def pytest_sessionfinish(session, exitstatus):
    """Says, by an exit code that ctest knows, that every test was skipped for want of something."""
    reports = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if exitstatus == pytest.ExitCode.OK and "passed" not in reports:
        session.exitstatus = EXIT_NOTHING_RAN


@pytest.fixture(scope="session", name="leveret")
def fixture_leveret():
    broker = brokers.Leveretd(brokers.binaries_directory(), workers=2)
    yield broker
    broker.close()


@pytest.fixture(scope="session", name="rabbitmq")
def fixture_rabbitmq():
    if not RabbitMQ.is_installed():
        pytest.skip("rabbitmq-server is not installed")
    broker = brokers.Oracle(PLUGINS)
    yield broker
    broker.close()
