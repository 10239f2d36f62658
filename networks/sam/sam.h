// The Segment Anything Model, whole: the parts in one module with the keys of
// the published files (sam_vit_b_01ec64.pth, mobile_sam.pt and so on).
//
// Source: [SAM]; each part names its own.
#ifndef NETWORKS_SAM_SAM_H_
#define NETWORKS_SAM_SAM_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>

#include "networks/sam/encoder.h"
#include "networks/sam/mask_decoder.h"
#include "networks/sam/options.h"
#include "networks/sam/prompt_encoder.h"

namespace networks::sam {

class SamImpl : public torch::nn::Module {
 public:
  explicit SamImpl(const SamOptions& options);

  std::shared_ptr<EncoderImpl> image_encoder;
  PromptEncoder prompt_encoder{nullptr};
  MaskDecoder mask_decoder{nullptr};

  // Masks for prompts in the pixels of a square image of image_size, given its
  // embedding [1, C, h, w].
  Masks Segment(const torch::Tensor& image_embedding, const Prompts& prompts,
                int64_t image_size);

  // What the decoder makes of each point, [P, N, C]: the points' tokens after
  // the two-way transformer. prompts.points [P, N, 2] must be there.
  torch::Tensor PointFeatures(const torch::Tensor& image_embedding,
                              const Prompts& prompts, int64_t image_size);
};
TORCH_MODULE(Sam);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_SAM_H_
