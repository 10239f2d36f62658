#include "pipelines/data/data_folder.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/base/user_path.h"
#include "pipelines/data/data_options.h"
#include "pipelines/puppets/puppets.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// A shorter look at the clips shows no progress.
constexpr double kQuietSeconds = 5;

// Whoever has videos finds here how they become clips.
std::string CutClipsAdvice(const DataConfig& config) {
  return absl::StrCat(
      "; the config's field data.folder names the folder of your clips, as in "
      "--set data.folder=CLIPS. This makes one of videos: tools/bazelw run "
      "//tools/cut_clips -- --videos VIDEOS --size ",
      std::max(config.width(), config.height()), " --output CLIPS");
}

// Where the puppets are, a service's user may have no home. It is no remedy for
// what the caller asked for, another process or data that lie there.
absl::Status NameTheRemedy(const absl::Status& status) {
  if (status.ok() || absl::IsCancelled(status) ||
      absl::IsInvalidArgument(status) || absl::IsUnavailable(status) ||
      absl::IsAlreadyExists(status)) {
    return status;
  }
  return absl::Status(
      status.code(),
      absl::StrCat(
          std::string(status.message()),
          "; the bundled puppets are made there: set XDG_CACHE_HOME to "
          "a folder that can be written, or name clips of your own in "
          "data.folder"));
}

bool EachIsItsOwnIdentity(const data::Dataset& dataset) {
  return std::all_of(
      dataset.clips().begin(), dataset.clips().end(),
      [](const data::IndexedClip& clip) { return clip.identity == clip.name; });
}

absl::StatusOr<std::string> PuppetFolder(const DataConfig& config,
                                         const WorkHooks& hooks) {
  const puppets::PuppetOptions options = PuppetOptionsOf(config);
  const std::string folder =
      absl::StrCat(CacheFolder(), "/", puppets::PuppetSetName(options));
  RETURN_IF_ERROR(NameTheRemedy(puppets::MakePuppets(folder, options, hooks)));
  return folder;
}

}  // namespace

absl::StatusOr<std::string> DataFolder(const DataConfig& config,
                                       const WorkHooks& hooks) {
  if (config.has_puppets()) return PuppetFolder(config, hooks);
  return UserPath(config.folder());
}

absl::StatusOr<std::string> TestDataFolder(DataConfig config,
                                           const WorkHooks& hooks) {
  // Each test clip is drawn by random numbers of its own (puppets.cc), which do
  // not depend on how many training clips there are.
  if (config.has_puppets()) config.mutable_puppets()->set_num_train(1);
  return DataFolder(config, hooks);
}

absl::StatusOr<std::unique_ptr<data::Dataset>> OpenSplit(
    const std::string& folder, const std::string& split,
    const DataConfig& config, uint64_t seed, const WorkHooks& hooks) {
  data::DatasetOptions options = DatasetOptionsOf(config, split);
  options.root = folder;
  options.seed = seed;
  options.index_progress = [hooks, clock = Stopwatch()](const auto& now) {
    if (clock.Seconds() >= kQuietSeconds) hooks.Report(now);
  };
  absl::StatusOr<std::unique_ptr<data::Dataset>> dataset =
      data::Dataset::Open(options);
  if (absl::IsNotFound(dataset.status()) && !config.has_puppets()) {
    return absl::NotFoundError(
        absl::StrCat(dataset.status().message(), CutClipsAdvice(config)));
  }
  RETURN_IF_ERROR(dataset.status());
  for (const data::BadClip& clip : (*dataset)->bad_clips()) {
    hooks.Warn(data::LeftOut(clip));
  }
  if (options.id_sampling && EachIsItsOwnIdentity(**dataset)) {
    hooks.Warn(absl::StrCat(
        folder, "/", split,
        ": data.id_sampling groups clips by what stands before '#' in their "
        "names, and no name has a '#': it has no effect"));
  }
  return dataset;
}

}  // namespace pipelines
