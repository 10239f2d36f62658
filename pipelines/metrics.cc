#include "pipelines/metrics.h"

#include <algorithm>

#include "opencv2/quality/qualityssim.hpp"

namespace pipelines {
namespace {

// Equal frames have an infinite PSNR, which would swamp every mean.
constexpr double kMaxPsnr = 100;

double MeanOfChannels(const cv::Scalar& value, int channels) {
  double sum = 0;
  for (int i = 0; i < channels; ++i) sum += value[i];
  return sum / channels;
}

}  // namespace

FrameScore ScoreFrame(const cv::Mat& frame, const cv::Mat& target) {
  FrameScore score;
  score.l1 = cv::norm(frame, target, cv::NORM_L1) /
             (255.0 * frame.total() * frame.channels());
  score.psnr = std::min(cv::PSNR(frame, target), kMaxPsnr);
  score.ssim = MeanOfChannels(
      cv::quality::QualitySSIM::compute(target, frame, cv::noArray()),
      frame.channels());
  return score;
}

void MeanScore::Add(const FrameScore& score) {
  sum_.l1 += score.l1;
  sum_.psnr += score.psnr;
  sum_.ssim += score.ssim;
  ++count_;
}

FrameScore MeanScore::Mean() const {
  const double n = std::max(count_, 1);
  return {sum_.l1 / n, sum_.psnr / n, sum_.ssim / n};
}

}  // namespace pipelines
