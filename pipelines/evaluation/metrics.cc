#include "pipelines/evaluation/metrics.h"

#include <algorithm>
#include <cmath>

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
  // [SSIM], with its constants.
  score.ssim = MeanOfChannels(
      cv::quality::QualitySSIM::compute(target, frame, cv::noArray()),
      frame.channels());
  return score;
}

bool IsWorse(const FrameScore& a, const FrameScore& b) {
  const auto badness = [](const FrameScore& score) {
    return std::isnan(score.l1) ? INFINITY : score.l1;
  };
  return badness(a) > badness(b);
}

void MeanScore::Add(const FrameScore& score) {
  sum_.l1 += score.l1;
  sum_.ssim += score.ssim;
  ++count_;
  if (score.l1 != 0) {
    sum_.psnr += score.psnr;
    ++psnr_count_;
  }
  if (!score.lpips) return;
  sum_.lpips = sum_.lpips.value_or(0) + *score.lpips;
  ++lpips_count_;
}

MeanScore& MeanScore::operator+=(const MeanScore& other) {
  sum_.l1 += other.sum_.l1;
  sum_.psnr += other.sum_.psnr;
  sum_.ssim += other.sum_.ssim;
  if (other.sum_.lpips) {
    sum_.lpips = sum_.lpips.value_or(0) + *other.sum_.lpips;
  }
  count_ += other.count_;
  psnr_count_ += other.psnr_count_;
  lpips_count_ += other.lpips_count_;
  return *this;
}

FrameScore MeanScore::Mean() const {
  const double n = std::max(count_, 1);
  FrameScore mean;
  mean.l1 = sum_.l1 / n;
  mean.psnr = psnr_count_ > 0 ? sum_.psnr / psnr_count_ : kMaxPsnr;
  mean.ssim = sum_.ssim / n;
  if (sum_.lpips) mean.lpips = *sum_.lpips / lpips_count_;
  return mean;
}

}  // namespace pipelines
