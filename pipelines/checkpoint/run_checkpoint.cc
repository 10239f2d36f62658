#include "pipelines/checkpoint/run_checkpoint.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/published/weight_files.h"
#include "pipelines/base/nearest_word.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint_files.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Whether the user has typed the name alone.
bool IsPublishedName(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  return UserPath(name) == path &&
         networks::published::WeightFileByName(name).ok();
}

// What to name instead, where nothing is at `path`.
std::string AdviceOn(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  const auto nearest = NearestWord(name, networks::published::ShortNames());
  if (nearest && UserPath(name) == path) {
    return absl::StrCat(". Did you mean ", *nearest, "?");
  }
  return "; a checkpoint is the folder of a run, which tools/bazelw run "
         "//pipelines:train makes, a .safetensors or .pth.tar file, or the "
         "name of published weights, as tps-vox";
}

}  // namespace

absl::StatusOr<std::string> CheckpointAt(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) && IsPublishedName(path)) {
    return networks::published::FindWeights(
        std::filesystem::path(path).filename().string(),
        networks::published::WeightsFolder(CacheFolder()));
  }
  if (!std::filesystem::exists(path, error) && !error) {
    return absl::NotFoundError(absl::StrCat(
        path, ": there is no such file or folder", AdviceOn(path)));
  }
  if (!std::filesystem::is_directory(path, error)) return path;
  for (const std::string& folder : {absl::StrCat(path, "/checkpoints"), path}) {
    const std::string best = absl::StrCat(folder, "/", kBestCheckpoint);
    if (std::filesystem::exists(best, error)) return best;
    ASSIGN_OR_RETURN(const std::vector<std::string> found,
                     FindCheckpoints(folder));
    if (!found.empty()) return found.front();
  }
  return absl::NotFoundError(absl::StrCat(
      path,
      ": is a folder without checkpoints; name a run's folder, which "
      "tools/bazelw run //pipelines:train makes, or a file"));
}

std::string RunOf(const std::string& checkpoint) {
  const std::filesystem::path checkpoints =
      std::filesystem::absolute(checkpoint).lexically_normal().parent_path();
  return checkpoints.filename() == "checkpoints" ? checkpoints.parent_path()
                                                 : "";
}

}  // namespace pipelines
