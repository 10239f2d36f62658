#include "keypoints/voting_detector.h"

#include <torch/types.h>

#include <vector>

#include "networks/exact_scope.h"
#include "networks/module_list.h"

namespace keypoints {
namespace {

using networks::Conv2d;

constexpr int64_t kNumbersPerVote = 3;  // logit, x, y

// Factor of the logits. Adam changes all parameters by about the same amount in
// a step: with a factor of 1 the weights take thousands of steps to concentrate
// where a thing is, with 15 they jump (pipelines/study/findings.md).
constexpr double kSharpness = 5;

// atanh of the centres of h x w places in [-1, 1]: [2, h * w], x and y.
torch::Tensor Places(int64_t h, int64_t w,
                     const torch::TensorOptions& options) {
  const auto centres = [&](int64_t n) {
    return (torch::arange(n, options) * 2 + 1) / n - 1;
  };
  const std::vector<torch::Tensor> yx =
      torch::meshgrid({centres(h), centres(w)}, "ij");
  return torch::stack({yx[1].flatten(), yx[0].flatten()}).atanh();
}

}  // namespace

VotingDetectorImpl::VotingDetectorImpl(int64_t num_transforms,
                                       int64_t keypoints_per_transform,
                                       int64_t width)
    : KeypointDetector(num_transforms, keypoints_per_transform),
      fg_encoder_(register_module(
          "fg_encoder", networks::ResNet18Layers(/*in_channels=*/3, width))),
      smooth_(register_module("smooth", Conv2d(width, width, 3))),
      votes_(register_module(
          "votes", Conv2d(width, kNumbersPerVote * num_keypoints(), 1))) {
  for (int i = 0; i < networks::ResNet18LayersImpl::kNumLayers; ++i) {
    lateral_.push_back(Conv2d(width << i, width, 1));
  }
  register_module("lateral", networks::ToModuleList(lateral_));
}

torch::Tensor VotingDetectorImpl::Pyramid(const torch::Tensor& image) {
  const auto layers = fg_encoder_(image);
  torch::Tensor sum = lateral_.back()(layers.back());
  for (size_t i = lateral_.size() - 1; i-- > 0;) {
    const torch::Tensor& layer = layers[i];
    sum = lateral_[i](layer) +
          torch::upsample_nearest2d(sum, {layer.size(2), layer.size(3)});
  }
  return smooth_(sum.relu()).relu();
}

torch::Tensor VotingDetectorImpl::forward(const torch::Tensor& image) {
  const torch::Tensor features = networks::WithAllDigits(Pyramid(image));
  // Votes are for places in the image, of which bfloat16 tells but 256 apart.
  const networks::ExactScope exact(features.device());
  const torch::Tensor votes = votes_(features);
  const torch::Tensor by_place =
      votes.reshape({votes.size(0), num_keypoints(), kNumbersPerVote, -1});
  const torch::Tensor weights =
      (kSharpness * by_place.narrow(2, 0, 1)).softmax(-1);
  const torch::Tensor aims =
      by_place.narrow(2, 1, 2) +
      Places(votes.size(2), votes.size(3), by_place.options());
  torch::Tensor shares = weights * aims;
  // Of numbers one after another a sum does not depend on the threads.
  if (!is_training()) shares = shares.contiguous();
  return shares.sum(-1).tanh();
}

void VotingDetectorImpl::BeginAt(const torch::Tensor& layout,
                                 double image_share) {
  // Offsets are the layout's. The weights stay uneven as drawn, though that
  // moves keypoints: made even, each learns later which places to look at (a
  // twentieth worse after 400 steps).
  const auto of_keypoints = [&](const torch::Tensor& parameter) {
    return parameter.view({num_keypoints(), kNumbersPerVote, -1});
  };
  of_keypoints(votes_->weight).narrow(1, 1, 2).mul_(image_share);
  of_keypoints(votes_->bias).select(1, 0).zero_();
  of_keypoints(votes_->bias)
      .narrow(1, 1, 2)
      .copy_(layout.atanh().unsqueeze(-1));
}

}  // namespace keypoints
