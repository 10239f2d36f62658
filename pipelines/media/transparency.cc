#include "pipelines/media/transparency.h"

#include <cstdint>

namespace pipelines::media {
namespace {

// Rounded.
uint8_t Blend(int colour, int alpha) {
  return static_cast<uint8_t>((colour * alpha + 255 * (255 - alpha) + 127) /
                              255);
}

}  // namespace

void PutOnWhite(const cv::Mat& alpha, cv::Mat* colours) {
  CV_Assert(alpha.type() == CV_8UC1 && colours->type() == CV_8UC3 &&
            alpha.size() == colours->size());
  for (int y = 0; y < alpha.rows; ++y) {
    const auto* opaque = alpha.ptr<uint8_t>(y);
    auto* row = colours->ptr<cv::Vec3b>(y);
    for (int x = 0; x < alpha.cols; ++x) {
      for (int c = 0; c < 3; ++c) row[x][c] = Blend(row[x][c], opaque[x]);
    }
  }
}

cv::Mat OnWhite(const cv::Mat& with_alpha) {
  CV_Assert(with_alpha.type() == CV_8UC4);
  cv::Mat result(with_alpha.size(), CV_8UC3);
  for (int y = 0; y < with_alpha.rows; ++y) {
    const auto* from = with_alpha.ptr<cv::Vec4b>(y);
    auto* to = result.ptr<cv::Vec3b>(y);
    for (int x = 0; x < with_alpha.cols; ++x) {
      for (int c = 0; c < 3; ++c) to[x][c] = Blend(from[x][c], from[x][3]);
    }
  }
  return result;
}

}  // namespace pipelines::media
