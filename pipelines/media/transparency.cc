#include "pipelines/media/transparency.h"

#include <algorithm>
#include <cstdint>

#include "opencv2/imgproc.hpp"

namespace pipelines::media {
namespace {

// Rounded.
uint8_t Blend(int colour, int alpha) {
  return static_cast<uint8_t>((colour * alpha + 255 * (255 - alpha) + 127) /
                              255);
}

// Alpha from which on a colour is known well enough: two roundings leave it
// uncertain by 255 / alpha levels.
constexpr float kTrusted = 32;

float Colour(const cv::Vec4f& share, int channel) {
  return share[3] > 0 ? share[channel] / share[3] : 0;
}

// Shares [h, w] CV_32FC4 (colours times alpha, and alpha) that are complete by
// those of coarser and coarser pictures, where they are not opaque.
cv::Mat Filled(const cv::Mat& shares) {
  if (shares.rows == 1 && shares.cols == 1) return shares;
  cv::Mat half, back;
  cv::resize(shares, half, {(shares.cols + 1) / 2, (shares.rows + 1) / 2}, 0, 0,
             cv::INTER_AREA);
  cv::resize(Filled(half), back, shares.size(), 0, 0, cv::INTER_LINEAR);
  cv::Mat filled = shares.clone();
  for (int y = 0; y < filled.rows; ++y) {
    const auto* behind = back.ptr<cv::Vec4f>(y);
    auto* row = filled.ptr<cv::Vec4f>(y);
    for (int x = 0; x < filled.cols; ++x) {
      row[x] += (1 - row[x][3]) * behind[x];
    }
  }
  return filled;
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

cv::Mat AlphaOf(const cv::Mat& with_alpha) {
  CV_Assert(with_alpha.type() == CV_8UC4);
  cv::Mat alpha;
  cv::extractChannel(with_alpha, alpha, 3);
  return cv::countNonZero(alpha == 255) == static_cast<int>(alpha.total())
             ? cv::Mat()
             : alpha;
}

cv::Mat OnColour(const cv::Mat& on_white, const cv::Mat& alpha,
                 const cv::Vec3b& colour) {
  CV_Assert(on_white.type() == CV_8UC3 && alpha.type() == CV_8UC1 &&
            alpha.size() == on_white.size());
  cv::Mat result(on_white.size(), CV_8UC3);
  for (int y = 0; y < alpha.rows; ++y) {
    const auto* opaque = alpha.ptr<uint8_t>(y);
    const auto* from = on_white.ptr<cv::Vec3b>(y);
    auto* to = result.ptr<cv::Vec3b>(y);
    for (int x = 0; x < alpha.cols; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int less = ((255 - opaque[x]) * (255 - colour[c]) + 127) / 255;
        to[x][c] = static_cast<uint8_t>(std::max(0, from[x][c] - less));
      }
    }
  }
  return result;
}

// What is white beneath the top picture darkens by what the bottom one has less
// than white there: both hold `colour * alpha + 255 * (255 - alpha)`.
void DrawOver(const cv::Mat& top, const cv::Mat& top_alpha, cv::Mat* bottom,
              cv::Mat* bottom_alpha) {
  CV_Assert(top.type() == CV_8UC3 && bottom->type() == CV_8UC3 &&
            top_alpha.type() == CV_8UC1 && bottom_alpha->type() == CV_8UC1 &&
            top.size() == bottom->size() && top.size() == top_alpha.size() &&
            top.size() == bottom_alpha->size());
  const auto share = [](int value, int hidden_by) {
    return (value * (255 - hidden_by) + 127) / 255;
  };
  for (int y = 0; y < top.rows; ++y) {
    const auto* upper = top.ptr<cv::Vec3b>(y);
    const auto* opaque = top_alpha.ptr<uint8_t>(y);
    auto* lower = bottom->ptr<cv::Vec3b>(y);
    auto* lower_alpha = bottom_alpha->ptr<uint8_t>(y);
    for (int x = 0; x < top.cols; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int darker = share(255 - lower[x][c], opaque[x]);
        lower[x][c] = static_cast<uint8_t>(std::max(0, upper[x][c] - darker));
      }
      lower_alpha[x] =
          static_cast<uint8_t>(opaque[x] + share(lower_alpha[x], opaque[x]));
    }
  }
}

cv::Mat WithAlpha(const cv::Mat& on_white, const cv::Mat& alpha) {
  cv::Mat shares[4];  // of the picture alone: R, G, B times alpha, and alpha
  cv::split(OnColour(on_white, alpha, {0, 0, 0}), shares);
  shares[3] = alpha;
  cv::Mat seen;
  cv::merge(shares, 4, seen);
  seen.convertTo(seen, CV_32FC4, 1.0 / 255);
  const cv::Mat filled = Filled(seen);
  cv::Mat result(alpha.size(), CV_8UC4);
  for (int y = 0; y < alpha.rows; ++y) {
    const auto* share = seen.ptr<cv::Vec4f>(y);
    const auto* around = filled.ptr<cv::Vec4f>(y);
    const auto* opaque = alpha.ptr<uint8_t>(y);
    auto* to = result.ptr<cv::Vec4b>(y);
    for (int x = 0; x < alpha.cols; ++x) {
      const float trust = std::min(1.0f, opaque[x] / kTrusted);
      for (int c = 0; c < 3; ++c) {
        to[x][c] = cv::saturate_cast<uint8_t>(
            255 *
            (trust * Colour(share[x], c) + (1 - trust) * Colour(around[x], c)));
      }
      to[x][3] = opaque[x];
    }
  }
  return result;
}

}  // namespace pipelines::media
