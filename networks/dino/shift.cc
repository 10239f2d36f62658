#include "networks/dino/shift.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <utility>
#include <vector>

namespace networks::dino {

using torch::Tensor;

Tensor RandomShifts(int64_t count, int64_t most, at::Generator generator) {
  return torch::randint(-most, most + 1, {count, 2}, std::move(generator),
                        torch::kInt64);
}

Tensor Shift(const Tensor& images, const Tensor& shifts) {
  TORCH_CHECK(images.dim() == 4 && shifts.dim() == 2 &&
                  shifts.size(0) == images.size(0) && shifts.size(1) == 2,
              "images [B, C, H, W] are shifted by [B, 2], got ", images.sizes(),
              " and ", shifts.sizes());
  const int64_t height = images.size(2), width = images.size(3);
  const auto most =
      shifts.numel() == 0 ? 0 : shifts.abs().max().item<int64_t>();
  namespace F = torch::nn::functional;
  const Tensor extended = F::pad(
      images,
      F::PadFuncOptions({most, most, most, most}).mode(torch::kReplicate));
  const auto places = shifts.accessor<int64_t, 2>();
  std::vector<Tensor> shifted;
  for (int64_t i = 0; i < images.size(0); ++i) {
    shifted.push_back(extended[i]
                          .narrow(1, most - places[i][1], height)
                          .narrow(2, most - places[i][0], width));
  }
  return torch::stack(shifted);
}

}  // namespace networks::dino
