// Tested by evaluation_test.cc.
#include "pipelines/evaluation/failure_pictures.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pipelines/data/image_tensor.h"
#include "pipelines/report/visualize.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

std::string FileName(int rank) {
  return absl::StrFormat("worst-%02d.png", rank);
}

cv::Mat DrawFailure(const RebuiltFrame& frame) {
  StripInput strip;
  strip.source = data::ImageToTensor(frame.source).unsqueeze(0);
  strip.driving = data::ImageToTensor(frame.driving).unsqueeze(0);
  strip.prediction = data::ImageToTensor(frame.prediction).unsqueeze(0);
  strip.source_from_driving = frame.source_from_driving.unsqueeze(0);
  StripOptions options;
  options.error = true;
  return DrawStrip(strip, options);
}

std::string Caption(const ClipResult& clip, const RebuiltFrame& frame) {
  return absl::StrFormat(
      "%s, frame %d: L1 %.4f, PSNR %.2f dB, SSIM %.4f (the clip's mean L1 "
      "%.4f; its first frame's %.4f)",
      clip.name, frame.number, frame.score.l1, frame.score.psnr,
      frame.score.ssim, clip.model.l1, clip.first_frame.l1);
}

void RemoveFrom(const std::string& folder, int rank) {
  std::error_code ignored;
  while (fs::remove(absl::StrCat(folder, "/", FileName(rank)), ignored)) ++rank;
}

}  // namespace

absl::Status FailurePictures::BeginClip(const std::string&) {
  worst_frame_.reset();
  return absl::OkStatus();
}

absl::Status FailurePictures::AddFrame(const RebuiltFrame& frame) {
  if (!worst_frame_ || IsWorse(frame.score, worst_frame_->score)) {
    worst_frame_ = frame;
  }
  return absl::OkStatus();
}

absl::Status FailurePictures::EndClip(const ClipResult& result) {
  if (!worst_frame_) return absl::OkStatus();
  const auto place =
      std::upper_bound(failures_.begin(), failures_.end(), result,
                       [](const ClipResult& clip, const Failure& failure) {
                         return IsWorse(clip.model, failure.clip.model);
                       });
  failures_.insert(place, {result, *std::move(worst_frame_)});
  worst_frame_.reset();
  if (static_cast<int>(failures_.size()) > num_clips_) failures_.pop_back();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<EvaluationPicture>> FailurePictures::Write(
    const std::string& folder) const {
  std::vector<EvaluationPicture> pictures;
  for (const Failure& failure : failures_) {
    const std::string path =
        absl::StrCat(folder, "/", FileName(static_cast<int>(pictures.size())));
    RETURN_IF_ERROR(SavePicture(path, DrawFailure(failure.frame)));
    pictures.push_back({path, Caption(failure.clip, failure.frame)});
  }
  RemoveFrom(folder, static_cast<int>(pictures.size()));
  return pictures;
}

}  // namespace pipelines
