#include "losses/structure_alignment.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "losses/freeze.h"
#include "networks/dino/heads.h"
#include "networks/dino/shift.h"
#include "networks/transformer/feed_forward.h"

namespace losses {

using torch::Tensor;

StructureAlignmentLossImpl::StructureAlignmentLossImpl(
    const StructureAlignmentOptions& options)
    : options_(options),
      extractor_(register_module(
          "extractor", networks::dino::VisionTransformer(options.extractor))) {
  TORCH_CHECK(!options.layers.empty(),
              "the structure alignment loss needs a layer");
  Freeze(*extractor_);
  networks::transformer::MultiplyIn(options.multiply_in, *extractor_);
}

Tensor StructureAlignmentLossImpl::forward(const Tensor& generated,
                                           const Tensor& driving,
                                           const Tensor& shifts) {
  Description of_driving;
  {
    torch::NoGradGuard no_grad;
    of_driving = Describe(driving, shifts);
  }
  return Compare(Describe(generated, shifts), of_driving);
}

StructureAlignmentLossImpl::Description StructureAlignmentLossImpl::Describe(
    const Tensor& images, const Tensor& shifts) {
  std::vector<networks::dino::FeatureRequest> requests;
  for (const int64_t layer : options_.layers) {
    requests.push_back({layer, networks::dino::Feature::kKeys});
  }
  Tensor prepared = networks::dino::Prepare(images, options_.preparation);
  if (shifts.defined()) prepared = networks::dino::Shift(prepared, shifts);
  Description description;
  for (const Tensor& keys : extractor_->Extract(prepared, requests)) {
    // [B, heads, T, d], in the images' type even if multiplied in a narrower.
    description.push_back(networks::dino::SelfSimilarity(
        WithoutRegisters(networks::dino::ConcatenateHeads(keys))
            .to(images.scalar_type())));
  }
  return description;
}

Tensor StructureAlignmentLossImpl::WithoutRegisters(
    const Tensor& tokens) const {
  const int64_t registers = options_.extractor.registers;
  if (registers == 0) return tokens;
  return torch::cat({tokens.slice(1, 0, 1), tokens.slice(1, 1 + registers)}, 1);
}

Tensor StructureAlignmentLossImpl::Compare(const Description& generated,
                                           const Description& driving) const {
  Tensor total;
  for (size_t layer = 0; layer < generated.size(); ++layer) {
    const Tensor distance =
        MeanDistance(generated[layer], driving[layer], options_.distance);
    total = total.defined() ? total + distance : distance;
  }
  const auto images = static_cast<double>(generated[0].size(0));
  return total * (images / static_cast<double>(generated.size()));
}

}  // namespace losses
