#include "pipelines/checkpoint/published_weights.h"

#include "absl/strings/match.h"
#include "networks/published/weight_files.h"
#include "networks/weights/read.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

namespace {

std::string UserFile(const std::string& name_or_path) {
  return absl::StrContains(name_or_path, '/') ? UserPath(name_or_path)
                                              : name_or_path;
}

std::string Folder() {
  return networks::published::WeightsFolder(CacheFolder());
}

}  // namespace

absl::Status LoadPublishedWeights(const std::string& name_or_path,
                                  const networks::weights::LoadOptions& options,
                                  torch::nn::Module& module) {
  ASSIGN_OR_RETURN(
      const std::string path,
      networks::published::FindWeights(UserFile(name_or_path), Folder()));
  return networks::weights::LoadFile(module, path, options).status();
}

absl::Status CheckPublishedWeights(
    const std::vector<std::string>& names_or_paths) {
  std::vector<std::string> files;
  for (const std::string& name : names_or_paths) {
    files.push_back(UserFile(name));
  }
  return networks::published::FindAllWeights(files, Folder());
}

}  // namespace pipelines
