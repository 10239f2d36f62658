#include "tools/studio/api/router.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace studio {
namespace {

std::optional<Arguments> Match(const std::vector<std::string>& pattern,
                               const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  Arguments arguments;
  for (size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "*") {
      arguments.push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return arguments;
}

}  // namespace

void Router::Add(absl::string_view method, absl::string_view pattern,
                 RouteHandler handler) {
  entries_.push_back({std::string(method),
                      absl::StrSplit(pattern, '/', absl::SkipEmpty()),
                      std::move(handler)});
}

void Router::AddSimple(absl::string_view method, absl::string_view pattern,
                       SimpleHandler handler) {
  Add(method, pattern,
      [handler = std::move(handler)](Request request,
                                     const Arguments& arguments) -> Reply {
        if (request.content_length > 0) {
          return ErrorResponse(413, "invalid_argument",
                               "this request takes no body");
        }
        return handler(request, arguments);
      });
}

std::vector<std::string> Router::Routes() const {
  std::vector<std::string> routes;
  for (const Entry& entry : entries_) {
    routes.push_back(
        absl::StrCat(entry.method, " /", absl::StrJoin(entry.pattern, "/")));
  }
  return routes;
}

Reply Router::Route(Request request,
                    const std::vector<std::string>& path) const {
  std::vector<std::string> allowed;
  for (const Entry& entry : entries_) {
    const std::optional<Arguments> arguments = Match(entry.pattern, path);
    if (!arguments) continue;
    if (entry.method == request.method) {
      return entry.handler(std::move(request), *arguments);
    }
    allowed.push_back(entry.method);
  }
  if (allowed.empty()) {
    return ErrorResponse(404, "not_found",
                         "the API has no such address; see openapi.json");
  }
  Response response = ErrorResponse(
      405, "invalid_argument",
      absl::StrCat("this address takes ", absl::StrJoin(allowed, " or ")));
  response.headers.emplace_back("Allow", absl::StrJoin(allowed, ", "));
  return response;
}

}  // namespace studio
