#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "nlohmann/json.hpp"
#include "tools/studio/api/input_json.h"
#include "tools/studio/api/routes.h"

namespace studio {
namespace {

using nlohmann::json;

// Facts of the bundled inputs, each found once.
class BundledFacts {
 public:
  explicit BundledFacts(const ApiParts& parts) : parts_(parts) {}

  absl::StatusOr<json> Get(const Input& input) {
    absl::MutexLock lock(&mutex_);
    const auto found = facts_.find(input.id);
    if (found != facts_.end()) return found->second;
    const absl::StatusOr<json> facts = ProbeInput(*parts_.decoder, input);
    if (facts.ok()) facts_[input.id] = *facts;
    return facts;
  }

 private:
  const ApiParts& parts_;
  absl::Mutex mutex_;
  std::map<std::string, json> facts_ ABSL_GUARDED_BY(mutex_);
};

Response ListBundled(const ApiParts& parts, BundledFacts* facts) {
  json stills = json::array(), videos = json::array();
  for (const Input& input : parts.store->bundled()) {
    const absl::StatusOr<json> found = facts->Get(input);
    if (!found.ok()) return ErrorResponse(found.status());
    json described = *found;
    described["id"] = input.id;
    described["name"] = input.id.substr(input.id.find(':') + 1);
    described["bytes"] = input.bytes;
    (input.kind == "image" ? stills : videos).push_back(std::move(described));
  }
  return JsonResponse({{"stills", stills}, {"videos", videos}});
}

}  // namespace

void AddSystemRoutes(const ApiParts& parts, Router* router) {
  router->AddSimple("GET", "/system",
                    [&parts](const Request&, const Arguments&) {
                      json system = parts.system;
                      system["disk"] = {{"stored", parts.store->stored()},
                                        {"used", parts.store->used()},
                                        {"quota", parts.store->quota()},
                                        {"room", parts.store->room_on_disk()}};
                      return JsonResponse(system);
                    });
  router->AddSimple("GET", "/bundled",
                    [&parts, facts = std::make_shared<BundledFacts>(parts)](
                        const Request&, const Arguments&) {
                      return ListBundled(parts, facts.get());
                    });
  router->AddSimple("GET", "/checkpoints",
                    [&parts](const Request&, const Arguments&) {
                      json list = json::array();
                      for (const auto& file : parts.checkpoints->List()) {
                        list.push_back(CheckpointToJson(file));
                      }
                      return JsonResponse(list);
                    });
}

}  // namespace studio
