// SPDX-License-Identifier: Apache-2.0
//
// leveretd: reads its settings, opens a node, runs it.
#include "base/log.h"
#include "base/memory.h"
#include "server/node.h"
#include "server/settings.h"

#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  using namespace leveret;
  return_pages_soon();
  const Started started =
      read_settings(argc, argv, [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
      });
  if (!started.settings) {
    std::fputs(started.text.c_str(), started.exit_code == 0 ? stdout : stderr);
    return started.exit_code;
  }
  set_log_level(started.settings->log_level);

  auto node = Node::open(*started.settings);
  if (!node) {
    log(LogLevel::error, "server", "cannot_start reason=\"{}\"", node.error().text());
    return exit_unavailable;
  }
  return (*node)->run() ? 0 : exit_unavailable;
}
