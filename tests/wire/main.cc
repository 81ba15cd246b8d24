// SPDX-License-Identifier: Apache-2.0
//
// The tests' main: GoogleTest's, with one broker around all of them.

#include "broker.h"

#include <gtest/gtest.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  leveret::wire::Broker::instance();
  return RUN_ALL_TESTS();
}
