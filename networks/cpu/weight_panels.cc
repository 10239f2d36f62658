#include "networks/cpu/weight_panels.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "networks/cpu/huge_pages.h"

namespace networks::cpu {
namespace {

// How far the elements over dimensions begin .. end - 1 of `x` lie from its
// first one, the last dimension fastest.
std::vector<int64_t> Offsets(const torch::Tensor& x, int64_t begin,
                             int64_t end) {
  std::vector<int64_t> offsets = {0};
  for (int64_t dim = begin; dim < end; ++dim) {
    std::vector<int64_t> finer;
    for (const int64_t offset : offsets) {
      for (int64_t i = 0; i < x.size(dim); ++i) {
        finer.push_back(offset + i * x.stride(dim));
      }
    }
    offsets = std::move(finer);
  }
  return offsets;
}

}  // namespace

void CheckSquareWeight(const char* who, const torch::Tensor& weight) {
  TORCH_CHECK(weight.dim() == 4 && weight.size(3) == weight.size(2) &&
                  weight.size(2) % 2 == 1,
              who, ": weight must be [C', C, k, k] with odd k, is ",
              weight.sizes());
}

void Check3x3Weight(const char* who, const torch::Tensor& weight) {
  TORCH_CHECK(weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3,
              who, ": weight must be [C', C, 3, 3], is ", weight.sizes());
}

torch::Tensor PackPanels(const torch::Tensor& weight, int64_t row_dims,
                         int64_t panel_width) {
  const torch::Tensor source = weight.detach();
  const std::vector<int64_t> rows = Offsets(source, 0, row_dims);
  const std::vector<int64_t> columns = Offsets(source, row_dims, source.dim());
  const auto depth = static_cast<int64_t>(rows.size());
  const auto num_columns = static_cast<int64_t>(columns.size());
  const int64_t num_panels = (num_columns + panel_width - 1) / panel_width;
  torch::Tensor panels =
      EmptyInHugePages({num_panels, depth, panel_width}, torch::kFloat32);
  const float* const from = source.data_ptr<float>();
  float* const to = panels.data_ptr<float>();
  at::parallel_for(0, num_panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t* const column = columns.data() + i * panel_width;
      const int64_t width =
          std::min(panel_width, num_columns - i * panel_width);
      float* row = to + i * depth * panel_width;
      for (int64_t d = 0; d < depth; ++d, row += panel_width) {
        for (int64_t j = 0; j < width; ++j) row[j] = from[rows[d] + column[j]];
        std::fill(row + width, row + panel_width, 0.0f);
      }
    }
  });
  return panels;
}

void CopyTaps(const torch::Tensor& weight, int64_t channel, float* taps) {
  const int64_t outputs = weight.size(0), stride = weight.stride(0);
  const float* const from =
      weight.data_ptr<float>() + channel * weight.stride(1);
  for (int64_t i = 0; i < 9; ++i) {
    const float* const tap =
        from + i / 3 * weight.stride(2) + i % 3 * weight.stride(3);
    for (int64_t j = 0; j < outputs; ++j) *taps++ = tap[j * stride];
  }
}

}  // namespace networks::cpu
