#include "pipelines/animation/start_frame.h"

#include <torch/types.h>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "keypoints/similarity.h"

namespace pipelines {

absl::StatusOr<StartFrame> ParseStartFrame(const std::string& text) {
  using By = StartFrame::By;
  if (text == "first") return StartFrame{By::kNumber, 0};
  if (text == "keypoints") return StartFrame{By::kKeypoints, 0};
  if (text == "alignment") return StartFrame{By::kAlignment, 0};
  StartFrame start;
  if (!absl::SimpleAtoi(text, &start.number) || start.number < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "start is '", text,
        "'; use first, keypoints, alignment or a frame's number from 0"));
  }
  return start;
}

absl::StatusOr<int64_t> ChooseStartFrame(const StartFrame& start,
                                         const torch::Tensor& source,
                                         const torch::Tensor& driving) {
  switch (start.by) {
    case StartFrame::By::kKeypoints:
      return keypoints::NormalisedDistances(source, driving)
          .argmin()
          .item<int64_t>();
    case StartFrame::By::kAlignment:
      return keypoints::AlignedDistances(source, driving)
          .argmin()
          .item<int64_t>();
    case StartFrame::By::kNumber:
      break;
  }
  if (start.number >= driving.size(0)) {
    return absl::OutOfRangeError(
        absl::StrCat("the start is frame ", start.number, "; there are ",
                     driving.size(0), " frames, from 0"));
  }
  return start.number;
}

}  // namespace pipelines
