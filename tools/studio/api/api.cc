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

class Api {
 public:
  explicit Api(ApiParts parts) : parts_(std::move(parts)) {
    AddSystemRoutes(parts_, &router_);
    AddUploadRoutes(parts_, &router_);
    AddJobRoutes(parts_, &router_);
    AddWarpRoutes(parts_, &router_);
    AddRunRoutes(parts_, &router_);
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

}  // namespace studio
