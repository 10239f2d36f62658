// The API, /api/v1, and the page: the only place that knows addresses.
//
// openapi.json in tools/studio/page describes every address, and is served with
// the page.
#ifndef TOOLS_STUDIO_API_API_H_
#define TOOLS_STUDIO_API_API_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tools/studio/api/checkpoints.h"
#include "tools/studio/http/access.h"
#include "tools/studio/http/http_server.h"
#include "tools/studio/http/static_files.h"
#include "tools/studio/jobs/decoder_client.h"
#include "tools/studio/jobs/job_queue.h"
#include "tools/studio/runs/run_reader.h"
#include "tools/studio/store/store.h"
#include "tools/studio/warp/warp_engine.h"

namespace studio {

// What the API is made of; all outlive it.
struct ApiParts {
  const Access* access = nullptr;
  const StaticFiles* page = nullptr;
  Store* store = nullptr;
  JobQueue* jobs = nullptr;
  const DecoderClient* decoder = nullptr;
  const Checkpoints* checkpoints = nullptr;
  WarpEngine* warp = nullptr;
  RunReader* runs = nullptr;
  int64_t max_upload = int64_t{512} << 20;  // bytes
  // The answer of /system but for "disk".
  nlohmann::json system;
  // True when the server is about to end: event streams end, too.
  std::function<bool()> is_stopping;
};

// Answers every request: 421 and 403 for other sites' (access.h), 401 under
// /api without the token, then the page's files and the API. Safe to use from
// many threads.
Handler MakeApi(const ApiParts& parts);

// Each address of the API with its method, as "GET /uploads/*/preview".
std::vector<std::string> ApiRoutes();

}  // namespace studio

#endif  // TOOLS_STUDIO_API_API_H_
