#include "pipelines/config/other_data.h"

#include "pipelines/config/frame_size.h"
#include "pipelines/config/override.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::Status UseOtherData(const OtherData& other, Config* config) {
  for (const std::string& assignment : other.overrides) {
    RETURN_IF_ERROR(ApplyOverride(assignment, config));
  }
  if (!other.folder.empty()) {
    config->mutable_data()->clear_puppets();
    config->mutable_data()->set_folder(other.folder);
  }
  if (other.model_size.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const FrameSize size, ParseFrameSize(other.model_size));
  return SetFrameSize(size, config);
}

absl::Status RefuseOverridesOfTraining(
    const std::vector<std::string>& assignments,
    std::vector<std::string> allowed) {
  for (const char* field :
       {"data.folder", "data.puppets", "data.height", "data.width",
        "data.max_bad_share", "data.cache_mib"}) {
    allowed.push_back(field);
  }
  return RefuseOtherOverrides(assignments, allowed);
}

}  // namespace pipelines
