#include "pipelines/animation/source_figure.h"

#include <algorithm>

#include "opencv2/imgproc.hpp"

namespace pipelines {
namespace {

// GrabCut works at this size: its time grows with the pixels.
constexpr int kLongerSide = 256;
constexpr int kIterations = 4;
// Contributions of the background below which a pixel may be the figure's, and
// above which it is surely not.
constexpr double kFigure = 0.5;
constexpr double kBackground = 0.9;
constexpr double kLeastShare = 0.25;  // of the figure in the map

// A generator for GrabCut's first clusters, and the caller's back at the end.
class SeededRng {
 public:
  SeededRng() : before_(cv::theRNG()) { cv::theRNG() = cv::RNG(1); }
  ~SeededRng() { cv::theRNG() = before_; }

 private:
  const cv::RNG before_;
};

cv::Mat Resized(const cv::Mat& picture, cv::Size size, int interpolation) {
  cv::Mat result;
  cv::resize(picture, result, size, 0, 0, interpolation);
  return result;
}

// CV_8UC1: 255 where GrabCut finds the figure.
cv::Mat Cut(const cv::Mat& picture, const cv::Mat& background) {
  cv::Mat labels(picture.size(), CV_8UC1, cv::Scalar(cv::GC_PR_BGD));
  labels.setTo(cv::GC_PR_FGD, background < kFigure);
  labels.setTo(cv::GC_BGD, background > kBackground);
  const cv::Mat may_be = labels == cv::GC_PR_FGD;
  const int in_map = cv::countNonZero(may_be);
  if (in_map == 0 || in_map == static_cast<int>(may_be.total()) ||
      cv::countNonZero(labels == cv::GC_BGD) == 0) {
    return may_be;
  }
  const SeededRng rng;
  cv::Mat background_model, figure_model;
  cv::grabCut(picture, labels, {}, background_model, figure_model, kIterations,
              cv::GC_INIT_WITH_MASK);
  const cv::Mat figure = labels == cv::GC_PR_FGD;
  return cv::countNonZero(figure) < kLeastShare * in_map ? may_be : figure;
}

}  // namespace

cv::Mat FigureOfSource(const cv::Mat& picture, const cv::Mat& background) {
  const double scale = std::min(1.0, static_cast<double>(kLongerSide) /
                                         std::max(picture.cols, picture.rows));
  const cv::Size size(std::max(1, cvRound(picture.cols * scale)),
                      std::max(1, cvRound(picture.rows * scale)));
  const cv::Mat figure = Cut(Resized(picture, size, cv::INTER_AREA),
                             Resized(background, size, cv::INTER_LINEAR));
  cv::Mat mask;
  figure.convertTo(mask, CV_32F, 1.0 / 255);
  return Resized(mask, picture.size(), cv::INTER_LINEAR);
}

}  // namespace pipelines
