#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The oracle: Debian's rabbitmq-server, private to whoever starts it.

Everything it owns is in one temporary directory: data, logs, configuration, Erlang's cookie. Its
ports are free ones, its node name carries them, and it brings its own epmd, so that any number run
side by side and next to the system's own. As root it runs as Debian's user `rabbitmq`, otherwise as
whoever calls.

From Python:

    from rabbitmq import RabbitMQ
    with RabbitMQ() as oracle:
        oracle.host, oracle.port, oracle.management_port, oracle.prometheus_port
        oracle.ctl("add_vhost", "phptest").stdout   # subprocess.CompletedProcess
        oracle.restart()                            # Same ports, same data.

From a shell (Debian's Python by its path; another on the PATH would do too, only the standard
library is used):

    /usr/bin/python3 tests/oracle/rabbitmq.py run --port-file F [--port P] [--config 'key = value']
    /usr/bin/python3 tests/oracle/rabbitmq.py ctl --port-file F list_queues name messages

`run` writes F (JSON: host, port, management_port, prometheus_port, node, pid, log) once the broker
answers, and stays until its standard input ends (--ignore-stdin: does not look at it) or it gets
SIGTERM or SIGINT; then the broker, its epmd and the directory go, and F with them. Exit code 77
means that the package is not installed; `RabbitMQ.is_installed()` says so beforehand.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
USER = "rabbitmq"
EXIT_NOT_INSTALLED = 77

# From fork to the first connection.start; a cold machine with two busy cores needs about 15 s.
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 60
CTL_SECONDS_MAX = 60
POLL_SECONDS = 0.02

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = 1


class OracleError(Exception):
    """The broker did not start, did not stop, or refused a command."""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that were free a moment ago, all different.

    Below the range from which the kernel takes ports for outgoing connections: so none of those
    occupies a port while its broker is down, and a client that polls it never meets itself.
    """
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            listener = held.enter_context(socket.socket())
            port = random.randrange(10_000, 32_000)
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", port))
                ports.append(port)
        return ports


def speaks_amqp(host: str, port: int) -> bool:
    """Whether a broker on this port answers the protocol header with a method frame."""
    try:
        with socket.create_connection((host, port), timeout=5) as peer:
            peer.sendall(PROTOCOL_HEADER)
            answer = peer.recv(1)
            return len(answer) == 1 and answer[0] == METHOD_FRAME
    except OSError:
        return False


@dataclasses.dataclass(frozen=True)
class Node:
    """Where a running oracle is; what the port file holds."""

    host: str
    port: int
    management_port: int
    prometheus_port: int
    distribution_port: int
    epmd_port: int
    name: str
    directory: str
    user: str | None
    erl_args: str
    pid: int = 0
    log: str = ""

    def environment(self) -> dict[str, str]:
        """What rabbitmq-server and rabbitmqctl read to be this node and no other."""
        base = Path(self.directory)
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")
        }
        return inherited | {
            "HOME": str(base),
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": self.host,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(base / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(base / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(base / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(base / "schema"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "RABBITMQ_LOGS": str(base / "log" / "rabbit.log"),
            "RABBITMQ_PID_FILE": str(base / "rabbit.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": self.erl_args,
            # The server script then becomes the Erlang machine instead of waiting for it as a
            # shell, and a signal sent to our child reaches the broker.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def identity(self) -> dict:
        """The arguments of subprocess that make a child the node's user."""
        if self.user is None:
            return {}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def ctl(self, *arguments: str, program: str = "rabbitmqctl", check: bool = True):
        """Runs rabbitmqctl (or rabbitmq-diagnostics, rabbitmq-plugins ...) for this node.

        Returns the CompletedProcess, its output as text. Raises OracleError on a non-zero exit code
        unless `check` is false.
        """
        finished = subprocess.run(
            [PROGRAMS / program, *arguments],
            env=self.environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CTL_SECONDS_MAX,
            check=False,
            **self.identity(),
        )
        if check and finished.returncode != 0:
            raise OracleError(
                f"{program} {' '.join(arguments)}: exit code {finished.returncode}\n"
                f"{finished.stdout}{finished.stderr}"
            )
        return finished


class RabbitMQ:
    """One rabbitmq-server. A context manager; or start() and close()."""

    def __init__(
        self,
        *,
        port: int = 0,
        plugins: tuple[str, ...] = ("rabbitmq_management", "rabbitmq_prometheus"),
        config: tuple[str, ...] = (),
        erl_args: str = "",
    ):
        """`config` holds lines of rabbitmq.conf; `plugins=()` starts about two seconds faster.

        `erl_args` goes to the Erlang machine. It is empty by default, so that a measurement sees
        the broker as Debian starts it; tests on few cores do well to pass QUIET_SCHEDULERS.
        """
        self._plugins = plugins
        self._config = config
        self._erl_args = erl_args
        self._wanted_port = port
        self._epmd: subprocess.Popen | None = None
        self._server: subprocess.Popen | None = None
        self.node: Node | None = None

    # Schedulers that sleep when idle instead of spinning: leaves the cores to the clients.
    QUIET_SCHEDULERS = "+sbwt none +sbwtdcpu none +sbwtdio none"

    @staticmethod
    def is_installed() -> bool:
        return (PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd") is not None

    @property
    def host(self) -> str:
        return self.node.host

    @property
    def port(self) -> int:
        return self.node.port

    @property
    def management_port(self) -> int:
        return self.node.management_port

    @property
    def prometheus_port(self) -> int:
        return self.node.prometheus_port

    @property
    def pid(self) -> int:
        return self._server.pid

    def ctl(self, *arguments: str, **options):
        return self.node.ctl(*arguments, **options)

    def __enter__(self) -> "RabbitMQ":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def start(self) -> None:
        """Prepares the directory, starts epmd and the broker, returns when the broker answers."""
        try:
            self._prepare()
            self._start_epmd()
            self._start_server()
        except BaseException:
            self.close()
            raise

    def restart(self) -> None:
        """Stops the broker as an operator would and starts it again on the same data and ports."""
        self._stop_server()
        self._start_server()

    def stop_node(self) -> None:
        """Stops the broker in order (SIGTERM), leaving its data; start_node() brings it back."""
        self._stop_server()

    def start_node(self) -> None:
        self._start_server()

    def close(self) -> None:
        """Ends everything that was started and removes the directory. May be called again."""
        if self._server is not None and self._server.poll() is None:
            self._server.kill()  # The data goes with it, so there is nothing to write down.
            self._server.wait(STOP_SECONDS_MAX)
        self._server = None
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(STOP_SECONDS_MAX)
            self._epmd = None
        if self.node is not None:
            shutil.rmtree(self.node.directory, ignore_errors=True)
            self.node = None

    def _prepare(self) -> None:
        port, management, prometheus, distribution, epmd = free_ports(5)
        port = self._wanted_port or port
        directory = tempfile.mkdtemp(prefix="leveret-oracle-")
        self.node = Node(
            host="127.0.0.1",
            port=port,
            management_port=management,
            prometheus_port=prometheus,
            distribution_port=distribution,
            epmd_port=epmd,
            name=f"oracle{port}@localhost",
            directory=directory,
            user=USER if os.geteuid() == 0 else None,
            erl_args=self._erl_args,
            log=str(Path(directory, "log", "rabbit.log")),
        )
        base = Path(directory)
        lines = [
            f"management.tcp.port = {management}",
            "management.tcp.ip = 127.0.0.1",
            f"prometheus.tcp.port = {prometheus}",
            "prometheus.tcp.ip = 127.0.0.1",
            *self._config,
        ]
        # A key of a plugin that is not enabled is an error to RabbitMQ.
        for plugin, prefix in (("rabbitmq_management", "manage"), ("rabbitmq_prometheus", "prom")):
            if plugin not in self._plugins:
                lines = [line for line in lines if not line.startswith(prefix)]
        (base / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (base / "rabbitmq-env.conf").write_text("")
        (base / "advanced.config").write_text("[].\n")
        (base / "enabled_plugins").write_text(f"[{','.join(self._plugins)}].\n")
        cookie = base / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        for name in ("generated", "schema", "mnesia", "log"):
            (base / name).mkdir()
        if self.node.user is not None:
            for path in (base, *base.rglob("*")):
                shutil.chown(path, self.node.user, self.node.user)

    def _start_epmd(self) -> None:
        self._epmd = subprocess.Popen(
            ["epmd", "-port", str(self.node.epmd_port), "-address", "127.0.0.1"],
            cwd=self.node.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self.node.identity(),
        )

    def _start_server(self) -> None:
        output = Path(self.node.directory, "log", "output").open("ab")
        with output:
            self._server = subprocess.Popen(
                [PROGRAMS / "rabbitmq-server"],
                env=self.node.environment(),
                cwd=self.node.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # A terminal's ^C is ours to act on, not Erlang's.
                **self.node.identity(),
            )
        self.node = dataclasses.replace(self.node, pid=self._server.pid)
        deadline = time.monotonic() + START_SECONDS_MAX
        # The listeners open last, when every vhost and plugin is up.
        while not speaks_amqp(self.host, self.port):
            if self._server.poll() is not None:
                raise OracleError(f"rabbitmq-server ended at once:\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise OracleError(
                    f"rabbitmq-server is not up after {START_SECONDS_MAX} s:\n{self._last_words()}"
                )
            time.sleep(POLL_SECONDS)  # bounded poll

    def _stop_server(self) -> None:
        self._server.send_signal(signal.SIGTERM)
        try:
            self._server.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise OracleError(
                f"rabbitmq-server is still there {STOP_SECONDS_MAX} s after SIGTERM:\n"
                f"{self._last_words()}"
            ) from None

    def _last_words(self) -> str:
        words = ""
        for path in (Path(self.node.directory, "log", "output"), Path(self.node.log)):
            if path.exists():
                words += "".join(path.read_text(errors="replace").splitlines(True)[-30:])
        return words


def run(arguments: argparse.Namespace) -> int:
    is_over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: is_over.set())
    if not arguments.ignore_stdin:

        def wait_for_end_of_stdin() -> None:
            while os.read(0, 4096):
                pass
            is_over.set()

        threading.Thread(target=wait_for_end_of_stdin, daemon=True).start()

    oracle = RabbitMQ(
        port=arguments.port,
        plugins=tuple(arguments.plugins.split(",")) if arguments.plugins else (),
        config=tuple(arguments.config),
        erl_args=arguments.erl_args,
    )
    with oracle:
        # Written beside and renamed: who waits for the file to appear never reads half of it.
        target = Path(arguments.port_file)
        draft = target.with_name(target.name + ".new")
        draft.write_text(json.dumps(dataclasses.asdict(oracle.node), indent=1) + "\n")
        draft.rename(target)
        try:
            is_over.wait()
        finally:
            target.unlink(missing_ok=True)
    return 0


def ctl(arguments: argparse.Namespace) -> int:
    node = Node(**json.loads(Path(arguments.port_file).read_text()))
    finished = node.ctl(*arguments.arguments, program=arguments.program, check=False)
    sys.stdout.write(finished.stdout)
    sys.stderr.write(finished.stderr)
    return finished.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="A private RabbitMQ of Debian's, to compare with.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    runs = verbs.add_parser("run", help="start one; stay until standard input ends or SIGTERM")
    runs.add_argument("--port-file", required=True, help="where to say, in JSON, where it is")
    runs.add_argument("--port", type=int, default=0, help="AMQP port (default: a free one)")
    runs.add_argument("--plugins", default="rabbitmq_management,rabbitmq_prometheus")
    runs.add_argument("--config", action="append", default=[], help="a line for rabbitmq.conf")
    runs.add_argument("--erl-args", default="", help="arguments for the Erlang machine")
    runs.add_argument("--ignore-stdin", action="store_true", help="stay until SIGTERM")
    runs.set_defaults(do=run)

    asks = verbs.add_parser("ctl", help="rabbitmqctl for a running one")
    asks.add_argument("--port-file", required=True)
    asks.add_argument("--program", default="rabbitmqctl")
    asks.add_argument("arguments", nargs=argparse.REMAINDER)
    asks.set_defaults(do=ctl)

    arguments = parser.parse_args()
    if not RabbitMQ.is_installed():
        print("rabbitmq-server is not installed", file=sys.stderr)
        return EXIT_NOT_INSTALLED
    return arguments.do(arguments)


if __name__ == "__main__":
    sys.exit(main())
