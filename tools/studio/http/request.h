// One HTTP request as the handlers see it, and the strict reading of its
// target.
#ifndef TOOLS_STUDIO_HTTP_REQUEST_H_
#define TOOLS_STUDIO_HTTP_REQUEST_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace studio {

// The parts of "/api/v1/uploads/ID?side=64".
struct Target {
  std::vector<std::string> path;  // {"api", "v1", "uploads", "ID"}; "/" is {}
  std::map<std::string, std::string> query;
};

// Reads what stands between method and version in a request line.
//
// Everything is decoded once, after the split at slashes, so that "%2f" is a
// character of a name and no separator. InvalidArgument for what no page of
// ours asks for: another form than a path, an empty, "." or ".." segment, a
// broken "%", a control character, NUL or a byte above 126 (also in overlong
// UTF-8), a backslash, a name of the query that comes twice, more than
// kMaxTargetBytes.
absl::StatusOr<Target> ParseTarget(absl::string_view target);

inline constexpr size_t kMaxTargetBytes = 2048;

struct Request {
  std::string method;  // "GET" also for HEAD
  Target target;
  // By lower-case name.
  std::map<std::string, std::string, std::less<>> headers;
  int64_t content_length = -1;  // -1: not stated
  // Of a request that was read whole; see ReadBody in http_server.h.
  std::string body;

  // The header's value; empty if it is not there.
  absl::string_view Header(absl::string_view lower_case_name) const;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_REQUEST_H_
