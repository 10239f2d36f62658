// Animated WebPs, as tests put them together.
#ifndef PIPELINES_MEDIA_WEBP_TEST_UTIL_H_
#define PIPELINES_MEDIA_WEBP_TEST_UTIL_H_

#include <string>
#include <vector>

#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_chunks_test_util.h"

namespace pipelines::media {

// The chunk "VP8L" of a picture, CV_8UC3 or CV_8UC4 in OpenCV's order.
inline std::string LosslessChunk(const cv::Mat& picture) {
  std::vector<uchar> file;
  cv::imencode(".webp", picture, file, {cv::IMWRITE_WEBP_QUALITY, 101});
  return std::string(file.begin() + 12, file.end());
}

// The chunk "ANMF" of a frame. flags: 1 clears its place afterwards, 2 replaces
// what is there instead of blending.
inline std::string WebpFrameChunk(cv::Rect place, int milliseconds, int flags,
                                  const std::string& chunks) {
  return RiffChunk(
      "ANMF", ThreeBytes(place.x / 2) + ThreeBytes(place.y / 2) +
                  ThreeBytes(place.width - 1) + ThreeBytes(place.height - 1) +
                  ThreeBytes(milliseconds) + static_cast<char>(flags) + chunks);
}

// A file that wants to be repeated seven times, on blue. `chunks`: behind its
// head.
inline std::string AnimatedWebp(cv::Size size, const std::string& chunks) {
  constexpr char kAlphaAndAnimation = 0x12;
  const std::string head = std::string{kAlphaAndAnimation, 0, 0, 0} +
                           ThreeBytes(size.width - 1) +
                           ThreeBytes(size.height - 1);
  return RiffChunk("RIFF",
                   "WEBP" + RiffChunk("VP8X", head) +
                       RiffChunk("ANIM", std::string("\xff\0\0\xff\7\0", 6)) +
                       chunks);
}

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_WEBP_TEST_UTIL_H_
