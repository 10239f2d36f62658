#include "pipelines/training/data_shards.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pipelines/data/clips_fingerprint.h"

namespace pipelines {

namespace {

// Names, frames, sizes and bytes. Those of folders are not in the fingerprint;
// without them, folders of as many frames of one size would all be the same.
std::string Identity(const std::vector<data::IndexedClip>& clips) {
  const data::Fingerprint fingerprint = data::FingerprintOf(clips);
  int64_t bytes = 0;
  for (const data::IndexedClip& clip : clips) bytes += clip.bytes;
  return absl::StrCat(fingerprint.names, "\n", fingerprint.sizes, "\n", bytes);
}

}  // namespace

absl::StatusOr<ShardPlace> ShardPlaceOf(
    const Config& config, const parallel::ProcessEnvironment& process) {
  if (!config.data().sharded()) {
    return ShardPlace{0, process.rank, process.size};
  }
  if (process.local_rank < process.local_size) {
    return ShardPlace{process.rank - process.local_rank, process.local_rank,
                      process.local_size};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "data.sharded is on and the variable LOCAL_RANK is ", process.local_rank,
      ", but LOCAL_WORLD_SIZE, the number of processes on this machine, is ",
      process.local_size, " (1 where it is unset); torchrun sets both"));
}

uint64_t DataSeed(const Config& config, const ShardPlace& place) {
  constexpr uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;
  return config.training().seed() ^
         (static_cast<uint64_t>(place.first_rank) * kGoldenRatio);
}

absl::Status CheckShards(parallel::ProcessGroup& group, const ShardPlace& place,
                         const data::Dataset& train) {
  const std::vector<std::string> clips = group.Gather(Identity(train.clips()));
  const std::vector<std::string> shards =
      group.Gather(absl::StrCat(place.first_rank));
  for (int rank = 1; rank < group.size(); ++rank) {
    for (int other = 0; other < rank; ++other) {
      const bool same_shard = shards[rank] == shards[other];
      if (same_shard == (clips[rank] == clips[other])) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "process ", rank, " of ", group.size(), " has ",
          same_shard ? "other" : "the same", " training clips ",
          same_shard ? "than" : "as", " process ", other, " of ",
          same_shard ? "the same" : "another",
          " machine; data.sharded wants each machine's data.folder to hold "
          "clips of its own"));
    }
  }
  return absl::OkStatus();
}

absl::Status EndEpochsTogether(parallel::ProcessGroup& group,
                               const data::Dataset& train,
                               data::LoaderOptions* options) {
  const std::vector<std::string> steps =
      group.Gather(absl::StrCat(data::Loader::StepsPerEpoch(train, *options)));
  int64_t fewest = 0;
  for (int rank = 0; rank < group.size(); ++rank) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(steps[rank], &number) || number < 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "process ", rank, " of ", group.size(),
          " has clips that do not fill ",
          "one training step in an epoch; raise data.repeats or lower ",
          "training.batch_size"));
    }
    fewest = rank == 0 ? number : std::min(fewest, number);
  }
  options->max_steps_per_epoch = fewest;
  return absl::OkStatus();
}

}  // namespace pipelines
