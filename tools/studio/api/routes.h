// The addresses of the API by subject. Each function adds its own to a router,
// which `parts` outlives.
#ifndef TOOLS_STUDIO_API_ROUTES_H_
#define TOOLS_STUDIO_API_ROUTES_H_

#include "tools/studio/api/api.h"
#include "tools/studio/api/router.h"

namespace studio {

// /system, /bundled, /checkpoints
void AddSystemRoutes(const ApiParts& parts, Router* router);

// /uploads
void AddUploadRoutes(const ApiParts& parts, Router* router);

// /jobs
void AddJobRoutes(const ApiParts& parts, Router* router);

// /warp
void AddWarpRoutes(const ApiParts& parts, Router* router);

// /runs
void AddRunRoutes(const ApiParts& parts, Router* router);

}  // namespace studio

#endif  // TOOLS_STUDIO_API_ROUTES_H_
