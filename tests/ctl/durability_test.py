# SPDX-License-Identifier: Apache-2.0
"""How safe a queue's messages are, and that every one of them is accounted for, as operators see it."""

import base64
import json
import subprocess
import urllib.request

import pika
import pytest

LEVELS = ("fsync", "os", "memory")


@pytest.fixture(name="leveret")
def only_leveret(broker):
    if broker.kind != "leveret":
        pytest.skip("RabbitMQ has no levels")
    return broker


def ask(broker, path: str):
    request = urllib.request.Request(f"http://127.0.0.1:{broker.management_port}{path}")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def open_channel(broker):
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.port))
    channel = connection.channel()
    channel.confirm_delivery()
    return connection, channel


def test_each_queue_has_the_level_that_it_asked_for(leveret):
    connection, channel = open_channel(leveret)
    for level in LEVELS:
        channel.queue_declare(f"level.{level}", durable=True, arguments={"x-durability": level})
    channel.queue_declare("level.default", durable=True)
    channel.queue_declare("level.passing", exclusive=True)

    listed = subprocess.run(
        leveret.command(["-s", "list_queues", "name", "durability"]),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    levels = dict(line.split("\t") for line in listed.splitlines() if line.startswith("level."))
    assert levels == {f"level.{level}": level for level in LEVELS} | {
        "level.default": "fsync",
        "level.passing": "memory",
    }
    for name in levels:
        channel.queue_delete(name)
    connection.close()


def counts_of_journals(broker) -> dict:
    journals = ask(broker, "/api/leveret/journals")
    assert journals and all(journal["state"] == "running" for journal in journals)
    return {key: sum(journal[key] for journal in journals) for key in ("syncs", "bytes_written")}


@pytest.mark.parametrize(("level", "grows"), zip(LEVELS, ((1, 1), (0, 1), (0, 0))))
def test_a_confirm_waits_for_what_the_level_promises(leveret, level, grows):
    connection, channel = open_channel(leveret)
    channel.queue_declare("level", durable=True, arguments={"x-durability": level})
    before = counts_of_journals(leveret)

    persistent = pika.BasicProperties(delivery_mode=2)
    channel.basic_publish("", "level", b"x", persistent)  # Returns when it is confirmed.

    after = counts_of_journals(leveret)
    assert tuple(int(after[key] > before[key]) for key in ("syncs", "bytes_written")) == grows
    channel.queue_delete("level")
    connection.close()


def test_the_ledger_accounts_for_every_message(leveret):
    connection, channel = open_channel(leveret)
    channel.queue_declare("ledger", durable=True)
    for _ in range(10):
        channel.basic_publish("", "ledger", b"x", pika.BasicProperties(delivery_mode=2))
    channel.basic_get("ledger", auto_ack=True)
    tags = [channel.basic_get("ledger")[0].delivery_tag for _ in range(4)]
    channel.basic_ack(tags[0])
    channel.basic_reject(tags[1], requeue=False)
    channel.basic_reject(tags[2], requeue=True)  # tags[3] stays unacknowledged.
    channel.queue_declare("ledger", passive=True)  # What was said before has been taken in.

    ledger = ask(leveret, "/api/queues/%2F/ledger")["ledger"]

    assert ledger == {
        "published": 10,
        "recovered": 0,
        "acked": 1,
        "auto_acked": 1,
        "rejected": 1,
        "expired": 0,
        "dropped": 0,
        "dead_lettered": 0,
        "purged": 0,
        "damaged": 0,
        "present": 7,
        "dying": 0,
        "refused": 0,
        "deduplicated": 0,
        "balanced": True,
    }
    assert channel.queue_purge("ledger").method.message_count == 6
    ledger = ask(leveret, "/api/queues/%2F/ledger")["ledger"]
    assert (ledger["purged"], ledger["present"], ledger["balanced"]) == (6, 1, True)
    channel.queue_delete("ledger")
    connection.close()


def lines_of(broker, *arguments: str) -> list[str]:
    finished = subprocess.run(broker.command(list(arguments)), capture_output=True, text=True, check=True)
    return finished.stdout.splitlines()


def test_a_policy_gives_its_level_to_queues_old_and_new(leveret):
    connection, channel = open_channel(leveret)
    channel.queue_declare("policy.old", durable=True)
    channel.queue_declare("policy.own", durable=True, arguments={"x-durability": "fsync"})
    lines_of(leveret, "set_policy", "--priority", "3", "--apply-to", "queues", "quick", "^policy[.]", '{"durability":"os"}')
    channel.queue_declare("policy.new", durable=True)

    rows = lines_of(leveret, "-s", "list_queues", "name", "policy", "durability")
    assert [row for row in rows if row.startswith("policy.")] == [
        "policy.new\tquick\tos",
        "policy.old\tquick\tos",
        "policy.own\tquick\tfsync",
    ]
    assert lines_of(leveret, "list_policies") == [
        'Listing policies for vhost "/" ...',
        "vhost\tname\tpattern\tapply-to\tdefinition\tpriority",
        '/\tquick\t^policy[.]\tqueues\t{"durability":"os"}\t3',
    ]
    assert ask(leveret, "/api/queues/%2F/policy.new")["effective_policy_definition"] == {"durability": "os"}

    persistent = pika.BasicProperties(delivery_mode=2)
    before = counts_of_journals(leveret)
    channel.basic_publish("", "policy.old", b"x", persistent)
    assert counts_of_journals(leveret)["syncs"] == before["syncs"]
    assert ask(leveret, "/api/exchanges/%2F/amq.direct").get("policy") is None  # It is for queues.
    lines_of(leveret, "clear_policy", "quick")
    channel.basic_publish("", "policy.old", b"x", persistent)
    assert counts_of_journals(leveret)["syncs"] > before["syncs"]

    assert lines_of(leveret, "-q", "list_queues", "name", "policy")[1:] == ["policy.new\t", "policy.old\t", "policy.own\t"]
    for name in ("new", "old", "own"):
        channel.queue_delete(f"policy.{name}")
    connection.close()


def test_a_definition_with_keys_longer_than_any_argument_is_refused_and_harms_nobody(leveret):
    definition = json.dumps({"k" * 300: {"x" * 300: 1}})
    refused = subprocess.run(
        leveret.command(["set_policy", "long", "^q", definition]), capture_output=True, text=True, check=False
    )

    assert refused.returncode == 69
    assert "are not recognised policy settings" in refused.stderr
    assert json.loads("".join(lines_of(leveret, "-q", "list_policies", "--formatter", "json"))) == []
