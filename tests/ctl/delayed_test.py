# SPDX-License-Identifier: Apache-2.0
"""list_delayed_messages and cancel_delayed_message, and the API behind them."""

import base64
import json
import subprocess
import urllib.error
import urllib.request

import pika
import pytest


@pytest.fixture(name="leveret")
def only_leveret(broker):
    if broker.kind != "leveret":
        pytest.skip("RabbitMQ cannot list or cancel them")
    return broker


@pytest.fixture(name="channel")
def fixture_channel(leveret):
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", leveret.port))
    channel = connection.channel()
    arguments = {"x-delayed-type": "direct"}
    channel.exchange_declare("later", "x-delayed-message", durable=True, arguments=arguments)
    channel.confirm_delivery()
    yield channel
    channel.exchange_delete("later")
    connection.close()


def ask(broker, method: str, path: str):
    url = f"http://127.0.0.1:{broker.management_port}/api/{path}"
    request = urllib.request.Request(url, method=method)
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def ctl(broker, *arguments: str):
    return subprocess.run(
        broker.command(["-q", *arguments]), capture_output=True, text=True, timeout=30
    )


def publish(channel, key: str, delay_ms: int) -> None:
    channel.basic_publish("later", key, b"12345", pika.BasicProperties(headers={"x-delay": delay_ms}))


def rows_of(output: str) -> list[list[str]]:
    return [line.split("\t") for line in output.splitlines()]


def test_messages_are_listed_by_time_and_cancelled(leveret, channel):
    for key, delay_ms in (("second", 2_000_000), ("third", 3_000_000), ("first", 1_000_000)):
        publish(channel, key, delay_ms)
    assert ask(leveret, "GET", "exchanges/%2F/later")[1]["messages_delayed"] == 3

    listed = ctl(leveret, "list_delayed_messages", "later")
    assert listed.returncode == 0, listed.stderr
    heading, *rows = rows_of(listed.stdout)
    assert heading == ["id", "due_at", "routing_key", "payload_bytes"]
    assert [row[2:] for row in rows] == [["first", "5"], ["second", "5"], ["third", "5"]]
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)

    cancelled = ctl(leveret, "cancel_delayed_message", "later", rows[1][0])
    assert cancelled.returncode == 0, cancelled.stderr
    again = ctl(leveret, "cancel_delayed_message", "later", rows[1][0])
    assert again.returncode == 69
    assert "There is no such delayed message" in again.stderr
    left = rows_of(ctl(leveret, "list_delayed_messages", "later").stdout)[1:]
    assert [row[2] for row in left] == ["first", "third"]
    assert ask(leveret, "GET", "exchanges/%2F/later")[1]["messages_delayed"] == 2


def test_a_long_schedule_is_listed_page_by_page(leveret, channel):
    for number in range(1010):
        publish(channel, str(number), 1_000_000 + number)
    rows = rows_of(ctl(leveret, "list_delayed_messages", "later").stdout)[1:]
    assert [row[2] for row in rows] == [str(number) for number in range(1010)]
    status, page = ask(leveret, "GET", "leveret/delayed/%2F/later?count=2")
    assert status == 200
    assert [message["routing_key"] for message in page] == ["0", "1"]
    page = ask(leveret, "GET", f"leveret/delayed/%2F/later?count=2&after={page[-1]['id']}")[1]
    assert [message["routing_key"] for message in page] == ["2", "3"]


def test_what_is_not_there_is_said(leveret, channel):
    missing = ctl(leveret, "list_delayed_messages", "amq.direct")
    assert missing.returncode == 69
    assert "no exchange 'amq.direct' in vhost '/' that holds messages back" in missing.stderr
    assert ask(leveret, "GET", "leveret/delayed/%2F/nothing")[0] == 404
    assert ask(leveret, "GET", "leveret/delayed/%2F/later?count=x")[0] == 400
    assert ask(leveret, "DELETE", "leveret/delayed/%2F/later/soon")[0] == 404
    assert ask(leveret, "DELETE", "leveret/delayed/%2F/later/5")[0] == 404
