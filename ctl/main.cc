// SPDX-License-Identifier: Apache-2.0
//
// leveretctl.
#include "ctl/command.h"

#include <cstdlib>

int main(int argc, char** argv) {
  const char* data_dir = std::getenv("LEVERET_DATA_DIR");
  return leveret::ctl::run({argv + 1, argv + argc}, data_dir != nullptr ? data_dir : "");
}
