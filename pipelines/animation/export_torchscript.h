// The trained networks as TorchScript files.
//
// The CPAB step between them is not a network: programs that put the pieces
// together again take it from //cpab, or compute the candidates their own way.
#ifndef PIPELINES_ANIMATION_EXPORT_TORCHSCRIPT_H_
#define PIPELINES_ANIMATION_EXPORT_TORCHSCRIPT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/checkpoint/checkpoint.h"

namespace pipelines {

struct ExportedNetwork {
  std::string path;
  std::string signature;  // "image [1, 3, 64, 64] -> keypoints [1, 50, 2]"
  // The largest difference of an output of the file, loaded again, from the
  // network's own.
  double difference = 0;
};

// The files that ExportTorchScript may write into `folder`.
std::vector<std::string> TorchScriptPaths(const std::string& folder);

// Writes into `folder`, which is made if need be, in place of what is there,
// for frames one at a time at the model's size; a background.pt of another
// model is removed:
//
//   detector.pt      image -> keypoints
//   background.pt    source, driving -> matrix    (where the model has it)
//   dense_motion.pt  source_small, heatmap_difference, candidates
//                      -> source_from_driving, contribution_maps, occlusion
//                      maps (smallest first)
//   inpainting.pt    source, source_from_driving, occlusion maps -> prediction
//
// as networks/dense_motion.h and networks/inpainting.h describe them. The bytes
// of each are loaded again and compared with the network on new inputs:
// Internal if an output is off by more than rounding explains. All are compared
// and written before the first one gets its name; an error until then leaves
// the files of a former model as they were, but for a background.pt that this
// one has not.
absl::StatusOr<std::vector<ExportedNetwork>> ExportTorchScript(
    const TrainedModel& trained, const std::string& folder);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_EXPORT_TORCHSCRIPT_H_
