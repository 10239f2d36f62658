// How close a frame is to the one it should be.
#ifndef PIPELINES_EVALUATION_METRICS_H_
#define PIPELINES_EVALUATION_METRICS_H_

#include <optional>

#include "opencv2/core.hpp"

namespace pipelines {

struct FrameScore {
  double l1 = 0;    // mean absolute difference, of values in [0, 1]
  double psnr = 0;  // dB; at most 100, which equal frames have
  double ssim = 0;  // mean over pixels and channels, 11x11 Gaussian window
  std::optional<double> lpips;  // networks/lpips.h, where it was asked for
};

// By L1; not-a-number is the worst of all, so that it has a place in an order.
bool IsWorse(const FrameScore& a, const FrameScore& b);

// Scores of two pictures of equal size, CV_8UC3, but for LPIPS. PSNR and SSIM
// are OpenCV's (module quality; [SSIM]).
FrameScore ScoreFrame(const cv::Mat& frame, const cv::Mat& target);

// A mean over frames: of LPIPS over those that have it, of PSNR over those that
// are not equal to their targets. (The first frame, shown all the time, would
// owe several dB to being compared with itself once.)
class MeanScore {
 public:
  void Add(const FrameScore& score);
  MeanScore& operator+=(const MeanScore& other);  // of the frames of both
  FrameScore Mean() const;
  int count() const { return count_; }

 private:
  FrameScore sum_;
  int count_ = 0;
  int psnr_count_ = 0;
  int lpips_count_ = 0;
};

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_METRICS_H_
