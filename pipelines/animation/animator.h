// Animation as a library: load once, set a source, feed driving frames.
//
//   ASSIGN_OR_RETURN(auto animator, Animator::Load("run/checkpoint", device));
//   animator->SetSource(image);
//   cv::Mat frame = animator->Animate({driving_frame})[0];
//
// animate_video.h does this from file to file; animator_example.cc is a whole
// program.
#ifndef PIPELINES_ANIMATION_ANIMATOR_H_
#define PIPELINES_ANIMATION_ANIMATOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "keypoints/one_euro_filter.h"
#include "keypoints/transfer.h"
#include "networks/avd.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/precision.h"
#include "pipelines/checkpoint/checkpoint.h"

namespace pipelines {

struct AnimatorOptions {
  keypoints::TransferOptions transfer;
  // Smooths the driving keypoints over time where set.
  std::optional<keypoints::OneEuroOptions> smoothing;
  Precision precision = Precision::kAuto;
};

// What moves the source in a batch of frames, on the model's device.
struct FrameMotion {
  torch::Tensor driving_keypoints;  // [B, 5K, 2] as detected
  torch::Tensor keypoints;          // [B, 5K, 2] that the source takes
  torch::Tensor deformation;        // [B, h, w, 2] source_from_driving
  torch::Tensor occlusion;          // [B, 1, H, W], 1 where the source shows
};

// Pictures are CV_8UC3 in RGB order, of any size: the largest centred part with
// the model's aspect is scaled to the model's size. One thread at a time.
class Animator {
 public:
  // The errors of LoadTrainedModel; InvalidArgument for options that do not fit
  // the model.
  static absl::StatusOr<std::unique_ptr<Animator>> Load(
      const std::string& checkpoint, torch::Device device,
      const AnimatorOptions& options = {});
  static absl::StatusOr<std::unique_ptr<Animator>> Create(
      TrainedModel model, torch::Device device,
      const AnimatorOptions& options = {});

  // Size of the pictures that Animate returns.
  cv::Size frame_size() const;
  int keypoints_per_group() const;
  // What is in use: never kAuto.
  Precision precision() const { return options_.precision; }

  // What is to be moved from now on. All that depends on it alone is computed
  // here, once.
  void SetSource(const cv::Mat& rgb);
  // [1, 5K, 2]
  const torch::Tensor& source_keypoints() const { return source_.keypoints; }

  // Begins another driving video. `reference` [1, 5K, 2] are the driving
  // keypoints that relative motion is relative to; where undefined, those of
  // the next frame.
  void BeginDriving(const torch::Tensor& reference = {});

  // The keypoints of each of `pictures`, [B, 5K, 2].
  torch::Tensor DetectKeypoints(const std::vector<cv::Mat>& pictures);

  // The source moved as each of `driving` shows, in order. SetSource first.
  // `seconds` are the frames' times, for smoothing; if empty, frames come at 25
  // a second. Without smoothing, a frame's result does not depend on the
  // others: on a CPU with AVX2 it is the same to the bit alone, in any batch
  // and on any number of threads.
  std::vector<cv::Mat> Animate(const std::vector<cv::Mat>& driving,
                               absl::Span<const double> seconds = {},
                               FrameMotion* motion = nullptr);

 private:
  Animator(TrainedModel model, torch::Device device,
           const AnimatorOptions& options)
      : trained_(std::move(model)), device_(device), options_(options) {}

  torch::Tensor ToTensor(const cv::Mat& rgb) const;
  torch::Tensor Render(const torch::Tensor& keypoints,
                       networks::DenseMotionOutput* motion);
  torch::Tensor Smooth(const torch::Tensor& keypoints,
                       absl::Span<const double> seconds);
  torch::Tensor Transfer(const torch::Tensor& driving_keypoints) const;

  TrainedModel trained_;
  torch::Device device_;
  AnimatorOptions options_;
  cv::Mat picture_;  // of the source
  PreparedSource source_;
  torch::Tensor reference_;  // undefined before the first driving frame
  std::optional<keypoints::OneEuroFilter> filter_;
  double next_seconds_ = 0;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_ANIMATOR_H_
