# SPDX-License-Identifier: Apache-2.0
"""Publishing: what is refused, returned, confirmed."""

from scenario import add, scenario


@scenario("mandatory: what reaches no queue comes back")
def mandatory(s):
    s.declare("q")
    s.publish("q", "routed", mandatory=True)
    s.publish("none", "not routed", mandatory=True)
    s.publish("none", "not mandatory")
    s.sync()
    s.drain("q")


@scenario("confirms, with and without a queue")
def confirms(s):
    s.declare("q")
    s.confirmed("q", "a")
    s.confirmed("none", "b")
    s.confirmed("none", "c", mandatory=True)
    s.drain("q")


@scenario("a missing exchange, and what becomes of the channel's other messages")
def missing_exchange(s):
    s.declare("q")
    s.publish("q", "before")
    s.publish("k", "lost", exchange="none")
    s.sync()
    s.drain("q")


@scenario("all properties arrive as they were sent")
def properties(s):
    s.declare("q")
    s.publish(
        "q", "m", content_type="a/b", content_encoding="c", headers={"h": 1, "t": {"x": [1, "y"]}},
        delivery_mode=2, priority=7, correlation_id="id", reply_to="r", expiration="600000",
        message_id="mid", timestamp=12345, type="t", user_id="guest", app_id="app", cluster_id="cl",
    )  # fmt: skip
    s.get("q")


@scenario("an empty body, and an empty routing key")
def empty(s):
    s.declare("q")
    s.publish("q", "")
    s.get("q")
    s.exchange("x", "direct")
    s.bind("q", "x", "")
    s.publish("", "m", exchange="x")
    s.get("q")


LONG_NUMBER = "RabbitMQ breaks the line of its complaint before a number as long as this"
EXPIRATIONS = ["", "abc", "-1", "1.5", "1s", " 1", "0x10", "315360000001", "99999999999999999999"]
for _number, _text in enumerate(EXPIRATIONS):
    add(
        "publish",
        f"expiration_{_number}",
        f"expiration `{_text}`",
        lambda s, text=_text: (s.declare("q"), s.publish("q", "m", expiration=text), s.sync(), s.count("q")),
        differs=LONG_NUMBER if len(_text) > 15 else "",
        ours=f"{{value_too_large,{_text}}}" if len(_text) > 15 else "",
    )


@scenario("somebody else's user_id")
def user_id(s):
    s.declare("q")
    s.publish("q", "mine", user_id="guest")
    s.publish("q", "not mine", user_id="somebody")
    s.sync()
    s.drain("q")


COPIES = {
    "cc": {"CC": ["b"]},
    "bcc": {"BCC": ["b"]},
    "both": {"CC": ["b"], "BCC": ["c"]},
    "same": {"CC": ["a", "b", "b"]},
    "nobody": {"CC": ["none"]},
    "no_texts": {"CC": [1, True]},
}


def _copies(headers):
    def play(s):
        for queue in ("a", "b", "c"):
            s.declare(queue)
        full = {key: [s.name(one) if isinstance(one, str) else one for one in v] for key, v in headers.items()}
        s.publish("a", "m", headers=full)
        s.sync()
        s.get("a")
        s.drain("b")
        s.drain("c")

    return play


for _name, _headers in COPIES.items():
    add("publish", f"copies_{_name}", f"headers `{_headers}`", _copies(_headers))

for _number, _value in enumerate(("text", 1, {"a": 1})):
    for _key in ("CC", "BCC"):
        add(
            "publish",
            f"copies_bad_{_key.lower()}_{_number}",
            f"header {_key} = `{_value!r}`",
            lambda s, key=_key, value=_value: (
                s.declare("q"),
                s.publish("q", "m", headers={key: value}),
                s.sync(),
                s.count("q"),
            ),
        )


@scenario("a transaction: nothing before its commit, nothing after a rollback")
def transaction(s):
    s.declare("q")
    s.ask("select", lambda: s.channel("tx").tx_select())
    s.publish("q", "rolled back", on="tx")
    s.ask("rollback", lambda: s.channel("tx").tx_rollback())
    s.publish("q", "committed", on="tx")
    s.sync("tx")
    s.drain("q")
    s.ask("commit", lambda: s.channel("tx").tx_commit())
    s.drain("q")
    s.publish("q", "again", on="tx")
    s.ask("commit", lambda: s.channel("tx").tx_commit())
    s.drain("q")


@scenario("a transaction of acknowledgements")
def transaction_acks(s):
    s.declare("q")
    s.publish("q", "a", "b")
    s.sync()
    s.channel("tx").tx_select()
    s.get("q", ack="ack", on="tx")
    s.ask("rollback", lambda: s.channel("tx").tx_rollback())
    s.channel("tx").basic_ack(s.tag(0, "tx"))
    s.ask("commit", lambda: s.channel("tx").tx_commit())
    s.drain("q")


@scenario("modes that exclude each other, and commits without a transaction")
def modes(s):
    s.ask("commit", lambda: s.channel().tx_commit())
    s.ask("rollback", lambda: s.channel().tx_rollback())
    s.channel("a").tx_select()
    s.ask("confirm", lambda: s.channel("a").confirm_delivery())
    s.channel("b").confirm_delivery()
    s.ask("tx", lambda: s.channel("b").tx_select())
