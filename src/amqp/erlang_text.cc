// SPDX-License-Identifier: Apache-2.0
//
// What Erlang/OTP 25 prints for ~p. The limits of a line were found by asking it.

#include "amqp/erlang_text.h"

#include "amqp/limits.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <arpa/inet.h>
#include <fmt/ranges.h>

namespace leveret::amqp {
namespace {

// A number in a binary, with the comma after it, ends at this column or goes to the next line.
constexpr std::size_t number_column_max = 79;
constexpr std::size_t pair_column_max = 78;

std::size_t column_of(const std::string& text) {
  const std::size_t line_break = text.rfind('\n');
  return line_break == std::string::npos ? text.size() : text.size() - line_break - 1;
}

void break_line(std::string& text, std::size_t indent) {
  text += '\n';
  text.append(indent, ' ');
}

/// The letter after the backslash for a character that Erlang escapes in a string; 0 for others.
char escape_letter(std::uint8_t octet) {
  switch (octet) {
    case '\b':
      return 'b';
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\v':
      return 'v';
    case '\f':
      return 'f';
    case '\r':
      return 'r';
    case 27:
      return 'e';
    case '"':
    case '\\':
      return static_cast<char>(octet);
    default:
      return 0;
  }
}

bool is_printable(std::byte byte) {
  const auto octet = std::to_integer<std::uint8_t>(byte);
  return (octet >= 0x20 && octet <= 0x7E) || octet >= 0xA0 || escape_letter(octet) != 0;
}

bool is_full(const std::string& text, ErlangLayout layout) {
  return layout == ErlangLayout::reply_text && text.size() > short_string_bytes_max;
}

void append_characters(std::string& text, std::span<const std::byte> bytes, ErlangLayout layout) {
  text += '"';
  for (const std::byte each : bytes) {
    const auto octet = std::to_integer<std::uint8_t>(each);
    const char letter = escape_letter(octet);
    if (letter != 0) text += '\\';
    text += letter != 0 ? letter : static_cast<char>(octet);
    if (is_full(text, layout)) return;
  }
  text += '"';
}

void append_numbers(std::string& text, std::span<const std::byte> bytes, ErlangLayout layout) {
  const std::size_t indent = column_of(text);
  std::size_t column = indent;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool is_last = i + 1 == bytes.size();
    const std::string number =
        fmt::format("{}{}", std::to_integer<unsigned>(bytes[i]), is_last ? "" : ",");
    const bool has_room = column + number.size() <= number_column_max;
    if (layout == ErlangLayout::reply_text && !has_room && i > 0) {
      break_line(text, indent);
      column = indent;
    }
    text += number;
    column += number.size();
    if (is_full(text, layout)) return;
  }
}

}  // namespace

void append_erlang_binary(std::string& text, std::span<const std::byte> bytes,
                          ErlangLayout layout) {
  text += "<<";
  if (bytes.empty()) {
    // Nothing between the brackets, not even quotes.
  } else if (std::ranges::all_of(bytes, is_printable)) {
    append_characters(text, bytes, layout);
  } else {
    append_numbers(text, bytes, layout);
  }
  text += ">>";
}

std::string erlang_address(const std::string& address) {
  std::array<std::uint8_t, 16> octets{};
  if (::inet_pton(AF_INET, address.c_str(), octets.data()) == 1) {
    return fmt::format("{{{}}}", fmt::join(std::span(octets).first(4), ","));
  }
  if (::inet_pton(AF_INET6, address.c_str(), octets.data()) != 1) return address;
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i] = octets[2 * i] * 256U + octets[2 * i + 1];
  }
  return fmt::format("{{{}}}", fmt::join(groups, ","));
}

void append_erlang_pair(std::string& text, std::string_view name, unsigned number) {
  const std::size_t column = column_of(text);
  const std::string second = fmt::format("{}}}", number);
  text += fmt::format("{{{},", name);
  if (column_of(text) + second.size() > pair_column_max) break_line(text, column + 1);
  text += second;
}

std::string erlang_term(const FieldValue& value) {
  std::string text;
  if (const std::string* bytes = value.as_string()) {
    append_erlang_binary(text, std::as_bytes(std::span(*bytes)));
  } else if (const FieldArray* array = value.as_array()) {
    for (const FieldValue& one : array->values) {
      text += text.empty() ? "" : ",";
      text += erlang_term(one);
    }
    text = "[" + text + "]";
  } else if (const FieldTable* table = value.as_table()) {
    for (const auto& [key, one] : *table) {
      text += text.empty() ? "" : ",";
      append_erlang_binary(text, std::as_bytes(std::span(key)));
      text += " => " + erlang_term(one);
    }
    text = "#{" + text + "}";
  } else if (const auto flag = value.as_bool()) {
    text = *flag ? "true" : "false";
  } else if (const auto integer = value.as_integer()) {
    text = fmt::format("{}", *integer);
  } else if (const auto number = value.as_double()) {
    text = fmt::format("{}", *number);
  } else {
    text = "null";
  }
  return text;
}

}  // namespace leveret::amqp
