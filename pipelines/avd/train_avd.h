// From a checkpoint to the same checkpoint with an AVD network.
#ifndef PIPELINES_AVD_TRAIN_AVD_H_
#define PIPELINES_AVD_TRAIN_AVD_H_

#include <torch/types.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "networks/avd.h"
#include "networks/weights/safetensors.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

struct TrainAvdOptions {
  // A checkpoint of a training run; the AVD network is written into it.
  std::string checkpoint;
  // May change the checkpoint's config, as the user wants; its error is
  // returned.
  std::function<absl::Status(Config*)> adjust;
  torch::Device device = torch::kCPU;
  WorkHooks hooks;
};

// Detects the keypoints of the run's training clips, trains an AVD network on
// them and saves it. On any error, and where the work is to stop (Cancelled),
// the checkpoint stays as it was. The errors of LoadTrainedModel, of the data
// and of SaveAvd; Unavailable while a process trains in the run's folder.
absl::Status TrainAvd(const TrainAvdOptions& options);

// Writes `avd` into a checkpoint of ours, in place of the one that it may have;
// the rest stays as it is, to the bit. The errors of WriteSafetensors; DataLoss
// if the checkpoint is damaged; Aborted if another file has its place by now.
absl::Status SaveAvd(const networks::weights::SafetensorsFile& checkpoint,
                     const networks::AvdNetworkImpl& avd);

}  // namespace pipelines

#endif  // PIPELINES_AVD_TRAIN_AVD_H_
