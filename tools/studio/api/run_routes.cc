#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/api/query.h"
#include "tools/studio/api/routes.h"

namespace studio {
namespace {

using nlohmann::json;

Response JsonOrError(const absl::StatusOr<json>& json) {
  return json.ok() ? JsonResponse(*json) : ErrorResponse(json.status());
}

Response FileOrError(absl::StatusOr<RunFile> file) {
  if (!file.ok()) return ErrorResponse(file.status());
  Response response;
  response.content_type = file->content_type;
  response.body = std::move(file->bytes);
  return response;
}

absl::StatusOr<json> ReadRun(const ApiParts& parts, const Request& request,
                             const std::string& id) {
  RETURN_IF_ERROR(CheckQuery(request, {"since"}));
  ASSIGN_OR_RETURN(const int64_t since,
                   QueryInteger(request, "since", 0,
                                std::numeric_limits<int64_t>::max(), 0));
  return parts.runs->Read(id, since);
}

}  // namespace

void AddRunRoutes(const ApiParts& parts, Router* router) {
  router->AddSimple("GET", "/runs", [&parts](const Request&, const Arguments&) {
    return JsonOrError(parts.runs->List());
  });
  router->AddSimple("GET", "/runs/*",
                    [&parts](const Request& request, const Arguments& id) {
                      return JsonOrError(ReadRun(parts, request, id[0]));
                    });
  router->AddSimple(
      "GET", "/runs/*/pictures/*",
      [&parts](const Request&, const Arguments& arguments) {
        return FileOrError(parts.runs->Picture(arguments[0], arguments[1]));
      });
  router->AddSimple("GET", "/runs/*/page",
                    [&parts](const Request&, const Arguments& arguments) {
                      return FileOrError(parts.runs->Page(arguments[0]));
                    });
}

}  // namespace studio
