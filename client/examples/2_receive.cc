// SPDX-License-Identifier: Apache-2.0
//
// The second of the two classic programs: prints what comes to the queue "hello", until it is
// interrupted.
//
//   ./2_receive [amqp-url]
#include "leveret/blocking_connection.h"

#include <iostream>

int main(int argc, char** argv) {
  const char* url = argc > 1 ? argv[1] : "amqp://guest:guest@localhost:5672/%2F";
  leveret::BlockingConnection connection{leveret::URLParameters(url)};
  auto channel = connection.channel();

  channel.queue_declare({.queue = "hello"});

  const auto callback = [](auto& /*channel*/, const auto& /*method*/, const auto& /*properties*/,
                           std::string_view body) {
    std::cout << " [x] Received '" << body << "'" << std::endl;
  };
  channel.basic_consume({.queue = "hello", .on_message_callback = callback, .auto_ack = true});

  std::cout << " [*] Waiting for messages. To exit press CTRL+C" << std::endl;
  channel.start_consuming();
}
