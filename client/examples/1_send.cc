// SPDX-License-Identifier: Apache-2.0
//
// The first of the two classic programs: sends one message to the queue "hello".
//
//   ./1_send [amqp-url]
#include "leveret/blocking_connection.h"

#include <iostream>

int main(int argc, char** argv) {
  const char* url = argc > 1 ? argv[1] : "amqp://guest:guest@localhost:5672/%2F";
  leveret::BlockingConnection connection{leveret::URLParameters(url)};
  auto channel = connection.channel();

  channel.queue_declare({.queue = "hello"});

  channel.basic_publish({.exchange = "", .routing_key = "hello", .body = "Hello World!"});
  std::cout << " [x] Sent 'Hello World!'\n";
  connection.close();
}
