// SPDX-License-Identifier: Apache-2.0
#include "mgmt/field_values.h"

#include <utility>

namespace leveret {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;

FieldValue field_value_of(const boost::json::value& value) {
  if (const auto* text = value.if_string()) return FieldValue(std::string_view(*text));
  if (const auto* flag = value.if_bool()) return FieldValue(*flag);
  if (const auto* number = value.if_int64()) return FieldValue(*number);
  if (value.is_number()) return FieldValue(value.to_number<double>());
  if (const auto* object = value.if_object()) return FieldValue(field_table_of(*object));
  if (const auto* array = value.if_array()) {
    FieldArray list;
    list.values.reserve(array->size());
    for (const boost::json::value& one : *array) list.values.push_back(field_value_of(one));
    return FieldValue(std::move(list));
  }
  return {};
}

FieldTable field_table_of(const boost::json::object& object) {
  FieldTable table;
  for (const auto& [key, value] : object) table.set(key, field_value_of(value));
  return table;
}

}  // namespace leveret
