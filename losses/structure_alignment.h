// Structure alignment loss: the generated and the driving image should have the
// same self-similarity, that is, the same pairs of places that look alike.
//
// A frozen DINO transformer gives the keys of all tokens of an image; their
// cosine self-similarity, a T x T matrix, describes its structure whatever its
// appearance. The loss is the distance between the two matrices. Registers,
// which stand for no place, are left out.
//
// Source: [CPABMM] structure alignment loss, calculate_structure_ssim_loss in
// modules/model.py of its code; [Splice] Eq. (4), (5); on [DINO].
#ifndef LOSSES_STRUCTURE_ALIGNMENT_H_
#define LOSSES_STRUCTURE_ALIGNMENT_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "losses/distance.h"
#include "networks/dino/dino_input.h"
#include "networks/dino/vision_transformer.h"

namespace losses {

struct StructureAlignmentOptions {
  // [CPABMM] takes ViT-B/8; see networks::dino::VisionTransformerByName.
  networks::dino::VisionTransformerOptions extractor = {224, 8, 768, 12, 12};

  // The size at which the extractor sees the images. Time and the number of
  // tokens grow with its square.
  networks::dino::PreparationOptions preparation;

  // What is compared: the tokens of these layers (from 0, or negative from the
  // last one backwards). Their distances are averaged.
  std::vector<int64_t> layers = {-1};

  Distance distance = Distance::kL2;  // between rows of the self-similarities

  // The type in which the extractor multiplies: bfloat16 is several times as
  // fast on processors and GPUs that have it. The keys then differ by some
  // 1e-2 of their size.
  torch::Dtype multiply_in = torch::kFloat32;
};

// Parameters: extractor.*, none of which requires a gradient; before weights
// are loaded into it, it is random.
class StructureAlignmentLossImpl : public torch::nn::Module {
 public:
  // Of B images, for each layer: self-similarities [B, T, T].
  using Description = std::vector<torch::Tensor>;

  explicit StructureAlignmentLossImpl(const StructureAlignmentOptions& options);

  // generated, driving: [B, 3, H, W] in [0, 1], of one size. Returns a scalar,
  // unweighted: the sum over the B images, as the original has it, where other
  // losses have the mean. Gradients reach `generated` only; the driving side is
  // computed without.
  //
  // shifts: by how many pixels of the extractor's input both images of each
  // pair are moved before it sees them, [B, 2] (networks/dino/shift.h);
  // undefined: not at all.
  torch::Tensor forward(const torch::Tensor& generated,
                        const torch::Tensor& driving,
                        const torch::Tensor& shifts = {});

  // The two halves of it, for driving frames whose description is kept. Compare
  // is the sum over the images, too.
  Description Describe(const torch::Tensor& images,
                       const torch::Tensor& shifts = {});
  torch::Tensor Compare(const Description& generated,
                        const Description& driving) const;

  // To load weights into.
  networks::dino::VisionTransformer& extractor() { return extractor_; }

 private:
  // [B, T, C] -> [B, T - registers, C].
  torch::Tensor WithoutRegisters(const torch::Tensor& tokens) const;

  StructureAlignmentOptions options_;
  networks::dino::VisionTransformer extractor_;
};
TORCH_MODULE(StructureAlignmentLoss);

}  // namespace losses

#endif  // LOSSES_STRUCTURE_ALIGNMENT_H_
