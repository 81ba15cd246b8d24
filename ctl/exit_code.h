// SPDX-License-Identifier: Apache-2.0
//
// Failure: why a command did not do what it was asked, with the exit code that rabbitmqctl would
// give (those of sysexits.h).
//
// Thread: values.

#pragma once

#include <expected>
#include <string>
#include <utility>

namespace leveret::ctl {

enum class ExitCode : int {
  ok = 0,
  usage = 64,
  data = 65,      ///< No such vhost; a password that is wrong or missing; a damaged journal.
  no_input = 66,  ///< A path that names nothing readable of the kind.
  no_user = 67,
  unavailable = 69,  ///< The broker is not there, or refused.
  software = 70,
  timeout = 75,
};

struct Failure {
  ExitCode code = ExitCode::software;
  std::string text;             ///< For standard error.
  bool is_under_title = false;  ///< Below a line "Error:".
};

template <class T>
using Outcome = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> fail(ExitCode code, std::string text) {
  return std::unexpected(Failure{code, std::move(text)});
}
/// As rabbitmqctl prints most refusals: "Error:" and the text below it.
[[nodiscard]] inline std::unexpected<Failure> fail_titled(ExitCode code, std::string text) {
  return std::unexpected(Failure{code, std::move(text), true});
}

}  // namespace leveret::ctl
