#include "losses/keypoint_semantic.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <vector>

#include "keypoints/coordinates.h"
#include "losses/freeze.h"
#include "networks/copy_ahead.h"
#include "networks/sam/sam_input.h"
#include "networks/transformer/feed_forward.h"

namespace losses {

namespace sam = networks::sam;
using torch::Tensor;

namespace {

KeypointSemanticOptions WithInputSize(KeypointSemanticOptions options) {
  if (options.input_size == 0) {
    options.input_size = options.extractor.image_size();
  }
  return options;
}

// Keypoints in [-1, 1], the centres of the first and the last pixel, as pixels.
Tensor PixelsOf(const Tensor& keypoints, int64_t height, int64_t width) {
  const Tensor last_pixel = networks::NumbersAhead(
      {static_cast<double>(width - 1), static_cast<double>(height - 1)},
      keypoints);
  return keypoints::UnitFromCentred(keypoints) * last_pixel;
}

}  // namespace

KeypointSemanticLossImpl::KeypointSemanticLossImpl(
    const KeypointSemanticOptions& options)
    : options_(WithInputSize(options)),
      extractor_(register_module("extractor", sam::Sam(options.extractor))) {
  Freeze(*extractor_);
  networks::transformer::MultiplyIn(options.multiply_in,
                                    *extractor_->image_encoder);
}

Tensor KeypointSemanticLossImpl::forward(const Tensor& source,
                                         const Tensor& driving,
                                         const Tensor& source_keypoints,
                                         const Tensor& driving_keypoints) {
  TORCH_CHECK(source.sizes() == driving.sizes(),
              "the source and the driving images are of different shapes, ",
              source.sizes(), " and ", driving.sizes());
  return Compare(Embed(source), Embed(driving), source.size(2), source.size(3),
                 source_keypoints, driving_keypoints);
}

Tensor KeypointSemanticLossImpl::Compare(const Tensor& source_embeddings,
                                         const Tensor& driving_embeddings,
                                         int64_t height, int64_t width,
                                         const Tensor& source_keypoints,
                                         const Tensor& driving_keypoints) {
  return MeanDistance(
      Features(source_embeddings, height, width, source_keypoints),
      Features(driving_embeddings, height, width, driving_keypoints),
      options_.distance);
}

Tensor KeypointSemanticLossImpl::Embed(const Tensor& images) {
  torch::NoGradGuard no_grad;
  return extractor_->image_encoder->forward(
      sam::Prepare(images, options_.input_size));
}

Tensor KeypointSemanticLossImpl::Features(const Tensor& embeddings,
                                          int64_t height, int64_t width,
                                          const Tensor& keypoints) {
  const int64_t count = keypoints.size(1);
  const int64_t per_prompt = options_.keypoints_per_prompt == 0
                                 ? count
                                 : options_.keypoints_per_prompt;
  TORCH_CHECK(count % per_prompt == 0, "prompts of ", per_prompt,
              " keypoints do not divide ", count, " keypoints");
  const Tensor points =
      sam::PlacePoints(PixelsOf(keypoints, height, width),
                       sam::PlacementOf(height, width, options_.input_size))
          .unflatten(1, {count / per_prompt, per_prompt});  // [B, P, N, 2]
  std::vector<Tensor> features;
  for (int64_t i = 0; i < embeddings.size(0); ++i) {
    sam::Prompts prompts;
    prompts.points = points[i];
    prompts.labels =
        torch::full({count / per_prompt, per_prompt}, sam::kForegroundPoint,
                    torch::dtype(torch::kInt64).device(points.device()));
    features.push_back(extractor_
                           ->PointFeatures(embeddings.narrow(0, i, 1), prompts,
                                           options_.input_size)
                           .flatten(0, 1));  // [K, C]
  }
  return torch::stack(features);
}

}  // namespace losses
