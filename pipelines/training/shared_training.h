// One state of training in all processes of a run.
#ifndef PIPELINES_TRAINING_SHARED_TRAINING_H_
#define PIPELINES_TRAINING_SHARED_TRAINING_H_

#include "absl/status/status.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/parallel/process_group.h"

namespace pipelines {

// Gives `learnt` and `state` of rank 0 to all others, which have the same
// model. A collective: throws PeerLost. The errors of SetTensors.
absl::Status ShareTraining(parallel::ProcessGroup& group, const Learnt& learnt,
                           CheckpointState* state);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_SHARED_TRAINING_H_
