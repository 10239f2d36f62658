#include "pipelines/checkpoint/former_versions.h"

#include "google/protobuf/text_format.h"
#include "pipelines/config/former_fields.h"
#include "pipelines/config/resolve.h"

namespace pipelines {
namespace {

// The values that differ from today's defaults. Before there was a prior to
// choose, it had these; and the program wrote down the cells of the global
// transform, so that one without them has the cells of a local one.
constexpr char kFormerDefaults[] = R"pb(
  model {
    local_cpab { prior_length: 0.3 prior_gradient: 0.3 }
    global_cpab { cells_x: 4 cells_y: 4 prior_length: 0.3 prior_gradient: 0.3 }
  }
)pb";

}  // namespace

void UpgradeConfig(Config* config) {
  Config upgraded;
  google::protobuf::TextFormat::ParseFromString(kFormerDefaults, &upgraded);
  upgraded.MergeFrom(*config);
  MoveFormerFields(upgraded.mutable_model());
  ResolveDefaults(&upgraded);
  *config = upgraded;
}

}  // namespace pipelines
