// Which clips the processes of a run train on: all on the same ones, or those
// of each machine on its own (data.sharded).
#ifndef PIPELINES_TRAINING_DATA_SHARDS_H_
#define PIPELINES_TRAINING_DATA_SHARDS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/data/loader.h"
#include "pipelines/parallel/process_environment.h"
#include "pipelines/parallel/process_group.h"

namespace pipelines {

// The place of a process among those that train on the same clips: all of the
// run, or those of one machine.
struct ShardPlace {
  int first_rank = 0;  // of them
  int index = 0;       // of this process, from 0
  int count = 1;
};

// InvalidArgument naming the variable if data.sharded is on and the environment
// does not say which processes share a machine.
absl::StatusOr<ShardPlace> ShardPlaceOf(
    const Config& config, const parallel::ProcessEnvironment& process);

// Of the training pairs: the run's where there is one shard, and for each
// further shard one of its own, so that two machines do not draw alike.
uint64_t DataSeed(const Config& config, const ShardPlace& place);

// Makes sure that the processes of a shard have the same clips and two shards
// have others, by names, frames, sizes and bytes. FailedPrecondition, in all
// processes, naming the ranks. A collective: throws PeerLost.
absl::Status CheckShards(parallel::ProcessGroup& group, const ShardPlace& place,
                         const data::Dataset& train);

// Sets options->max_steps_per_epoch to the batches of an epoch of the smallest
// shard, so that epochs end at the same step everywhere. InvalidArgument, in
// all processes, if it does not fill a step. A collective: throws PeerLost.
absl::Status EndEpochsTogether(parallel::ProcessGroup& group,
                               const data::Dataset& train,
                               data::LoaderOptions* options);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_DATA_SHARDS_H_
