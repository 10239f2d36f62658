#include "tools/studio/api/json_body.h"

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace studio {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 16;

}  // namespace

absl::StatusOr<json> ParseJsonObject(absl::string_view text) {
  bool is_too_deep = false;
  const json parsed = json::parse(
      text.begin(), text.end(),
      [&](int depth, json::parse_event_t, json&) {
        is_too_deep |= depth > kMaxDepth;
        return depth <= kMaxDepth;
      },
      /*allow_exceptions=*/false);
  if (is_too_deep) {
    return absl::InvalidArgumentError("the request's JSON is nested too deep");
  }
  if (!parsed.is_object()) {
    return absl::InvalidArgumentError("the request's body is no JSON object");
  }
  return parsed;
}

Reply ReadJson(Request request, std::function<Response(const json&)> handler) {
  const absl::string_view header = request.Header("content-type");
  // Before parameters, as "; charset=utf-8".
  const absl::string_view type =
      absl::StripAsciiWhitespace(header.substr(0, header.find(';')));
  if (!header.empty() && !absl::EqualsIgnoreCase(type, "application/json")) {
    return ErrorResponse(415, "invalid_argument",
                         "the body has to be JSON: send the header "
                         "\"Content-Type: application/json\"");
  }
  return ReadBody(
      std::move(request), kMaxJsonBytes, /*needs_body=*/true,
      [handler = std::move(handler)](const Request& whole) {
        const absl::StatusOr<json> parsed = ParseJsonObject(whole.body);
        return parsed.ok() ? handler(*parsed) : ErrorResponse(parsed.status());
      });
}

}  // namespace studio
