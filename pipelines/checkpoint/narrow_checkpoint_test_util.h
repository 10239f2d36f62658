// The checkpoints of other programs that tests make: narrow networks for 64x64
// pictures, with the values that the golden data of testdata were computed
// from.
#ifndef PIPELINES_CHECKPOINT_NARROW_CHECKPOINT_TEST_UTIL_H_
#define PIPELINES_CHECKPOINT_NARROW_CHECKPOINT_TEST_UTIL_H_

#include <torch/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "keypoints/transfer.h"
#include "networks/avd.h"
#include "networks/testing/golden.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// The value of the tensor `key` of a network, of the shape and type of
// `tensor`; `network` is its name in checkpoints, as "kp_detector".
using ValueOf = std::function<torch::Tensor(const std::string& network,
                                            const std::string& key,
                                            const torch::Tensor& tensor)>;

// All tensors of a model of this config and of a narrow AVD network, by the
// original's names.
networks::weights::TensorMap NarrowCheckpoint(const ModelConfig& config,
                                              const ValueOf& value);

// Writes them as PyTorch does to a file of that name in the test's folder.
// Returns its path.
std::string WriteTestCheckpoint(const std::string& name,
                                const networks::weights::TensorMap& tensors);

// A checkpoint as it was loaded, and the golden data of its numbers.
struct TrainedGolden {
  TrainedGolden(const std::string& checkpoint, const std::string& golden_path);

  // Stored pictures [(B,) H, W, 3] of bytes as [B, 3, H, W] in [0, 1].
  torch::Tensor Pictures(const std::string& name,
                         torch::Dtype dtype = torch::kFloat32) const;

  TrainedModel trained;
  networks::test_util::Golden golden;
};

// The modes of the original's demo loop by their names in the golden data.
std::vector<std::pair<std::string, keypoints::TransferMode>> DemoModes();

// The keypoints of `driving` [B, P, 2], whose first ones the loop starts from,
// carried over to the source [1, P, 2].
torch::Tensor DemoKeypoints(keypoints::TransferMode mode,
                            const torch::Tensor& source,
                            const torch::Tensor& driving,
                            networks::AvdNetwork avd);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_NARROW_CHECKPOINT_TEST_UTIL_H_
