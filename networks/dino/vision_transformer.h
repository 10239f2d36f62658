// The vision transformers of DINO and DINOv2, as feature extractors.
//
//   image -> patches -> + position -> block x depth -> norm -> class token
//
// Parameters have the keys of the published files (dino_vitbase8_pretrain.pth,
// dinov2_vits14_pretrain.pth and so on); networks/weights reads those. Images
// must be prepared first (networks/dino/dino_input.h).
//
// Tokens: the class token first, then the registers, then the patches row by
// row, T of them in all, T = 1 + registers + (H / patch) * (W / patch). Rows
// and columns of an image that do not fill a patch are left out.
//
// Source: [DINO]; [DINOv2], with the registers of [Registers]; the keys as
// features: [Splice].
#ifndef NETWORKS_DINO_VISION_TRANSFORMER_H_
#define NETWORKS_DINO_VISION_TRANSFORMER_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/transformer/patch_embedding.h"

namespace networks::dino {

// How the position embedding is resized, both bicubically.
enum class PositionResizing {
  // Without antialiasing, the samples a little shifted: [DINO], [DINOv2].
  kShifted,
  // With antialiasing, to the exact size: DINOv2 with registers.
  kAntialiased,
};

struct VisionTransformerOptions {
  int64_t image_size = 224;  // for which the position embedding is stored
  int64_t patch_size = 16;
  int64_t channels = 384;
  int64_t depth = 12;
  int64_t heads = 6;
  bool layer_scale = false;  // in DINOv2: both halves of a block are scaled
  // Tokens beside the class token that stand for no place in the image.
  int64_t registers = 0;
  PositionResizing position_resizing = PositionResizing::kShifted;
};

// The options of "vits16", "vits8", "vitb16", "vitb8" of DINO, of "vits14",
// "vitb14", "vits14_reg", "vitb14_reg" of DINOv2, or of "tiny" (patch 8, 48
// channels, 3 blocks: for tests and for demonstrations without weights).
// InvalidArgument, with the list of names, for any other.
absl::StatusOr<VisionTransformerOptions> VisionTransformerByName(
    absl::string_view name);

// All names that it knows.
std::vector<std::string> VisionTransformerNames();

// What a layer computes, [B, heads, T, C / heads] unless said.
enum class Feature {
  kQueries,
  kKeys,
  kValues,
  kAttention,  // the softmaxed maps, [B, heads, T, T]
  kOutput,     // of the whole block, [B, T, C]
};

struct FeatureRequest {
  int64_t layer = -1;  // from 0, or negative: from the last one backwards
  Feature feature = Feature::kKeys;
};

class VisionTransformerImpl : public torch::nn::Module {
 public:
  explicit VisionTransformerImpl(const VisionTransformerOptions& options);

  // images [B, 3, H, W], prepared. Returns the class token after the last
  // block and the final norm, [B, C].
  torch::Tensor forward(const torch::Tensor& images);

  // The features in the order of `requests`, in one pass that computes nothing
  // beyond the last: the keys of a layer do not take that layer's attention.
  // A layer that does not exist is a bug in the caller: TORCH_CHECK.
  std::vector<torch::Tensor> Extract(
      const torch::Tensor& images, const std::vector<FeatureRequest>& requests);

  torch::Tensor Extract(const torch::Tensor& images,
                        const FeatureRequest& request);

  // For an image of H x W pixels, [1, T - registers, C]: the stored embedding
  // for the square image that it was trained on, otherwise interpolated.
  torch::Tensor PositionEmbedding(int64_t height, int64_t width) const;

  const VisionTransformerOptions& options() const { return options_; }

 private:
  torch::Tensor Embed(const torch::Tensor& images);

  VisionTransformerOptions options_;
  torch::Tensor class_token_;         // [1, 1, C]
  torch::Tensor position_embedding_;  // [1, T - registers, C]
  torch::Tensor register_tokens_;     // [1, registers, C]; undefined: none
  transformer::PatchEmbedding patch_embedding_{nullptr};
  torch::nn::ModuleList blocks_;
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(VisionTransformer);

}  // namespace networks::dino

#endif  // NETWORKS_DINO_VISION_TRANSFORMER_H_
