// SAM's mask decoder: image embedding and prompt embeddings become masks.
//
//   [iou token, mask tokens, prompt tokens] and map -> two-way transformer
//   map -> 2 x (transposed conv x2) -> pixel features
//   mask i = <perceptron_i(mask token i), pixel features>
//   predicted IoUs = perceptron(iou token)
//
// Source: [SAM] appendix A, "lightweight mask decoder"; MaskDecoder in
// modeling/mask_decoder.py of its code.
#ifndef NETWORKS_SAM_MASK_DECODER_H_
#define NETWORKS_SAM_MASK_DECODER_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/embedding.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/sam/options.h"
#include "networks/sam/perceptron.h"
#include "networks/sam/prompt_encoder.h"
#include "networks/sam/two_way_transformer.h"

namespace networks::sam {

// Of P prompts, with M masks each.
struct Masks {
  torch::Tensor logits;  // [P, M, 4 h, 4 w]; inside where positive
  torch::Tensor ious;    // [P, M], the network's guess of each mask's IoU
};

class MaskDecoderImpl : public torch::nn::Module {
 public:
  explicit MaskDecoderImpl(const MaskDecoderOptions& options);

  // image_embedding and map_positions [1, C, h, w]. All masks, M = 1 +
  // multimask_outputs: first the one for unambiguous prompts, then the
  // alternatives for a prompt that may mean a thing or its part.
  Masks forward(const torch::Tensor& image_embedding,
                const torch::Tensor& map_positions,
                const PromptEmbeddings& prompts);

  // The transformer alone: tokens [P, T', C] in the order IoU, masks, prompt;
  // map [P, h * w, C].
  TokensAndMap Transform(const torch::Tensor& image_embedding,
                         const torch::Tensor& map_positions,
                         const PromptEmbeddings& prompts);

  // The place of the first prompt token in the tokens of Transform.
  int64_t first_prompt_token() const { return 1 + num_masks_; }

 private:
  int64_t num_masks_;
  TwoWayTransformer transformer_{nullptr};
  torch::nn::Embedding iou_token_{nullptr};
  torch::nn::Embedding mask_tokens_{nullptr};
  torch::nn::Sequential output_upscaling_;
  torch::nn::ModuleList output_hypernetworks_;
  Perceptron iou_head_{nullptr};
};
TORCH_MODULE(MaskDecoder);

// The masks that a user is shown: the alternatives, or the unambiguous one.
Masks Alternatives(const Masks& all);
Masks Unambiguous(const Masks& all);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_MASK_DECODER_H_
