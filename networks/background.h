// The motion of the background between two frames.
//
// Source: [CPABMM] background motion predictor, from [TPS]; BGMotionPredictor
// in modules/bg_motion_predictor.py of both codes.
#ifndef NETWORKS_BACKGROUND_H_
#define NETWORKS_BACKGROUND_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/resnet.h"

namespace networks {

// forward: source and driving, each [B, 3, H, W] in [0, 1] -> [B, 3, 3],
// background_source_from_driving: an affine map of coordinates in [-1, 1] with
// last row [0 0 1]. Initially the identity, whatever the images.
// Parameters: `bg_encoder.` + ResNet-18 of 6 channels.
class BackgroundPredictorImpl : public torch::nn::Module {
 public:
  // `width`: channels of the ResNet-18's first stage.
  explicit BackgroundPredictorImpl(int64_t width = 64);

  torch::Tensor forward(const torch::Tensor& source,
                        const torch::Tensor& driving);

 private:
  ResNet18 bg_encoder_;
};
TORCH_MODULE(BackgroundPredictor);

}  // namespace networks

#endif  // NETWORKS_BACKGROUND_H_
