#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The classic pair, first half: sends two messages to exchange `gcy2` with the routing key `a`.

Needs a broker with vhost, user and password `phptest`:

    leveretctl add_vhost phptest
    leveretctl add_user phptest phptest
    leveretctl set_permissions -p phptest phptest '.*' '.*' '.*'

    ./sender.py [--host localhost] [--port 5673] [--mandatory]

The exchange is declared, but nothing is bound to it unless a receiver was there before: without
one both messages are dropped, without a word. With --mandatory they come back instead.
"""

import argparse

import pika

EXCHANGE = "gcy2"
ROUTING_KEY = "a"


def main() -> None:
    parser = argparse.ArgumentParser(description="Sends two messages.")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=5673)
    parser.add_argument("--mandatory", action="store_true", help="ask for what has no queue back")
    arguments = parser.parse_args()

    connection = pika.BlockingConnection(
        pika.ConnectionParameters(
            host=arguments.host,
            port=arguments.port,
            virtual_host="phptest",
            credentials=pika.PlainCredentials("phptest", "phptest"),
        )
    )
    channel = connection.channel()
    channel.exchange_declare(exchange=EXCHANGE, exchange_type="direct", auto_delete=True)
    channel.add_on_return_callback(
        lambda _channel, method, _properties, body: print(
            f"returned {body.decode()}: {method.reply_code} {method.reply_text}", flush=True
        )
    )

    for body in ("first", "second"):
        channel.basic_publish(
            exchange=EXCHANGE, routing_key=ROUTING_KEY, body=body, mandatory=arguments.mandatory
        )
        print(f"sent {body}", flush=True)

    # What the broker returns comes before its answer to a later question.
    channel.exchange_declare(exchange=EXCHANGE, passive=True)
    connection.process_data_events(time_limit=0)
    connection.close()


if __name__ == "__main__":
    main()
