#include "pipelines/config/other_data.h"

#include <filesystem>

#include "networks/files/path_parts.h"
#include "pipelines/base/user_path.h"
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

std::string AbsoluteFolder(const std::string& named) {
  if (named.empty()) return "";
  return networks::files::WithoutTrailingSlashes(
      NormalPath(std::filesystem::absolute(UserPath(named))));
}

void MakeFolderAbsolute(DataConfig* data) {
  if (data->has_folder()) data->set_folder(AbsoluteFolder(data->folder()));
}

void LeaveOutParentFolders(DataConfig* data) {
  if (!data->has_folder()) return;
  data->set_folder(networks::files::BaseName(data->folder()));
}

}  // namespace pipelines
