# SPDX-License-Identifier: Apache-2.0
"""What PUT /api/vhosts/{vhost} changes of a vhost that is there."""

import base64
import json
import urllib.error
import urllib.request

import pytest


@pytest.fixture(name="leveret")
def only_leveret(broker):
    if broker.kind != "leveret":
        pytest.skip("RabbitMQ empties what is not given")
    return broker


def ask(broker, method: str, body: dict | None = None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{broker.management_port}/api/vhosts/changing",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_what_is_given_is_changed_and_the_rest_stays(leveret):
    def now():
        vhost = ask(leveret, "GET")[1]
        return vhost["description"], vhost["tags"], vhost["default_queue_type"], vhost["tracing"]

    assert ask(leveret, "PUT", {"description": "one", "tags": "a,b"})[0] == 201
    assert now() == ("one", ["a", "b"], "undefined", False)
    for change, then in (
        ({}, ("one", ["a", "b"], "undefined", False)),
        ({"description": "two"}, ("two", ["a", "b"], "undefined", False)),
        ({"tags": ""}, ("two", [], "undefined", False)),
        ({"default_queue_type": "quorum", "tracing": True}, ("two", [], "quorum", True)),
        ({"tracing": False}, ("two", [], "quorum", False)),
        ({"default_queue_type": "undefined"}, ("two", [], "undefined", False)),
    ):
        assert ask(leveret, "PUT", change)[0] == 204
        assert now() == then
    for wrong in ({"tracing": "x"}, {"default_queue_type": "x"}, {"description": 5}):
        assert ask(leveret, "PUT", wrong | {"tags": "kept,out"})[0] == 400
        assert now() == ("two", [], "undefined", False)
    assert ask(leveret, "DELETE")[0] == 204
