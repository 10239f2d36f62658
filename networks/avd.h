// Animation via disentanglement (AVD): whose shape, in which pose.
//
// Source: [TPS] Sec. 3.4, AVDNetwork in modules/avd_network.py of its code,
// which [CPABMM] keeps.
#ifndef NETWORKS_AVD_H_
#define NETWORKS_AVD_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

namespace networks {

struct AvdOptions {
  int64_t num_transforms = 10;  // K; 5 keypoints each
  int64_t keypoints_per_transform = 5;
  int64_t identity_bottleneck = 128;
  int64_t pose_bottleneck = 128;
};

// Two encoders, for the keypoints that give the identity and for those that
// give the pose, each Linear-BatchNorm-ReLU x3 -> Linear (256, 512, 1024,
// bottleneck); a decoder of mirrored widths turns [pose, identity] into the
// keypoints of that person in that pose. Trained after the rest of the model.
//
// forward: identity and pose keypoints, each [B, P, 2] -> [B, P, 2] for the P
// keypoints of an image, all in [-1, 1] (the output is not squashed and may
// leave it).
// Parameters: id_encoder.{0,1,3,4,6,7,9}, pose_encoder.*, decoder.*.
class AvdNetworkImpl : public torch::nn::Module {
 public:
  explicit AvdNetworkImpl(const AvdOptions& options);

  torch::Tensor forward(const torch::Tensor& identity_keypoints,
                        const torch::Tensor& pose_keypoints);

 private:
  torch::nn::Sequential id_encoder_;
  torch::nn::Sequential pose_encoder_;
  torch::nn::Sequential decoder_;
};
TORCH_MODULE(AvdNetwork);

}  // namespace networks

#endif  // NETWORKS_AVD_H_
