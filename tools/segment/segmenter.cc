#include "tools/segment/segmenter.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/sam/options.h"
#include "networks/sam/sam_of_weights.h"
#include "networks/transformer/feed_forward.h"
#include "networks/weights/key_map.h"
#include "networks/weights/load.h"
#include "networks/weights/read.h"
#include "networks/weights/tensor_map.h"
#include "third_party/absl/status_macros.h"

namespace tools {

namespace sam = networks::sam;
using torch::Tensor;

namespace {

using networks::weights::TensorMap;

TensorMap WithOurKeys(const TensorMap& tensors) {
  const networks::weights::KeyMap key_map =
      networks::weights::SegmentAnything();
  TensorMap result;
  for (const auto& [name, tensor] : tensors) {
    const std::string key = key_map(name);
    if (!key.empty()) result[key] = tensor;
  }
  return result;
}

// Which network it is: as the user says, or else as the weights do.
absl::StatusOr<std::string> ModelOf(const SegmenterOptions& options,
                                    const TensorMap& tensors) {
  if (!options.model.empty()) return options.model;
  std::string model = sam::ModelOfWeights(WithOurKeys(tensors));
  if (!model.empty()) return model;
  return absl::InvalidArgumentError(absl::StrCat(
      options.weights_path, ": holds none of the networks ",
      absl::StrJoin(sam::SamNames(), ", "),
      ", by the shapes of its tensors; fetch_weights --list shows files of "
      "them"));
}

// Of a file for another network than options.model says.
std::string NameOf(const TensorMap& tensors) {
  const std::string model = sam::ModelOfWeights(tensors);
  return model.empty() ? ""
                       : absl::StrCat("these are the weights of ", model,
                                      ", so give --model ", model, " or none");
}

Tensor ToTensor(const cv::Mat& rgb) {
  const cv::Mat whole = rgb.isContinuous() ? rgb : rgb.clone();
  return torch::from_blob(whole.data, {1, whole.rows, whole.cols, 3},
                          torch::kUInt8)
             .permute({0, 3, 1, 2})
             .to(torch::kFloat32) /
         255;
}

cv::Mat ToMask(const Tensor& logits) {  // [H, W]
  const Tensor inside =
      (logits > 0).to(torch::kUInt8).mul(255).to(torch::kCPU).contiguous();
  return cv::Mat(static_cast<int>(inside.size(0)),
                 static_cast<int>(inside.size(1)), CV_8UC1, inside.data_ptr())
      .clone();
}

}  // namespace

absl::StatusOr<Segmenter> Segmenter::Create(const SegmenterOptions& options) {
  ASSIGN_OR_RETURN(const networks::weights::Weights weights,
                   networks::weights::ReadWeights(options.weights_path));
  ASSIGN_OR_RETURN(const std::string model, ModelOf(options, weights.tensors));
  ASSIGN_OR_RETURN(const sam::SamOptions sam_options, sam::SamByName(model));
  sam::Sam network(sam_options);
  networks::weights::LoadOptions load;
  load.key_map = networks::weights::SegmentAnything();
  load.name_of = NameOf;
  RETURN_IF_ERROR(networks::weights::LoadInto(*network, weights.tensors, load,
                                              options.weights_path)
                      .status());
  RETURN_IF_ERROR(weights.Check());
  if (options.bfloat16) {
    networks::transformer::MultiplyIn(torch::kBFloat16,
                                      *network->image_encoder);
  }
  network->to(options.device);
  network->eval();
  return Segmenter(std::move(network), sam_options.image_size(),
                   options.device);
}

void Segmenter::SetImage(const cv::Mat& image) {
  torch::NoGradGuard no_grad;
  placement_ = sam::PlacementOf(image.rows, image.cols, input_size_);
  embedding_ = sam_->image_encoder->forward(
      sam::Prepare(ToTensor(image).to(device_), input_size_));
}

sam::Prompts Segmenter::Place(const SegmentPrompt& prompt) const {
  const auto placed = [&](std::vector<double> numbers) {
    const int64_t count = static_cast<int64_t>(numbers.size()) / 2;
    return sam::PlacePoints(
        torch::tensor(numbers, torch::dtype(torch::kFloat32).device(device_))
            .view({1, count, 2}),
        placement_);
  };
  sam::Prompts prompts;
  if (!prompt.points.empty()) {
    std::vector<double> numbers;
    std::vector<int64_t> labels;
    for (const LabelledPoint& point : prompt.points) {
      numbers.insert(numbers.end(), {point.x, point.y});
      labels.push_back(point.foreground ? sam::kForegroundPoint
                                        : sam::kBackgroundPoint);
    }
    prompts.points = placed(numbers);
    prompts.labels =
        torch::tensor(labels, torch::dtype(torch::kInt64).device(device_))
            .unsqueeze(0);
  }
  for (const Box& box : prompt.boxes) {
    prompts.boxes =
        placed({box.left, box.top, box.right, box.bottom}).view({1, 4});
  }
  return prompts;
}

std::vector<SegmentMask> Segmenter::Segment(const SegmentPrompt& prompt) {
  torch::NoGradGuard no_grad;
  const sam::Masks all = sam_->Segment(embedding_, Place(prompt), input_size_);
  const bool ambiguous = prompt.points.size() == 1 && prompt.boxes.empty();
  const sam::Masks masks =
      ambiguous ? sam::Alternatives(all) : sam::Unambiguous(all);
  const Tensor over_image = sam::MasksOverImage(masks.logits, placement_)[0];
  std::vector<SegmentMask> result;
  for (int64_t i = 0; i < over_image.size(0); ++i) {
    result.push_back({ToMask(over_image[i]), masks.ious[0][i].item<double>()});
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const SegmentMask& a, const SegmentMask& b) {
                     return a.expected_iou > b.expected_iou;
                   });
  return result;
}

}  // namespace tools
