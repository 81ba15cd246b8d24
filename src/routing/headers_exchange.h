// SPDX-License-Identifier: Apache-2.0
//
// HeadersExchange: the message goes where its headers meet the criteria in the binding's arguments.
// `x-match` says how many must be met, and which arguments are criteria:
//
//   all (or no x-match)   every one        keys that begin with "x-" are no criteria
//   any                   at least one     likewise
//   all-with-x            every one        only "x-match" itself is none
//   any-with-x            at least one     likewise
//
// A criterion without a value (void) asks only that the header is there. No criteria at all: `all`
// matches every message and `any` none. When a header comes twice, the first counts; a criterion
// that comes twice asks for two headers.
//
// Thread: the table's. Complexity: a message is held against every binding.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/raw_table.h"
#include "routing/exchange.h"
#include "routing/message_headers.h"

#include <span>
#include <string_view>
#include <vector>

namespace leveret {

class HeadersExchange final : public Exchange {
 public:
  HeadersExchange(std::string_view name, std::string_view alternate_exchange)
      : Exchange(name, ExchangeType::headers, alternate_exchange) {}

 private:
  struct Matcher {
    explicit Matcher(Binding& of);
    [[nodiscard]] bool matches(std::span<const Header> headers) const;

    Binding* binding;
    std::vector<Header> criteria;  // Sorted; views of the binding's arguments.
    bool needs_all = true;
  };

  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  std::vector<Matcher> matchers_;  // By the binding's slot.
};

/// Whether these arguments may bind something to a headers exchange.
/// Errors: 406 with RabbitMQ's text, when x-match is none of the four words.
[[nodiscard]] amqp::AmqpResult<void> validate_headers_binding(amqp::RawTable arguments);

}  // namespace leveret
