// SPDX-License-Identifier: Apache-2.0
#include "leveret/field_table.h"

#include "client/src/quoted.h"

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace leveret {

using client::quoted;

namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace

FieldArray::FieldArray() = default;
FieldArray::FieldArray(std::initializer_list<FieldValue> initial) : values(initial) {}
FieldArray::FieldArray(const FieldArray&) = default;
FieldArray::FieldArray(FieldArray&&) noexcept = default;
FieldArray::~FieldArray() = default;
FieldArray& FieldArray::operator=(FieldArray other) noexcept {
  values.swap(other.values);
  return *this;
}

FieldTable::FieldTable() = default;
FieldTable::FieldTable(std::initializer_list<FieldTableEntry> entries) : entries_(entries) {}
FieldTable::FieldTable(const FieldTable&) = default;
FieldTable::FieldTable(FieldTable&&) noexcept = default;
FieldTable::~FieldTable() = default;
FieldTable& FieldTable::operator=(FieldTable other) noexcept {
  entries_.swap(other.entries_);
  return *this;
}

bool operator==(const FieldArray& a, const FieldArray& b) { return a.values == b.values; }
bool operator==(const FieldTable& a, const FieldTable& b) { return a.entries_ == b.entries_; }
bool operator==(const FieldValue& a, const FieldValue& b) { return a.value_ == b.value_; }

const FieldValue* FieldTable::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &FieldTableEntry::name);
  return found == entries_.end() ? nullptr : &found->value;
}

const FieldValue& FieldTable::at(std::string_view name) const {
  const FieldValue* found = find(name);
  if (!found) throw std::out_of_range(fmt::format("the table has no {}", quoted(name)));
  return *found;
}

FieldTable& FieldTable::set(std::string_view name, FieldValue value) {
  const auto found = std::ranges::find(entries_, name, &FieldTableEntry::name);
  if (found == entries_.end()) return append(name, std::move(value));
  found->value = std::move(value);
  return *this;
}

FieldTable& FieldTable::append(std::string_view name, FieldValue value) {
  entries_.push_back({std::string(name), std::move(value)});
  return *this;
}

bool FieldTable::erase(std::string_view name) {
  return std::erase_if(entries_, [&](const auto& entry) { return entry.name == name; }) != 0;
}

std::string FieldTable::to_text() const {
  std::string text = "{";
  for (const auto& [name, value] : entries_) {
    if (text.size() > 1) text += ", ";
    text += quoted(name) + ": " + value.to_text();
  }
  return text += '}';
}

std::optional<std::int64_t> FieldValue::as_integer() const {
  return std::visit(
      [](const auto& value) -> std::optional<std::int64_t> {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return value;
        return std::nullopt;
      },
      value_);
}

std::optional<double> FieldValue::as_double() const {
  if (const float* value = get_if<float>()) return *value;
  if (const double* value = get_if<double>()) return *value;
  return std::nullopt;
}

std::string FieldValue::to_text() const {
  return std::visit(Overloaded{
                        [](Void) -> std::string { return "null"; },
                        [](std::int8_t value) { return fmt::format("{}", int{value}); },
                        [](std::uint8_t value) { return fmt::format("{}", int{value}); },
                        [](Decimal value) {
                          return value.scale == 0
                                     ? fmt::format("{}", value.number)
                                     : fmt::format("{}e-{}", value.number, value.scale);
                        },
                        [](const std::string& value) { return quoted(value); },
                        [](const FieldArray& array) {
                          std::string text = "[";
                          for (const FieldValue& each : array) {
                            if (text.size() > 1) text += ", ";
                            text += each.to_text();
                          }
                          return text += ']';
                        },
                        [](Timestamp value) { return fmt::format("timestamp({})", value.seconds); },
                        [](const FieldTable& table) { return table.to_text(); },
                        [](const ByteArray& value) {
                          return fmt::format("binary({} bytes)", value.bytes.size());
                        },
                        [](auto value) { return fmt::format("{}", value); },
                    },
                    value_);
}

}  // namespace leveret
