# SPDX-License-Identifier: Apache-2.0
"""leveretctl says what rabbitmqctl says.

transcripts/ holds commands with the answers of RabbitMQ 3.10.8: standard output behind `| `, standard
error behind `! `, the exit code in brackets, a line for standard input behind `<<<`; \\t is a tab, \\e
an escape character, \\s a space at the end of a line. They are run in their order, against leveretctl
(with --broker=rabbitmq against the real one, which proves the transcripts and not us), and compared
after normalising what cannot be the same: the program's and the node's name, pids, ports, and the order
of a listing's rows.
"""

import dataclasses
import os
import re
import shlex
import subprocess
from pathlib import Path

import pika
import pytest

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
COMMAND_SECONDS_MAX = 60


@dataclasses.dataclass
class Step:
    line: int
    command: str
    stdin: str
    code: int
    stdout: list[str]
    stderr: list[str]


def read_transcript(path: Path) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.startswith("$ "):
            command, _, stdin = line[2:].partition(" <<< ")
            steps.append(Step(number, command, stdin.replace("\\n", "\n"), -1, [], []))
        elif line.startswith("["):
            steps[-1].code = int(line.strip("[]"))
        elif line.startswith("| ") or line == "|":
            steps[-1].stdout.append(line[2:])
        elif line.startswith("! ") or line == "!":
            steps[-1].stderr.append(line[2:])
        elif line and not line.startswith("#"):
            raise ValueError(f"{path}:{number}: not a line of a transcript: {line}")
    return steps


def normalise(text: str, broker) -> list[str]:
    text = text.replace(broker.program, "CTL")
    text = re.sub(r"<[^<>\s]+@[^<>\s]+\.\d+\.\d+\.\d+>|#PID<[\d.]+>", "PID", text)
    text = text.replace(broker.node, "NODE") if broker.node else text
    text = re.sub(r"ctag1\.[0-9a-f]+", "CTAG", text)
    text = re.sub(r"\b\d{5}\b", "PORT", text)
    text = text.replace("\x1b", "\\e").replace("\t", "\\t")
    text = re.sub(r" $", r"\\s", text, flags=re.MULTILINE)
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def as_listing(lines: list[str]) -> list[str]:
    """A listing's rows in an order of their own; a JSON row without the comma before it."""
    return sorted(line.removeprefix(",") for line in lines)


def open_client(broker):
    """What 4_listings.txt looks at."""
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.port))
    channel = connection.channel()
    arguments = {
        "x-max-length": 10,
        "x-overflow": "reject-publish",
        "x-b": True,
        "x-t": {"a": [1, "z"]},
    }
    channel.queue_declare("q1", durable=True, arguments=arguments)
    channel.queue_declare("q2", auto_delete=True)
    channel.queue_declare("qx", exclusive=True)
    channel.exchange_declare(
        "x1", "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"}
    )
    channel.queue_bind("q1", "x1", "a.*", arguments={"h": 1})
    channel.basic_publish("", "q1", "hello")
    channel.basic_publish("", "q1", "hello2")
    channel.basic_qos(prefetch_count=1)
    received = []
    channel.basic_consume("q1", lambda *delivery: received.append(delivery), consumer_tag="ct1")
    channel.basic_qos(prefetch_count=7, global_qos=True)
    channel.basic_consume("q2", lambda *_: None, auto_ack=True, arguments={"x-priority": 3})
    while not received:
        connection.process_data_events(time_limit=10)
    return connection


def run_step(broker, step: Step) -> list[str]:
    """What is different from the transcript."""
    arguments = shlex.split(step.command)
    finished = subprocess.run(
        broker.command(arguments),
        input=step.stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
        **broker.subprocess_options(),
    )
    # The options that say which broker are no part of what was typed.
    stdout = normalise(finished.stdout, broker)
    stderr = normalise(finished.stderr.replace(broker.address_text, ""), broker)
    differences = []
    if finished.returncode != step.code:
        differences.append(f"exit code {finished.returncode}, not {step.code}")
    is_listing = "list_" in step.command
    for name, ours, theirs in (("stdout", stdout, step.stdout), ("stderr", stderr, step.stderr)):
        if is_listing and name == "stdout":
            ours, theirs = as_listing(ours), as_listing(theirs)
        if ours != theirs:
            shown = "\n      ".join(["is:", *ours, "should be:", *theirs])
            differences.append(f"{name}\n      {shown}")
    return [f"line {step.line}: {step.command}\n    {text}" for text in differences]


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_answers_as_rabbitmqctl_does(broker, path):
    client = open_client(broker) if path.stem.endswith("listings") else None
    try:
        differences = []
        for step in read_transcript(path):
            differences += run_step(broker, step)
        assert not differences, "\n" + "\n".join(differences)
    finally:
        if client is not None and client.is_open:
            client.close()


def test_closes_a_connection_by_its_pid(broker):
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.port))
    listed = subprocess.run(
        broker.command(["-s", "list_connections", "pid"]),
        capture_output=True,
        text=True,
        check=True,
        **broker.subprocess_options(),
    ).stdout
    assert listed.count("\n") == 1

    subprocess.run(
        broker.command(["close_connection", listed.strip(), "go away"]),
        check=True,
        **broker.subprocess_options(),
    )

    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.process_data_events(time_limit=10)
    assert closed.value.reply_code == 320
    assert closed.value.reply_text == "CONNECTION_FORCED - go away"


def test_no_time_at_all_is_a_timeout(broker):
    finished = subprocess.run(
        broker.command(["list_queues", "-t", "0"]),
        capture_output=True,
        text=True,
        check=False,
        **broker.subprocess_options(),
    )
    assert finished.returncode == 75
    assert finished.stderr.startswith("Error: operation list_queues on node ")
    assert finished.stderr.endswith(" timed out. Timeout value used: 0\n")


def test_help_and_version_need_no_broker(broker):
    environment = {"PATH": os.environ["PATH"]}
    if broker.kind != "leveret":
        pytest.skip("rabbitmqctl needs its node's environment")
    for arguments in (["help"], ["version"], ["help", "list_queues"], ["list_queues", "--help"]):
        finished = subprocess.run(
            [broker.executable, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout and not finished.stderr


def test_a_broker_that_is_not_there_is_unavailable(broker, tmp_path):
    if broker.kind != "leveret":
        pytest.skip("of leveretctl only: its addresses are its own")
    for where in (["--socket", str(tmp_path / "none")], ["--host", "127.0.0.1", "--port", "1"]):
        finished = subprocess.run(
            [broker.executable, *where, "list_users"], capture_output=True, text=True, check=False
        )
        assert finished.returncode == 69
        assert finished.stderr.startswith("Error: unable to perform an operation on node ")


def test_a_wrong_password_over_TCP_is_refused(broker):
    if broker.kind != "leveret":
        pytest.skip("of leveretctl only: rabbitmqctl has no passwords")
    address = ["--host", "127.0.0.1", "--port", str(broker.management_port)]
    good = subprocess.run(
        [broker.executable, *address, "-s", "list_vhosts"], capture_output=True, text=True
    )
    bad = subprocess.run(
        [broker.executable, *address, "--password", "x", "list_vhosts"],
        capture_output=True,
        text=True,
    )
    assert good.returncode == 0 and "/" in good.stdout.splitlines()
    assert bad.returncode == 69 and "not authorised" in bad.stderr


def test_zz_stop_waits_until_the_process_has_ended(broker):
    if broker.kind != "leveret":
        pytest.skip("rabbitmqctl stop does not wait without a pid file")
    finished = subprocess.run(
        broker.command(["stop"]), capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX
    )
    assert finished.returncode == 0, finished.stderr
    assert broker.wait_for_end() == 0
