// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands/password.h"

#include <cstdio>
#include <iostream>

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

namespace leveret::ctl {
namespace {

/// Turns a terminal's echo off while it lives.
class Unechoed {
 public:
  Unechoed() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~Unechoed() {
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Unechoed(const Unechoed&) = delete;
  Unechoed& operator=(const Unechoed&) = delete;

 private:
  termios before_{};
  const bool is_terminal_;
};

}  // namespace

Outcome<std::string> password_argument(const Session& session, std::size_t n) {
  const auto& arguments = session.invocation.arguments;
  if (n < arguments.size()) return arguments[n];
  if (!session.invocation.is_silent) {
    fmt::print("Password: \n");
    std::fflush(stdout);
  }
  const Unechoed unechoed;
  std::string line;
  if (!std::getline(std::cin, line)) {
    return fail_titled(ExitCode::data, "Password is not provided via argument or stdin");
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace leveret::ctl
