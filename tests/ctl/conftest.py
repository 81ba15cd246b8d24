# SPDX-License-Identifier: Apache-2.0
"""The broker that the transcripts are run against: leveretd with leveretctl, or RabbitMQ with its own
rabbitmqctl (--broker=rabbitmq)."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests" / "oracle"))

from rabbitmq import PROGRAMS, RabbitMQ, free_ports  # noqa: E402 (found by the line above)

START_SECONDS_MAX = 30  # Also under a sanitizer.
STOP_SECONDS_MAX = 30


class Leveret:
    kind = "leveret"
    program = "leveretctl"

    def __init__(self, binaries: Path):
        self.executable = binaries / "leveretctl"
        self._directory = Path(tempfile.mkdtemp(prefix="leveret-ctl-"))
        data = self._directory / "data"
        data.mkdir()
        self.address = ["--data-dir", str(data)]
        self.address_text = " ".join(self.address) + " "
        self.port, self.management_port, prometheus = free_ports(3)
        self.node = "leveret@transcripts"
        self._output = self._directory / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [binaries / "leveretd", *self.address, "--bind", "127.0.0.1"]
                + ["--port", str(self.port), "--management-port", str(self.management_port)]
                + ["--prometheus-port", str(prometheus), "--workers", "2"],
                env=os.environ | {"RABBITMQ_NODENAME": self.node},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                for port in (self.port, self.management_port):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self._output.read_text(errors="replace")) from None
                time.sleep(0.01)  # bounded poll

    def command(self, arguments: list[str]) -> list:
        return [self.executable, *self.address, *arguments]

    def subprocess_options(self) -> dict:
        return {}

    def wait_for_end(self) -> int:
        return self._process.wait(STOP_SECONDS_MAX)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
        shutil.rmtree(self._directory, ignore_errors=True)


class Oracle:
    kind = "rabbitmq"
    program = "rabbitmqctl"
    address_text = "\0"  # Never there.

    def __init__(self):
        # With the plugin whose exchange Leveret has anyway.
        self._rabbitmq = RabbitMQ(
            plugins=("rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_event_exchange")
        )
        self._rabbitmq.start()
        self.port = self._rabbitmq.port
        self.node = self._rabbitmq.node.name

    def command(self, arguments: list[str]) -> list:
        return [PROGRAMS / "rabbitmqctl", *arguments]

    def subprocess_options(self) -> dict:
        node = self._rabbitmq.node
        return {"env": node.environment(), "cwd": "/", **node.identity()}

    def close(self) -> None:
        self._rabbitmq.close()


def pytest_addoption(parser):
    parser.addoption("--broker", choices=("leveret", "rabbitmq"), default="leveret")


@pytest.fixture(scope="session")
def broker(request):
    if request.config.getoption("--broker") == "rabbitmq":
        if not RabbitMQ.is_installed():
            pytest.skip("rabbitmq-server is not installed")
        started = Oracle()
    else:
        binaries = os.environ.get("LEVERET_BIN_DIR", TREE / "build" / "release" / "bin")
        started = Leveret(Path(binaries))
    yield started
    started.close()
