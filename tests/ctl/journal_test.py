# SPDX-License-Identifier: Apache-2.0
"""leveretctl journal inspect and verify, with the files of a real broker: whole ones, ones with a byte
changed, and ones that are no journal's."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pika
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import brokers  # noqa: E402 (found by the line above)

PERSISTENT = pika.BasicProperties(delivery_mode=2)
COMMAND_SECONDS_MAX = 60
OK, USAGE, DATA, NO_INPUT = 0, 64, 65, 66
WHOLE = {"is_whole": True, "damages": 0, "findings": []}


def journal(*arguments) -> subprocess.CompletedProcess:
    """The environment has no LEVERET_DATA_DIR: no broker is asked."""
    return subprocess.run(
        [brokers.binaries_directory() / "leveretctl", "journal", *map(str, arguments)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )


def rows(*arguments) -> list[dict]:
    finished = journal("inspect", *arguments, "--formatter", "json")
    assert finished.returncode == OK, finished.stderr
    return json.loads(finished.stdout)


def verdict(path) -> dict:
    """What verify says; its exit code says whether it found damage."""
    finished = journal("verify", path, "--formatter", "json")
    said = json.loads(finished.stdout)
    assert finished.returncode == (OK if said["is_whole"] else DATA), finished.stderr
    return said


def publish(broker, queue: str, bodies: list[bytes]) -> None:
    connection = pika.BlockingConnection(pika.ConnectionParameters(broker.host, broker.port))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare(queue, durable=True)
    for body in bodies:
        channel.basic_publish("", queue, body, PERSISTENT)
    connection.close()


def acknowledge(broker, queue: str, count: int) -> None:
    connection = pika.BlockingConnection(pika.ConnectionParameters(broker.host, broker.port))
    channel = connection.channel()
    for _ in range(count):
        method, _, _ = channel.basic_get(queue)
        channel.basic_ack(method.delivery_tag)
    connection.close()


@pytest.fixture(scope="module")
def running():
    """30 messages of `orders` in one segment, with an index since a restart; 10 more, and 20 of
    `bills`, in the next. 5 of `orders` are acknowledged."""
    broker = brokers.Leveretd(brokers.binaries_directory(), workers=1)
    try:
        publish(broker, "orders", [b"o" * (i * 40) for i in range(30)])
        broker.restart()
        publish(broker, "orders", [b"more"] * 10)
        publish(broker, "bills", [b"b" * 100] * 20)
        acknowledge(broker, "orders", 5)
        yield broker
    finally:
        broker.close()


@pytest.fixture(scope="module")
def stopped(running, tmp_path_factory):
    """A copy of the directory as a stop in good order leaves it."""
    copy = tmp_path_factory.mktemp("stopped") / "data"
    running.stop()
    shutil.copytree(running.data_directory, copy, ignore=shutil.ignore_patterns("*.sock"))
    running.start()
    return copy


@pytest.fixture
def data(stopped, tmp_path):
    """One that a test may spoil."""
    shutil.copytree(stopped, tmp_path / "data")
    return tmp_path / "data"


def segments(data: Path) -> list[Path]:
    return sorted(data.glob("journal/0000/*.segment"))


def spoil(file: Path, offset: int) -> None:
    content = bytearray(file.read_bytes())
    content[offset] ^= 1
    file.write_bytes(content)


def state_of(directory: Path) -> dict:
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_running_brokers_journal_is_whole(running):
    said = verdict(running.data_directory)

    assert said["damages"] == 0
    assert said["segments"] == 2
    assert said["indexes"] == 1
    assert said["confirmed"] + said["unconfirmed"] == 55


def test_a_journal_that_is_written_to_is_whole():
    broker = brokers.Leveretd(brokers.binaries_directory(), workers=1)
    stop = threading.Event()

    def publish_on():
        while not stop.is_set():
            publish(broker, "busy", [b"x" * 5000] * 50)

    publisher = threading.Thread(target=publish_on)
    publisher.start()
    try:
        for _ in range(10):
            said = verdict(broker.data_directory)
            assert said["damages"] == 0, said
    finally:
        stop.set()
        publisher.join()
        broker.close()


def test_a_stopped_brokers_journal_is_whole_and_stays_as_it_was(data):
    before = state_of(data)

    said = verdict(data)
    rows(data, "--records")
    rows(data, "--owners")

    assert {key: said[key] for key in WHOLE} == WHOLE
    assert (said["segments"], said["indexes"]) == (2, 1)
    assert said["confirmed"] + said["unconfirmed"] == 55
    assert state_of(data) == before


def test_a_journal_may_be_named_in_four_ways(data):
    for path in (data, data / "journal", data / "journal" / "0000"):
        assert len(rows(path)) == 2
    first = segments(data)[0]
    for path in (first, first.with_suffix(".index")):
        assert [row["segment"] for row in rows(path)] == [first.stem]
        assert verdict(path)["segments"] == 1


def test_inspect_shows_segments(data):
    first, second = rows(data)

    assert first["segment"] == segments(data)[0].stem
    assert (first["entries"], first["live_entries"], first["owners"]) == (30, 25, 1)
    assert first["begun"].endswith("Z")
    assert (second["entries"], second["live_entries"], second["owners"]) == (30, 30, 2)
    assert [row["index"] for row in (first, second)] == ["usable", "none"]
    assert first["end"] in ("stopped", "full")  # The start after a stop may have ended it.
    assert second["end"] == "stopped"
    assert first["bytes"] > first["live_bytes"] > 25 * 24


def test_inspect_shows_what_is_alive_of_each_queue(data):
    alive = [(row["queue"], row["vhost"], row["live_entries"]) for row in rows(data, "--owners")]

    assert sorted(alive) == [("bills", "/", 20), ("orders", "/", 10), ("orders", "/", 25)]


def test_inspect_shows_every_record(data):
    first, second = segments(data)
    records = rows(data, "--records")

    entries = [row for row in records if row["kind"] == "entry"]
    assert len(entries) == 60
    assert {row["queue"] for row in entries} == {"orders", "bills"}
    assert [row["seq"] for row in entries if row["segment"] == first.stem] == list(range(1, 31))
    settled = [row for row in records if row["kind"] == "settle"]
    assert sum(row["count"] for row in settled) == 5
    assert {row["refers_to"] for row in settled} == {first.stem}
    of_first = [row for row in records if row["segment"] == first.stem]
    assert of_first[0]["offset"] == 64
    assert "stop" in [row["kind"] for row in of_first]
    assert records[-1]["segment"] == second.stem


def test_inspect_prints_in_every_form(data):
    as_table = journal("inspect", data, "--records")
    as_csv = journal("inspect", data, "--records", "--formatter", "csv")
    as_lines = journal("inspect", data, "--formatter", "pretty_table")

    lines = as_table.stdout.splitlines()
    assert lines[0].startswith("Journals in ")
    assert lines[1].split("\t")[:4] == ["segment", "offset", "bytes", "kind"]
    assert sum(line.startswith("segment\t") for line in lines) == 1
    read = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert len(read) == len(lines) - 2
    assert read[0]["kind"] == "batch"
    assert segments(data)[0].stem in as_lines.stdout


def test_verify_finds_a_byte_that_has_changed(data):
    first = segments(data)[0]
    entry = next(row for row in rows(first, "--records") if row["kind"] == "entry")
    spoil(first, entry["offset"] + 20)

    finished = journal("verify", data)
    said = verdict(data)

    assert finished.returncode == DATA
    assert finished.stderr == "Error:\nDamages found: 1\n"
    assert f"damage\t{first.resolve()}\t{entry['offset']}\t{entry['bytes']}\t" in finished.stdout
    assert [finding["kind"] for finding in said["findings"]] == ["damage"]
    assert journal("inspect", data).returncode == OK
    hole = next(row for row in rows(first, "--records") if row["kind"] == "hole")
    assert (hole["offset"], hole["bytes"]) == (entry["offset"], entry["bytes"])


def test_verify_finds_a_changed_index_and_none_is_needed(data):
    index = segments(data)[0].with_suffix(".index")
    spoil(index, 100)
    assert [finding["kind"] for finding in verdict(data)["findings"]] == ["damaged_index"]

    index.unlink()

    assert verdict(data)["is_whole"]


def test_what_an_earlier_use_left_behind_the_end_is_no_damage(data):
    first, second = segments(data)
    remains = first.read_bytes()
    with second.open("ab") as file:
        file.write(remains + bytes(4096))

    assert {key: verdict(data)[key] for key in WHOLE} == WHOLE


def test_a_torn_end_is_no_damage(data):
    last = segments(data)[-1]
    records = rows(last, "--records")
    stop = records[-1]
    assert stop["kind"] == "stop"
    last.write_bytes(last.read_bytes()[: stop["offset"] + 8])

    assert verdict(data)["is_whole"]


def test_paths_that_are_no_journal(data, tmp_path):
    nonsense = tmp_path / "0000002a.txt"
    nonsense.write_bytes(b"LVRTJRNL and no more")
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (tmp_path / "none", nonsense, empty, data / "metadata.db"):
        for act in ("inspect", "verify"):
            finished = journal(act, path)
            assert finished.returncode == NO_INPUT, (act, path)
            assert str(path) in finished.stderr
            assert not finished.stdout


def test_nonsense_under_a_segments_name(data):
    first = segments(data)[0]
    first.write_bytes(bytes(range(256)) * 300)

    kinds = {finding["kind"] for finding in verdict(data)["findings"]}

    assert "damage" in kinds
    assert journal("inspect", data).returncode == OK


def test_a_new_brokers_journal_is_empty_and_whole(tmp_path):
    (tmp_path / "data" / "journal" / "0000").mkdir(parents=True)

    assert rows(tmp_path / "data") == []
    assert verdict(tmp_path / "data")["is_whole"]


@pytest.mark.parametrize(
    "arguments",
    [(), ("verify",), ("mend", "/"), ("verify", "/", "/"), ("verify", "/", "--fix")],
)
def test_usage(arguments):
    finished = journal(*arguments)

    assert finished.returncode == USAGE
    assert "journal inspect|verify" in finished.stderr


def test_options_that_do_not_go_together(data):
    assert journal("verify", data, "--records").returncode == USAGE
    assert journal("inspect", segments(data)[0], "--owners").returncode == USAGE
