# SPDX-License-Identifier: Apache-2.0
"""x-recent-history: exchanges that keep their last messages for who is bound later."""

from scenario import add, scenario

TYPE = "x-recent-history"


def _history(s, exchange: str, *bodies: str, length: int | None = None) -> None:
    arguments = {} if length is None else {"arguments": {"x-recent-history-length": length}}
    s.exchange(exchange, TYPE, **arguments)
    for number, body in enumerate(bodies):
        s.publish(f"k{number}", body, exchange=exchange)
    s.sync()


@scenario("who is bound gets the last messages, and then what comes")
def then_what_comes(s):
    _history(s, "x", "a", "b", "c", length=2)
    s.declare("q")
    s.bind("q", "x", "any key")
    s.publish("k", "d", exchange="x")
    s.sync()
    for _ in range(3):
        s.get("q")
    s.empty("q")


@scenario("twenty messages, when nothing is said")
def twenty(s):
    _history(s, "x", *(str(number) for number in range(30)))
    s.declare("q")
    s.bind("q", "x")
    s.drain("q")


@scenario("bound again, bound with another key, unbound and bound")
def bound_again(s):
    _history(s, "x", "a", "b")
    s.declare("q")
    for key in ("one", "one", "other"):
        s.bind("q", "x", key)
        s.drain("q")
    s.unbind("q", "x", "one")
    s.bind("q", "x", "one")
    s.drain("q")


NO_STORE = {"true": True, "false": False, "a_text": "true", "a_number": 1}


def _no_store(value):
    def play(s):
        s.exchange("x", TYPE)
        s.publish("k", "m", exchange="x", headers={"x-recent-history-no-store": value})
        s.sync()
        s.declare("q")
        s.bind("q", "x")
        s.drain("q")

    return play


for _name, _value in NO_STORE.items():
    add(
        "recent_history",
        f"no_store_{_name}",
        f"a message with x-recent-history-no-store = `{_value!r}`",
        _no_store(_value),
    )

LENGTHS = {"one": 1, "zero": 0, "negative": -1, "huge": 2**40, "text": "5", "flag": True, "void": None}

for _name, _value in LENGTHS.items():
    add(
        "recent_history",
        f"length_{_name}",
        f"x-recent-history-length = `{_value!r}`",
        lambda s, value=_value: s.exchange(
            "x", TYPE, arguments={"x-recent-history-length": value}
        ),
    )


@scenario("declared again with another length")
def another_length(s):
    _history(s, "x", "a", length=1)
    s.exchange("x", TYPE, arguments={"x-recent-history-length": 2})
    s.exchange("x", TYPE)
    s.exchange("x", "fanout")
    s.exchange("other", "fanout")
    s.exchange("other", TYPE)


@scenario("a history of messages from other exchanges, and from an alternate exchange")
def by_other_ways(s):
    s.exchange("history", TYPE)
    s.exchange("source", "fanout")
    s.exchange("main", arguments={"alternate-exchange": "history"})
    s.ask("e2e", lambda: s.channel().exchange_bind(s.name("history"), s.name("source")))
    s.publish("k", "by a binding", exchange="source")
    s.publish("k", "as an alternate", exchange="main")
    s.sync()
    s.declare("q")
    s.bind("q", "history")
    for _ in range(2):
        s.get("q")
    s.empty("q")


@scenario("what is mandatory and reaches nobody is returned, and remembered")
def mandatory(s):
    s.exchange("x", TYPE)
    s.confirmed("k", "m", exchange="x", mandatory=True)
    s.declare("q")
    s.bind("q", "x")
    s.drain("q")


@scenario("a transaction's messages are remembered before its end, and after a rollback")
def transaction(s):
    s.exchange("x", TYPE)
    s.channel("tx").tx_select()
    s.publish("k", "rolled back", exchange="x", on="tx")
    s.channel("tx").tx_rollback()
    s.publish("k", "not committed", exchange="x", on="tx")
    s.sync("tx")
    s.declare("q")
    s.bind("q", "x")
    s.drain("q")


@scenario("a history is forgotten with its exchange")
def deleted(s):
    _history(s, "x", "a")
    s.ask("delete", lambda: s.channel().exchange_delete(s.name("x")))
    s.exchange("x", TYPE)
    s.declare("q")
    s.bind("q", "x")
    s.drain("q")


@scenario("a remembered message has its own expiration, and no BCC")
def as_it_was(s):
    s.exchange("x", TYPE)
    s.publish("k", "old", exchange="x", expiration="0")
    s.publish("k", "keys", exchange="x", headers={"CC": ["cc"], "BCC": ["bcc"]})
    s.sync()
    s.declare("q")
    s.bind("q", "x")
    s.get("q")
    s.empty("q")


@scenario("an exchange that is bound routes the history on, if it leads anywhere")
def to_an_exchange(s):
    s.exchange("target")
    s.declare("q")
    s.bind("q", "target", "k0")
    _history(s, "x", "a")
    s.ask("e2e", lambda: s.channel().exchange_bind(s.name("target"), s.name("x")))
    s.get("q")


@scenario(
    "an exchange that is bound gets the history from its beginning",
    differs="RabbitMQ gives the last message first",
    ours="drain q: ['a', 'b', 'c']",
)
def to_an_exchange_in_order(s):
    s.exchange("target", "fanout")
    s.declare("q")
    s.bind("q", "target")
    _history(s, "x", "a", "b", "c")
    s.ask("e2e", lambda: s.channel().exchange_bind(s.name("target"), s.name("x")))
    s.drain("q")


@scenario(
    "an exchange that is bound and leads nowhere",
    differs="RabbitMQ ends the connection with an internal error; here it is bound, and the history goes nowhere",
    ours="e2e: ok",
)
def to_an_exchange_that_leads_nowhere(s):
    s.exchange("target")
    _history(s, "x", "a")
    s.ask("e2e", lambda: s.channel().exchange_bind(s.name("target"), s.name("x")))
