#include "tools/studio/http/request_header.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace studio {

void RequestHeader::Add(absl::string_view name, absl::string_view value) {
  std::string lower = absl::AsciiStrToLower(name);
  const bool is_single = lower == "host" || lower == "authorization" ||
                         lower == "content-length" || lower == "origin" ||
                         lower == "transfer-encoding" || lower == "range";
  const bool is_new =
      fields_.emplace(std::move(lower), std::string(value)).second;
  has_duplicate_ |= is_single && !is_new;
}

std::optional<Response> RequestHeader::Read(absl::string_view method,
                                            absl::string_view target,
                                            Request* request) {
  request->headers = std::move(fields_);
  if (has_duplicate_) {
    return ErrorResponse(400, "invalid_argument",
                         "the request's header states a field twice");
  }
  request->method = method == "HEAD" ? "GET" : std::string(method);
  absl::StatusOr<Target> parsed = ParseTarget(target);
  if (!parsed.ok()) return ErrorResponse(parsed.status());
  request->target = *std::move(parsed);
  if (request->headers.count("transfer-encoding") > 0) {
    return ErrorResponse(411, "invalid_argument",
                         "the request has to state its Content-Length");
  }
  const absl::string_view length = request->Header("content-length");
  if (!length.empty() && (!absl::SimpleAtoi(length, &request->content_length) ||
                          request->content_length < 0)) {
    return ErrorResponse(400, "invalid_argument",
                         "the request's Content-Length is no length");
  }
  return std::nullopt;
}

}  // namespace studio
