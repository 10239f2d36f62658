// What the processes of a run make sure of when they meet: that all can train,
// and that they will do the same.
#ifndef PIPELINES_TRAINING_MEETING_H_
#define PIPELINES_TRAINING_MEETING_H_

#include "absl/status/status.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/parallel/process_group.h"

namespace pipelines {

// Whether all processes have come so far: OK if `mine` is OK in each. Else the
// error of this process if it has one; or that of the first rank that has,
// which it names, with the same code and payloads. So no process is left
// waiting for one that has refused to train. A collective, unless `group` is
// null: then `mine`. Throws PeerLost.
absl::Status AgreeOn(parallel::ProcessGroup* group, const absl::Status& mine);

// FailedPrecondition, in all processes, if one has another config than rank 0;
// it names the first such rank and the fields. Where the data lie
// (data.folder), data.workers and data.cache_mib may differ. Throws PeerLost.
absl::Status CheckConfigsAgree(parallel::ProcessGroup& group,
                               const Config& config);

// The same of the clips' names, frames, sizes and bytes, where data.sharded is
// off (data_shards.h). Their times may differ, as machines have copies.
absl::Status CheckClipsAgree(parallel::ProcessGroup& group,
                             const data::Dataset& train,
                             const data::Dataset& test);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_MEETING_H_
