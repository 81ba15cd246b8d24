# SPDX-License-Identifier: Apache-2.0
"""The two brokers that the interop tests run against: ours, and RabbitMQ, who says what is right.

Both offer the same few things: host, port, kind ("leveret" or "rabbitmq"), ctl(), restart() and
close(). A test that needs more than that tests something else than the protocol.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests" / "oracle"))

from rabbitmq import RabbitMQ, free_ports  # noqa: E402 (found by the line above)

START_SECONDS_MAX = 30  # Also under a sanitizer.
STOP_SECONDS_MAX = 10
CTL_SECONDS_MAX = 30
POLL_SECONDS = 0.005


class BrokerError(Exception):
    """The broker did not start, did not stop as it should, or refused a command."""


class Leveretd:
    """A leveretd of its own: a temporary data directory, free ports, on the loopback."""

    kind = "leveret"
    host = "127.0.0.1"

    def __init__(self, binaries: Path, workers: int):
        self._binaries = binaries
        self._workers = workers
        self.port, self.management_port, self._prometheus_port = free_ports(3)
        self._directory = Path(tempfile.mkdtemp(prefix="leveret-interop-"))
        self._data = self._directory / "data"
        self._data.mkdir()
        self._output = self._directory / "output"
        self._process: subprocess.Popen | None = None
        self._start()

    @property
    def data_directory(self) -> Path:
        return self._data

    def ctl(self, *arguments: str) -> str:
        """Runs leveretctl; returns its standard output, raises BrokerError if it refuses."""
        finished = subprocess.run(
            [self._binaries / "leveretctl", "--data-dir", self._data, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CTL_SECONDS_MAX,
            check=False,
        )
        if finished.returncode != 0:
            raise BrokerError(
                f"leveretctl {' '.join(arguments)}: exit code {finished.returncode}\n"
                f"{finished.stdout}{finished.stderr}"
            )
        return finished.stdout

    def restart(self) -> None:
        self._stop()
        self._start()

    def stop(self) -> None:
        """Ends the process in good order; start() is to follow."""
        self._stop()

    def kill(self) -> None:
        """Ends the process as a crash does; start() is to follow."""
        self._process.kill()
        self._process.wait()

    def start(self) -> None:
        self._start()

    def close(self) -> None:
        """Ends the broker; raises BrokerError if it had died before or does not end in order."""
        try:
            self._stop()
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            shutil.rmtree(self._directory, ignore_errors=True)

    def _start(self) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    self._binaries / "leveretd",
                    "--data-dir",
                    self._data,
                    "--bind",
                    self.host,
                    "--port",
                    str(self.port),
                    "--management-port",
                    str(self.management_port),
                    "--prometheus-port",
                    str(self._prometheus_port),
                    "--workers",
                    str(self._workers),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._accepts():
            if self._process.poll() is not None:
                raise BrokerError(
                    f"leveretd ended at once, exit code {self._process.returncode}:\n"
                    f"{self._last_words()}"
                )
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"leveretd does not accept after {START_SECONDS_MAX} s:\n{self._last_words()}"
                )
            time.sleep(POLL_SECONDS)  # bounded poll

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def _stop(self) -> None:
        if self._process.poll() is not None:
            raise BrokerError(
                f"leveretd ended by itself, exit code {self._process.returncode}:\n"
                f"{self._last_words()}"
            )
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise BrokerError(
                f"leveretd is still there {STOP_SECONDS_MAX} s after SIGTERM:\n"
                f"{self._last_words()}"
            ) from None
        if self._process.returncode != 0:
            raise BrokerError(
                f"leveretd left with exit code {self._process.returncode} after SIGTERM:\n"
                f"{self._last_words()}"
            )

    def _last_words(self) -> str:
        return "".join(self._output.read_text(errors="replace").splitlines(True)[-40:])


class Oracle:
    """A rabbitmq-server of its own."""

    kind = "rabbitmq"

    def __init__(self, plugins: tuple[str, ...] = ()):
        self._server = RabbitMQ(plugins=plugins, erl_args=RabbitMQ.QUIET_SCHEDULERS)
        self._server.start()
        self.host = self._server.host
        self.port = self._server.port

    def ctl(self, *arguments: str) -> str:
        return self._server.ctl(*arguments).stdout

    def restart(self) -> None:
        self._server.restart()

    def close(self) -> None:
        self._server.close()


def binaries_directory() -> Path:
    """Where leveretd and leveretctl are: $LEVERET_BIN_DIR, or the release build of this tree."""
    return Path(os.environ.get("LEVERET_BIN_DIR", TREE / "build" / "release" / "bin"))
