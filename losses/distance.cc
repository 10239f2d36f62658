#include "losses/distance.h"

#include <torch/types.h>

namespace losses {

torch::Tensor MeanDistance(const torch::Tensor& a, const torch::Tensor& b,
                           Distance distance) {
  TORCH_CHECK(a.sizes() == b.sizes(),
              "the distance between features of different shapes, ", a.sizes(),
              " and ", b.sizes());
  switch (distance) {
    case Distance::kL1:
      return torch::l1_loss(a, b);
    case Distance::kL2:
      return torch::mse_loss(a, b);
    case Distance::kCosine:
      return (1 - torch::cosine_similarity(a, b, /*dim=*/-1)).mean();
  }
  TORCH_CHECK(false, "unknown distance");
}

}  // namespace losses
