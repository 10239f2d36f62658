#include "pipelines/preview.h"

#include <torch/torch.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <vector>

#include "pipelines/data/loader.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

const cv::Mat& FarthestFrame(const data::Clip& clip) {
  const auto distance = [&clip](const cv::Mat& frame) {
    return cv::norm(frame, clip.frames.front(), cv::NORM_L1);
  };
  return *std::max_element(clip.frames.begin(), clip.frames.end(),
                           [&](const cv::Mat& a, const cv::Mat& b) {
                             return distance(a) < distance(b);
                           });
}

}  // namespace

absl::StatusOr<PreviewPairs> ReadPreviewPairs(data::Dataset& test, int count) {
  std::vector<torch::Tensor> source, driving;
  const int available = static_cast<int>(test.clips().size());
  for (int i = 0; i < std::min(count, available); ++i) {
    ASSIGN_OR_RETURN(const auto clip, test.ReadWholeClip(i));
    source.push_back(data::ImageToTensor(clip->frames.front()));
    driving.push_back(data::ImageToTensor(FarthestFrame(*clip)));
  }
  return PreviewPairs{torch::stack(source), torch::stack(driving)};
}

}  // namespace pipelines
