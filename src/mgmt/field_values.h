// SPDX-License-Identifier: Apache-2.0
//
// JSON as values of AMQP: definitions come in the one and are kept as the other.
//
// Thread: any.

#pragma once

#include "amqp/field_table.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace leveret {

/// Of a number that no integer type of AMQP holds, or that is none, a double.
[[nodiscard]] amqp::FieldValue field_value_of(const boost::json::value& value);
[[nodiscard]] amqp::FieldTable field_table_of(const boost::json::object& object);

}  // namespace leveret
