#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The classic pair, second half: consumes one queue twice on one channel and never acks.

Needs the same vhost and user as sender.py.

    ./receiver.py [--host localhost] [--port 5673] [--batches N]

Declares the queue `myqeueu` (its name since the article), binds it to exchange `gcy2` with the key
`a`, allows five unacknowledged messages, and consumes the queue twice: consumer `auto` needs no
acknowledgement (auto_ack), consumer `manual` would, but gets none. The broker takes turns between
the two as long as both may have a message:

 * `auto` is not limited by the prefetch count, which counts what is unacknowledged;
 * `manual` is at its limit after five messages, from then on `auto` gets everything;
 * when the program ends, the five of `manual` go back to the queue, in their place, and are
   delivered again, marked as redelivered.

Messages are looked at in batches of five. After N batches (or never) the program closes its
connection. The exchange is auto_delete: it goes with its last binding, so when the queue is
deleted, and not before it had one.
"""

import argparse
import itertools

import pika

EXCHANGE = "gcy2"
QUEUE = "myqeueu"
ROUTING_KEY = "a"
BATCH_SIZE = 5


def main() -> None:
    parser = argparse.ArgumentParser(description="Receives messages and does not acknowledge them.")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=5673)
    parser.add_argument("--batches", type=int, help="end after this many batches (default: never)")
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
    channel.queue_declare(queue=QUEUE)
    channel.queue_bind(queue=QUEUE, exchange=EXCHANGE, routing_key=ROUTING_KEY)
    channel.basic_qos(prefetch_count=5)

    batch = []

    def on_message(_channel, method, _properties, body) -> None:
        batch.append((method, body))

    channel.basic_consume(QUEUE, on_message, auto_ack=True, consumer_tag="auto")
    channel.basic_consume(QUEUE, on_message, auto_ack=False, consumer_tag="manual")
    print("ready", flush=True)

    for number in itertools.count(1):
        while len(batch) < BATCH_SIZE:
            connection.process_data_events(time_limit=1)
        for method, body in batch[:BATCH_SIZE]:
            mark = " redelivered" if method.redelivered else ""
            print(f"{method.consumer_tag} {body.decode()}{mark}", flush=True)
        del batch[:BATCH_SIZE]
        print(f"batch {number}", flush=True)
        if number == arguments.batches:
            break

    connection.close()


if __name__ == "__main__":
    main()
