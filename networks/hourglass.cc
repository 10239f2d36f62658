// Tested by networks_golden_test.cc.
#include "networks/hourglass.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <algorithm>
#include <string>

#include "networks/module_list.h"

namespace networks {
namespace {

// A module whose only purpose is a level of the parameters' names.
class ScopeImpl : public torch::nn::Module {
 public:
  ScopeImpl(const std::string& name, const torch::nn::ModuleList& list) {
    register_module(name, list);
  }
};
TORCH_MODULE(Scope);

}  // namespace

HourglassImpl::HourglassImpl(const HourglassOptions& options) {
  const auto width = [&](int64_t level) {
    return std::min(options.max_features, options.block_expansion << level);
  };
  for (int64_t i = 0; i < options.num_blocks; ++i) {
    down_blocks_.push_back(
        DownBlock2d(i == 0 ? options.in_channels : width(i), width(i + 1)));
  }
  for (int64_t i = options.num_blocks - 1; i >= 0; --i) {
    // All but the deepest also receive the encoder's map.
    const bool deepest = i == options.num_blocks - 1;
    out_channels_.push_back((deepest ? 1 : 2) * width(i + 1));
    up_blocks_.push_back(UpBlock2d(out_channels_.back(), width(i)));
  }
  out_channels_.push_back(options.block_expansion + options.in_channels);
  register_module("encoder", Scope("down_blocks", ToModuleList(down_blocks_)));
  register_module("decoder", Scope("up_blocks", ToModuleList(up_blocks_)));
}

std::vector<torch::Tensor> HourglassImpl::forward(const torch::Tensor& x) {
  std::vector<torch::Tensor> encoded = {x};
  for (DownBlock2d& block : down_blocks_) {
    encoded.push_back(block(encoded.back()));
  }
  torch::Tensor out = encoded.back();
  std::vector<torch::Tensor> decoded;
  for (UpBlock2d& block : up_blocks_) {
    encoded.pop_back();
    out = torch::cat({block(out), encoded.back()}, /*dim=*/1);
    decoded.push_back(out);
  }
  return decoded;
}

}  // namespace networks
