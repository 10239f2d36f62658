// How close a frame is to the one it should be.
#ifndef PIPELINES_METRICS_H_
#define PIPELINES_METRICS_H_

#include "opencv2/core.hpp"

namespace pipelines {

struct FrameScore {
  double l1 = 0;    // mean absolute difference, of values in [0, 1]
  double psnr = 0;  // dB; 100 for equal frames
  double ssim = 0;  // mean over pixels and channels, 11x11 Gaussian window
};

// Scores of two pictures of equal size, CV_8UC3. PSNR and SSIM are OpenCV's
// (module quality; Wang et al. 2004).
FrameScore ScoreFrame(const cv::Mat& frame, const cv::Mat& target);

// A mean over frames.
class MeanScore {
 public:
  void Add(const FrameScore& score);
  FrameScore Mean() const;
  int count() const { return count_; }

 private:
  FrameScore sum_;
  int count_ = 0;
};

}  // namespace pipelines

#endif  // PIPELINES_METRICS_H_
