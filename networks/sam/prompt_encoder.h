// SAM's prompt encoder: points, boxes and masks become tokens and a map.
//
// Coordinates: pixels of the square image that the image encoder saw, (x, y)
// with x right and y down, 0 the centre of the first pixel.
//
// Source: [SAM] Sec. 3 and appendix A; random Fourier features: [FF].
#ifndef NETWORKS_SAM_PROMPT_ENCODER_H_
#define NETWORKS_SAM_PROMPT_ENCODER_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/embedding.h>
#include <torch/types.h>

#include <cstdint>

namespace networks::sam {

// What a point says.
enum PointLabel : int64_t {
  kNoPoint = -1,  // fills up prompts with fewer points
  kBackgroundPoint = 0,
  kForegroundPoint = 1,
};

// P prompts; each field may be undefined.
struct Prompts {
  torch::Tensor points;  // [P, N, 2]
  torch::Tensor labels;  // [P, N] int64, PointLabel; defined with points
  torch::Tensor boxes;   // [P, 4], x0, y0, x1, y1
  torch::Tensor masks;   // [P, 1, 4 h, 4 w] logits, h x w the embedding's map
};

struct PromptEmbeddings {
  // [P, T, C]: a token a point; one more, of no meaning, if there are points
  // and no boxes; then two for the box.
  torch::Tensor tokens;
  // [P, C, h, w] with masks, otherwise [1, C, h, w]: the same for all.
  torch::Tensor map;
};

// Positions in [0, 1]^2 as random Fourier features.
class PositionEncodingImpl : public torch::nn::Module {
 public:
  explicit PositionEncodingImpl(int64_t channels);

  // [.., 2], (x, y) in [0, 1] -> [.., C]. Differentiable.
  torch::Tensor forward(const torch::Tensor& positions);

  // Of the centres of the cells of a map: [1, C, height, width].
  torch::Tensor OfMap(int64_t height, int64_t width);

 private:
  torch::Tensor frequencies_;  // [2, C / 2]
};
TORCH_MODULE(PositionEncoding);

class PromptEncoderImpl : public torch::nn::Module {
 public:
  explicit PromptEncoderImpl(int64_t channels);

  // For an image of image_size^2 pixels with an embedding of map_size^2.
  // Differentiable in points, boxes and masks. At least one of them must be
  // there: TORCH_CHECK.
  PromptEmbeddings forward(const Prompts& prompts, int64_t image_size,
                           int64_t map_size);

  // Of the image embedding's map, [1, C, map_size, map_size].
  torch::Tensor MapPositions(int64_t map_size);

 private:
  torch::Tensor EmbedPoints(const torch::Tensor& points,
                            const torch::Tensor& labels, int64_t image_size);
  torch::Tensor EmbedBoxes(const torch::Tensor& boxes, int64_t image_size);

  PositionEncoding position_encoding_{nullptr};
  torch::nn::ModuleList point_embeddings_;  // background, foreground, corners
  torch::nn::Embedding no_point_embedding_{nullptr};
  torch::nn::Sequential mask_downscaling_;
  torch::nn::Embedding no_mask_embedding_{nullptr};
};
TORCH_MODULE(PromptEncoder);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_PROMPT_ENCODER_H_
