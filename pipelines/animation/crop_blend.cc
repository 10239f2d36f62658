#include "pipelines/animation/crop_blend.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "opencv2/imgproc.hpp"
#include "pipelines/base/smooth_step.h"

namespace pipelines {
namespace {

// Of a crop's shorter side: where pixels are mixed if no motion fades.
constexpr double kFeather = 1.0 / 12;
// Of the fade: where nothing moves.
constexpr double kStill = 1.0 / 3;
// How sharply the shares of crops change where these are equally near: from a
// fifth to four fifths within 17 % of the distance.
constexpr double kSharpness = 8;
constexpr double kLeastDistance = 1e-3;

double ShorterSide(const cv::Rect& box) {
  return std::min(box.width, box.height);
}

// From the middle of the outermost pixel of [begin, end) along one axis; a side
// at the border of [0, limit) does not count.
double DepthAlong(double at, int begin, int end, int limit) {
  double depth = std::numeric_limits<double>::infinity();
  if (begin > 0) depth = std::min(depth, at - begin - 0.5);
  if (end < limit) depth = std::min(depth, end - at - 0.5);
  return std::max(depth, 0.0);
}

// Pixel `at` of `count`, in [begin, begin + length) of the picture; the
// outermost pixels are the outermost ones there, too.
double AlongBox(int begin, int length, int at, int count) {
  const double share = count > 1 ? static_cast<double>(at) / (count - 1) : 0.5;
  return begin + 0.5 + share * (length - 1);
}

// In half sides of the box.
double Distance(const BlendedCrop& crop, cv::Point2d point) {
  const double across = std::abs(point.x - crop.centre.x) / crop.box.width;
  const double down = std::abs(point.y - crop.centre.y) / crop.box.height;
  return std::max(2 * std::max(across, down), kLeastDistance);
}

}  // namespace

CropBlend::CropBlend(cv::Size size, std::vector<BlendedCrop> crops,
                     const CropBlendOptions& options,
                     const std::vector<BlendedCrop>& others)
    : size_(size), crops_(std::move(crops)), fade_(options.fade) {
  const size_t num_pasted = crops_.size();
  crops_.insert(crops_.end(), others.begin(), others.end());
  for (size_t i = 0; i < num_pasted; ++i) {
    const cv::Rect& box = crops_[i].box;
    CV_Assert(!box.empty() && (box & cv::Rect({0, 0}, size)) == box);
    cv::Mat weight(box.size(), CV_32FC3);
    for (int y = 0; y < box.height; ++y) {
      for (int x = 0; x < box.width; ++x) {
        const cv::Point2d point(box.x + x + 0.5, box.y + y + 0.5);
        weight.at<cv::Vec3f>(y, x) = cv::Vec3f::all(
            static_cast<float>(Feathered(i, point) * Share(i, point)));
      }
    }
    weights_.push_back(weight);
  }
}

double CropBlend::Depth(size_t i, cv::Point2d point) const {
  const cv::Rect& box = crops_[i].box;
  return std::min(DepthAlong(point.x, box.x, box.br().x, size_.width),
                  DepthAlong(point.y, box.y, box.br().y, size_.height));
}

double CropBlend::feather(size_t i) const {
  const double share = fade_ > 0 ? kStill * fade_ : kFeather;
  return std::max(1.0, std::floor(share * ShorterSide(crops_[i].box)));
}

double CropBlend::Feathered(size_t i, cv::Point2d point) const {
  const cv::Rect& box = crops_[i].box;
  const double across = DepthAlong(point.x, box.x, box.br().x, size_.width);
  const double down = DepthAlong(point.y, box.y, box.br().y, size_.height);
  return std::min(across / feather(i), 1.0) * std::min(down / feather(i), 1.0);
}

double CropBlend::Share(size_t i, cv::Point2d point) const {
  if (crops_.size() == 1) return 1;
  double own = 0, all = 0;
  bool is_shared = false;
  for (size_t j = 0; j < crops_.size(); ++j) {
    const cv::Rect2d box(crops_[j].box);
    if (!box.contains(point)) continue;
    is_shared = is_shared || j != i;
    const double nearness =
        Feathered(j, point) * std::pow(Distance(crops_[j], point), -kSharpness);
    all += nearness;
    if (j == i) own = nearness;
  }
  if (!is_shared) return 1;
  return all > 0 ? own / all : 0;
}

cv::Mat CropBlend::MotionShare(size_t i, cv::Size size) const {
  const cv::Rect& box = crops_[i].box;
  cv::Mat share(size, CV_32FC1, cv::Scalar(1));
  if (fade_ == 0) return share;
  const double full = fade_ * ShorterSide(box);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const cv::Point2d point(AlongBox(box.x, box.width, x, size.width),
                              AlongBox(box.y, box.height, y, size.height));
      share.at<float>(y, x) =
          static_cast<float>(SmoothStep(kStill * full, full, Depth(i, point)) *
                             SmoothStep(0.5, 1, Share(i, point)));
    }
  }
  return share;
}

cv::Mat CropBlend::Paste(const cv::Mat& picture,
                         const std::vector<cv::Mat>& crops) const {
  CV_Assert(picture.size() == size_ && crops.size() == num_crops());
  cv::Mat result = picture.clone();
  for (size_t i = 0; i < crops.size(); ++i) {
    cv::Mat above, below, sum;
    cv::resize(crops[i], above, box(i).size(), 0, 0,
               crops[i].cols > box(i).width ? cv::INTER_AREA : cv::INTER_CUBIC);
    above.convertTo(above, CV_32F);
    picture(box(i)).convertTo(below, CV_32F);
    // Where crops overlap, what those before it made; each rounds once.
    result(box(i)).convertTo(sum, CV_32F);
    sum += (above - below).mul(weights_[i]);
    sum.convertTo(result(box(i)), CV_8U);
  }
  return result;
}

}  // namespace pipelines
