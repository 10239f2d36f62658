// A picture for tests of animations.
#ifndef PIPELINES_ANIMATION_TEXTURE_TEST_UTIL_H_
#define PIPELINES_ANIMATION_TEXTURE_TEST_UTIL_H_

#include "opencv2/imgproc.hpp"

namespace pipelines {

// Random colours that change smoothly over eight pixels.
inline cv::Mat Texture(int width, int height, int seed) {
  cv::Mat small((height + 7) / 8, (width + 7) / 8, CV_8UC3), image;
  cv::RNG(seed).fill(small, cv::RNG::UNIFORM, 0, 256);
  cv::resize(small, image, {width, height}, 0, 0, cv::INTER_CUBIC);
  return image;
}

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_TEXTURE_TEST_UTIL_H_
