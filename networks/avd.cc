#include "networks/avd.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <vector>

#include "networks/exact_scope.h"
#include "networks/layers.h"

namespace networks {
namespace {

using torch::nn::Sequential;

// Linear layers of the given widths with BatchNorm and ReLU between them.
Sequential MakePerceptron(const std::vector<int64_t>& widths) {
  Sequential layers;
  for (size_t i = 0; i + 2 < widths.size(); ++i) {
    layers->push_back(Linear(widths[i], widths[i + 1]));
    layers->push_back(torch::nn::BatchNorm1d(widths[i + 1]));
    layers->push_back(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
  }
  layers->push_back(Linear(widths[widths.size() - 2], widths.back()));
  return layers;
}

int64_t NumCoordinates(const AvdOptions& options) {
  return 2 * options.num_transforms * options.keypoints_per_transform;
}

}  // namespace

AvdNetworkImpl::AvdNetworkImpl(const AvdOptions& options)
    : id_encoder_(register_module(
          "id_encoder", MakePerceptron({NumCoordinates(options), 256, 512, 1024,
                                        options.identity_bottleneck}))),
      pose_encoder_(register_module(
          "pose_encoder", MakePerceptron({NumCoordinates(options), 256, 512,
                                          1024, options.pose_bottleneck}))),
      decoder_(register_module(
          "decoder",
          MakePerceptron({options.pose_bottleneck + options.identity_bottleneck,
                          1024, 512, 256, NumCoordinates(options)}))) {}

torch::Tensor AvdNetworkImpl::forward(const torch::Tensor& identity_keypoints,
                                      const torch::Tensor& pose_keypoints) {
  const ExactScope exact(pose_keypoints.device());
  const torch::Tensor pose = pose_encoder_->forward(pose_keypoints.flatten(1));
  const torch::Tensor identity =
      id_encoder_->forward(identity_keypoints.flatten(1));
  return decoder_->forward(torch::cat({pose, identity}, /*dim=*/1))
      .view_as(identity_keypoints);
}

}  // namespace networks
