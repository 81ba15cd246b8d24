// SPDX-License-Identifier: Apache-2.0
//
// The broker under test, one for the whole run: the one that the environment names, or a leveretd
// of our own on a free port with a temporary data directory, which must end well when it is told
// to.
//
//   LEVERET_WIRE_TARGET=host:port   an existing broker
//   LEVERET_WIRE_CTL='command'      how to administer it (rabbitmqctl's verbs are appended)
//   LEVERET_WIRE_BROKER=rabbitmq    it is RabbitMQ: rows that differ are held to its answer
//   LEVERET_WORKERS=n               --workers of our own leveretd; 2 when not set
//
// Thread: the test's.

#pragma once

#include "wire_client.h"

#include <initializer_list>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leveret::wire {

class Broker : public testing::Environment {
 public:
  /// The broker of this run.
  static Broker& instance();

  /// Leaves neither process nor data directory, also when SetUp failed halfway.
  ~Broker() override;

  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] bool is_rabbitmq() const { return is_rabbitmq_; }
  /// Users and virtual hosts can be made.
  [[nodiscard]] bool has_ctl() const { return !ctl_.empty(); }
  /// Runs a verb of rabbitmqctl. True: it ended with 0.
  [[nodiscard]] bool ctl(std::initializer_list<std::string_view> arguments) const;

  /// Makes, once: user `wire.limited`, who may configure `c.*`, write `w.*`, read `r.*` in `/`;
  /// user `wire.outsider`, who may enter no virtual host; virtual host `wire.other`, which is
  /// `guest`'s alone. Passwords are the users' names. Requires: has_ctl().
  void make_users();

 private:
  void start_leveretd();

  Target target_;
  std::string ctl_;
  bool is_rabbitmq_ = false;
  bool has_users_ = false;
  std::string data_directory_;
  int process_ = -1;
  int process_fd_ = -1;  // Readable when the process has ended.
};

}  // namespace leveret::wire
