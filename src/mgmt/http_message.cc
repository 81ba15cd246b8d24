// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http_message.h"

#include "mgmt/views.h"

namespace leveret {

HttpResponse HttpResponse::error(int status, std::string_view error, std::string_view reason) {
  return json(boost::json::object{{"error", error}, {"reason", json_text(reason)}}, status);
}

}  // namespace leveret
