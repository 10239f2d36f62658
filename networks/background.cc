#include "networks/background.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "networks/copy_ahead.h"

namespace networks {

BackgroundPredictorImpl::BackgroundPredictorImpl(int64_t width)
    : bg_encoder_(register_module(
          "bg_encoder",
          ResNet18(/*in_channels=*/6, /*num_outputs=*/6, width))) {
  torch::NoGradGuard no_grad;
  bg_encoder_->fc()->weight.zero_();
  bg_encoder_->fc()->bias.copy_(torch::tensor({1., 0., 0., 0., 1., 0.}));
}

torch::Tensor BackgroundPredictorImpl::forward(const torch::Tensor& source,
                                               const torch::Tensor& driving) {
  const torch::Tensor affine =
      bg_encoder_(torch::cat({source, driving}, /*dim=*/1)).view({-1, 2, 3});
  const torch::Tensor last_row =
      NumbersAhead({0, 0, 1}, affine).expand({affine.size(0), 1, 3});
  return torch::cat({affine, last_row}, /*dim=*/1);  // [B, 3, 3]
}

}  // namespace networks
