#include "pipelines/checkpoint/published_weights.h"

#include "absl/strings/match.h"
#include "networks/published/weight_files.h"
#include "networks/weights/read.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::Status LoadPublishedWeights(const std::string& name_or_path,
                                  const networks::weights::LoadOptions& options,
                                  torch::nn::Module& module) {
  const std::string file = absl::StrContains(name_or_path, '/')
                               ? UserPath(name_or_path)
                               : name_or_path;
  ASSIGN_OR_RETURN(
      const std::string path,
      networks::published::FindWeights(
          file, networks::published::WeightsFolder(CacheFolder())));
  return networks::weights::LoadFile(module, path, options).status();
}

}  // namespace pipelines
