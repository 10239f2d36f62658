// JSON that a client sends.
#ifndef TOOLS_STUDIO_API_JSON_BODY_H_
#define TOOLS_STUDIO_API_JSON_BODY_H_

#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "tools/studio/http/http_server.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {

inline constexpr int64_t kMaxJsonBytes = int64_t{256} << 10;

// Parses an object. InvalidArgument for what is no JSON, another value, or
// deeper than 16 levels, so that no later recursion is deep.
absl::StatusOr<nlohmann::json> ParseJsonObject(absl::string_view text);

// Reads the body and calls `handler` with its JSON. 415 where the Content-Type
// is there and is not application/json, 411 without a length, 413 for more than
// kMaxJsonBytes, 400 for what ParseJsonObject refuses.
Reply ReadJson(Request request,
               std::function<Response(const nlohmann::json&)> handler);

}  // namespace studio

#endif  // TOOLS_STUDIO_API_JSON_BODY_H_
