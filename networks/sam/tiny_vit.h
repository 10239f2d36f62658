// TinyViT, the image encoder of MobileSAM: a hundredth of the weights of
// SAM's largest.
//
//   image -> conv3x3 / 2 -> GELU -> conv3x3 / 2 -> stage x 4 -> neck
//   stage 1:     inverted bottleneck x depth
//   stages 2-4:  block x depth, with attention within windows
//   between stages: convolutions that halve the map, but not before the last,
//                   so that the map is a sixteenth of the image
//
// Parameters and buffers have the keys of mobile_sam.pt below "image_encoder.",
// without those of the classifier that it was first trained with.
//
// Source: [TinyViT] Wu et al. 2022; as in [MobileSAM] Zhang et al. 2023,
// mobile_sam/modeling/tiny_vit_sam.py of its code.
#ifndef NETWORKS_SAM_TINY_VIT_H_
#define NETWORKS_SAM_TINY_VIT_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <vector>

#include "networks/sam/encoder.h"
#include "networks/sam/options.h"
#include "networks/sam/tiny_vit_layers.h"

namespace networks::sam {

// The two convolutions at the start, [B, S, S, 3] -> [B, S / 4, S / 4, C].
class TinyVitStemImpl : public torch::nn::Module {
 public:
  explicit TinyVitStemImpl(int64_t channels);

  torch::Tensor forward(const torch::Tensor& image);

 private:
  ConvNorm first_{nullptr};
  ConvNorm second_{nullptr};
};
TORCH_MODULE(TinyVitStem);

// A stage and the step to the next.
class TinyVitStageImpl : public torch::nn::Module {
 public:
  TinyVitStageImpl(const TinyVitOptions& options, size_t stage);

  // [B, H, W, C] -> [B, H', W', C'].
  torch::Tensor forward(const torch::Tensor& map);

 private:
  torch::nn::ModuleList blocks_;
  bool convolutional_;
  ConvTriple downsample_{nullptr};  // null after the last stage
};
TORCH_MODULE(TinyVitStage);

class TinyVitImpl : public EncoderImpl {
 public:
  explicit TinyVitImpl(const TinyVitOptions& options);

  // Any S that is a multiple of 16; other sizes than 1024, for which it was
  // trained, take (S / 1024)^2 of the time.
  torch::Tensor forward(const torch::Tensor& images) override;

  // The maps behind the start and behind each stage with its step,
  // [B, H, W, C] each.
  std::vector<torch::Tensor> Maps(const torch::Tensor& images);

 private:
  TinyVitStem stem_{nullptr};
  torch::nn::ModuleList stages_;
  torch::nn::Sequential neck_;
};
TORCH_MODULE(TinyVit);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_TINY_VIT_H_
