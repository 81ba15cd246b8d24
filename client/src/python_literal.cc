// SPDX-License-Identifier: Apache-2.0
#include "client/src/python_literal.h"

#include "amqp/limits.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace leveret::client {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto trail = [&](int shift) {
    out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    trail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    trail(6);
    trail(0);
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    trail(12);
    trail(6);
    trail(0);
  }
}

/// One reading of one text. What returns a bool or an optional says with it whether all is well;
/// the first complaint is kept.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::expected<FieldValue, std::string> read() {
    std::optional<FieldValue> found = value(amqp::table_depth_max);
    if (found) {
      skip_space();
      if (at_ == text_.size()) return *std::move(found);
      fail("the end is expected");
    }
    return std::unexpected(std::move(complaint_));
  }

 private:
  std::optional<FieldValue> value(int depth_left);
  std::optional<FieldValue> dict(int depth_left);
  std::optional<FieldValue> list(int depth_left);
  std::optional<FieldValue> number();
  std::optional<FieldValue> word();
  std::optional<std::string> string();
  bool escape(std::string& out);
  bool code_point(std::string& out, std::size_t digits, int base);

  std::nullopt_t fail(std::string_view what) {
    if (complaint_.empty()) complaint_ = fmt::format("at character {}: {}", at_ + 1, what);
    return std::nullopt;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n\f").contains(text_[at_])) ++at_;
  }
  void skip_digits() {
    while (is_digit(peek())) ++at_;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string complaint_;
};

std::optional<FieldValue> Reader::value(int depth_left) {
  skip_space();
  const char first = peek();
  if (first == '{' || first == '[') {
    if (depth_left == 0) return fail(fmt::format("nested deeper than {}", amqp::table_depth_max));
    ++at_;
    return first == '{' ? dict(depth_left - 1) : list(depth_left - 1);
  }
  if (first == '\'' || first == '"') {
    std::optional<std::string> text = string();
    if (!text) return std::nullopt;
    return FieldValue(*std::move(text));
  }
  if (is_digit(first) || first == '-' || first == '+' || first == '.') return number();
  return word();
}

std::optional<FieldValue> Reader::dict(int depth_left) {
  FieldTable table;
  while (!take('}')) {
    skip_space();
    if (peek() != '\'' && peek() != '"') return fail("a key in quotes or '}' is expected");
    const std::optional<std::string> key = string();
    if (!key) return std::nullopt;
    if (!take(':')) return fail("':' is expected");
    std::optional<FieldValue> found = value(depth_left);
    if (!found) return std::nullopt;
    table.set(*key, *std::move(found));
    if (take('}')) break;
    if (!take(',')) return fail("',' or '}' is expected");
  }
  return FieldValue(std::move(table));
}

std::optional<FieldValue> Reader::list(int depth_left) {
  FieldArray array;
  while (!take(']')) {
    std::optional<FieldValue> found = value(depth_left);
    if (!found) return std::nullopt;
    array.values.push_back(*std::move(found));
    if (take(']')) break;
    if (!take(',')) return fail("',' or ']' is expected");
  }
  return FieldValue(std::move(array));
}

std::optional<FieldValue> Reader::number() {
  constexpr std::string_view no_number = "a number such as 12 or -0.5 is expected";
  const bool has_plus = peek() == '+';  // std::from_chars knows only the other one.
  const std::size_t begin = has_plus ? ++at_ : at_;
  if (peek() == '-' && !has_plus) ++at_;
  const std::size_t digits_begin = at_;
  skip_digits();
  const std::string_view digits = text_.substr(digits_begin, at_ - digits_begin);
  if (peek() == '.') {
    ++at_;
    skip_digits();
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    skip_digits();
  }
  const std::string_view whole = text_.substr(begin, at_ - begin);
  if (is_word(peek()) || peek() == '.') return fail(no_number);

  const char* const end = whole.data() + whole.size();
  if (at_ == digits_begin + digits.size()) {
    std::int64_t found = 0;
    const auto [stop, error] = std::from_chars(whole.data(), end, found);
    if (error == std::errc::result_out_of_range) return fail("a number of 64 bits is expected");
    const bool has_leading_zero = digits.starts_with('0') && digits.size() > 1 && found != 0;
    if (error != std::errc() || stop != end || has_leading_zero) return fail(no_number);
    const bool is_short = found >= std::numeric_limits<std::int32_t>::min() &&
                          found <= std::numeric_limits<std::int32_t>::max();
    return is_short ? FieldValue(static_cast<std::int32_t>(found)) : FieldValue(found);
  }
  double found = 0;
  const auto [stop, error] = std::from_chars(whole.data(), end, found);
  if (error == std::errc::result_out_of_range)
    return fail("a number that fits in a double is expected");
  if (error != std::errc() || stop != end) return fail(no_number);
  return FieldValue(found);
}

std::optional<FieldValue> Reader::word() {
  const std::size_t begin = at_;
  while (is_word(peek())) ++at_;
  const std::string_view found = text_.substr(begin, at_ - begin);
  if (found == "None") return FieldValue();
  if (found == "True") return FieldValue(true);
  if (found == "False") return FieldValue(false);
  at_ = begin;
  return fail("a value is expected: text in quotes, a number, None, True, False, [...] or {...}");
}

std::optional<std::string> Reader::string() {
  const char quote = text_[at_++];
  std::string out;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n' || c == '\r') break;
    ++at_;
    if (c == quote) return out;
    if (c != '\\') {
      out += c;
    } else if (!escape(out)) {
      return std::nullopt;
    }
  }
  return fail("a closing quote is expected");
}

bool Reader::escape(std::string& out) {
  constexpr std::string_view names = "\\'\"abfnrtv";
  constexpr std::string_view meant = "\\'\"\a\b\f\n\r\t\v";
  const char c = peek();
  if (const std::size_t found = names.find(c); found != std::string_view::npos) {
    ++at_;
    out += meant[found];
    return true;
  }
  if (c == '\n') {
    ++at_;
    return true;
  }
  if (c >= '0' && c <= '7') {
    std::size_t digits = 1;
    while (digits < 3 && at_ + digits < text_.size() && text_[at_ + digits] >= '0' &&
           text_[at_ + digits] <= '7') {
      ++digits;
    }
    return code_point(out, digits, 8);
  }
  if (c == 'x' || c == 'u' || c == 'U') {
    ++at_;
    return code_point(out, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16);
  }
  if (c == 'N') {
    fail("\\N is not known");
    return false;
  }
  out += '\\';  // Python leaves both, so that 'C:\path' is what it looks like.
  return true;
}

bool Reader::code_point(std::string& out, std::size_t digits, int base) {
  const std::string_view text = text_.substr(at_, digits);
  const char* const end = text.data() + text.size();
  std::uint32_t found = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, found, base);
  const bool is_surrogate = found >= 0xD800 && found <= 0xDFFF;
  if (error != std::errc() || stop != end || text.size() != digits || is_surrogate ||
      found > 0x10FFFF) {
    fail("the code point of a character is expected");
    return false;
  }
  at_ += digits;
  append_utf8(out, found);
  return true;
}

}  // namespace

std::expected<FieldValue, std::string> parse_python_literal(std::string_view text) {
  return Reader(text).read();
}

}  // namespace leveret::client
