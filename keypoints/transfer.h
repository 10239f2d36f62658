// Motion transfer in keypoint space: which keypoints drive a source.
//
// Source: [CPABMM] animation in standard and relative mode, from [FOMM]; by AVD
// from [TPS] Sec. 3.4.
#ifndef KEYPOINTS_TRANSFER_H_
#define KEYPOINTS_TRANSFER_H_

#include <torch/types.h>

#include <functional>
#include <vector>

namespace keypoints {

enum class TransferMode {
  kStandard,  // the driving keypoints as they are
  kRelative,  // source + (driving - first driving) * scale
  kAvd,       // the source's shape in the driving pose, by a network
};

struct TransferOptions {
  TransferMode mode = TransferMode::kStandard;
  // Relative mode: scale displacements by HullScale, so that a large figure
  // moves a small one by small steps. Otherwise the scale is 1.
  bool adapt_scale = true;
  // How much of the motion away from the source's own keypoints is shown, 1
  // being all of it: one value for all keypoints, or one for each keypoint set,
  // which are equally many consecutive keypoints. Empty is 1.
  std::vector<double> motion_scale;
};

// sqrt(area of the convex hull of source / that of driving), keypoints
// [1, K, 2] of any dtype and device. 1 if the driving hull has no area.
double HullScale(const torch::Tensor& source, const torch::Tensor& driving);

// Turns the keypoints of each driving frame into those to animate with. The
// source and the first driving frame are given once. Immutable, so any number
// of threads may use it, as far as `avd` allows it.
class MotionTransfer {
 public:
  // (source, driving) [B, K, 2] -> [B, K, 2]: networks::AvdNetwork in eval
  // mode. Needed in AVD mode only.
  using Avd = std::function<torch::Tensor(const torch::Tensor& source,
                                          const torch::Tensor& driving)>;

  // source, first_driving: [1, K, 2] in [-1, 1]. K must be a multiple of the
  // number of motion scales.
  MotionTransfer(const TransferOptions& options, torch::Tensor source,
                 torch::Tensor first_driving, Avd avd = nullptr);

  // driving: [B, K, 2], B frames. Returns [B, K, 2]; in relative and AVD mode
  // it may leave [-1, 1].
  torch::Tensor Apply(const torch::Tensor& driving) const;

 private:
  TransferMode mode_;
  torch::Tensor Transfer(const torch::Tensor& driving) const;

  torch::Tensor source_;
  torch::Tensor first_driving_;
  torch::Tensor motion_scale_;  // [1, K, 1]; undefined is 1
  Avd avd_;
  double scale_ = 1;
};

}  // namespace keypoints

#endif  // KEYPOINTS_TRANSFER_H_
