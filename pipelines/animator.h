// Animation as a library: load once, set a source, feed driving frames.
//
//   ASSIGN_OR_RETURN(auto animator, Animator::Load("run/checkpoint", options));
//   animator->SetSource(image);
//   cv::Mat frame = animator->Animate({driving_frame})[0];
#ifndef PIPELINES_ANIMATOR_H_
#define PIPELINES_ANIMATOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "keypoints/transfer.h"
#include "opencv2/core.hpp"
#include "pipelines/checkpoint.h"

namespace pipelines {

struct AnimatorOptions {
  keypoints::TransferOptions transfer;
};

// Pictures are CV_8UC3 in RGB order, of any size: the largest centred part with
// the model's aspect is scaled to the model's size. One thread at a time.
class Animator {
 public:
  // The errors of LoadTrainedModel.
  static absl::StatusOr<std::unique_ptr<Animator>> Load(
      const std::string& checkpoint, torch::Device device,
      const AnimatorOptions& options);
  Animator(TrainedModel model, torch::Device device,
           const AnimatorOptions& options);

  // Size of the pictures that Animate returns.
  cv::Size frame_size() const;

  // What is to be moved from now on. The next driving frame is the one that
  // relative motion is relative to.
  void SetSource(const cv::Mat& rgb);

  // The source moved as each of `driving` shows, in order. SetSource first. A
  // frame's result does not depend on the others of the call.
  std::vector<cv::Mat> Animate(const std::vector<cv::Mat>& driving);

 private:
  torch::Tensor ToTensor(const cv::Mat& rgb) const;

  TrainedModel trained_;
  torch::Device device_;
  AnimatorOptions options_;
  PreparedSource source_;
  // Empty until the first driving frame.
  std::optional<keypoints::MotionTransfer> transfer_;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATOR_H_
