// Tested by openapi_test.cc.
#include "tools/studio/api/api.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/studio/api/router.h"
#include "tools/studio/api/routes.h"

namespace studio {
namespace {

void AddRoutes(const ApiParts& parts, Router* router) {
  AddSystemRoutes(parts, router);
  AddUploadRoutes(parts, router);
  AddJobRoutes(parts, router);
  AddWarpRoutes(parts, router);
  AddRunRoutes(parts, router);
}

class Api {
 public:
  explicit Api(ApiParts parts) : parts_(std::move(parts)) {
    AddRoutes(parts_, &router_);
    page_.AddSimple("GET", "/",
                    [this](const Request& request, const Arguments&) {
                      return parts_.page->Get(request);
                    });
    page_.AddSimple("GET", "/*",
                    [this](const Request& request, const Arguments&) {
                      return parts_.page->Get(request);
                    });
  }

  Reply Answer(Request request) const {
    std::optional<Response> refused = parts_.access->CheckSite(request);
    if (refused) return *std::move(refused);
    const std::vector<std::string> path = request.target.path;
    if (path.empty() || path[0] != "api") {
      return page_.Route(std::move(request), path);
    }
    refused = parts_.access->CheckToken(request);
    if (refused) return *std::move(refused);
    if (path.size() < 2 || path[1] != "v1") {
      return ErrorResponse(404, "not_found",
                           "the API is at /api/v1; see openapi.json");
    }
    return router_.Route(std::move(request), {path.begin() + 2, path.end()});
  }

 private:
  const ApiParts parts_;
  Router router_;
  Router page_;
};

}  // namespace

Handler MakeApi(const ApiParts& parts) {
  return [api = std::make_shared<const Api>(parts)](Request request) {
    return api->Answer(std::move(request));
  };
}

std::vector<std::string> ApiRoutes() {
  const ApiParts parts;  // is looked at when a request comes
  Router router;
  AddRoutes(parts, &router);
  return router.Routes();
}

}  // namespace studio
