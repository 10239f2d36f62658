// libFuzzer target of what is read of an image file before OpenCV sees it:
// size, orientation, colours, the frames of an animated WebP. Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/media:image_fuzz
//   bazel-bin/pipelines/media/image_fuzz FOLDER
//       pipelines/media/testdata/fuzz_image
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "opencv2/core.hpp"
#include "pipelines/media/colour_profile.h"
#include "pipelines/media/formats/image_colours.h"
#include "pipelines/media/formats/image_header.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/webp_animation.h"

namespace pipelines::media {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void ParseAnimation(std::string_view bytes) {
  const auto animation = ReadWebpAnimation(bytes, "fuzz");
  if (!animation.ok()) return;
  Require(!animation->canvas.empty());
  Require(!animation->frames.empty() || !animation->end.ok());
  const cv::Rect canvas({0, 0}, animation->canvas);
  for (const WebpFrame& frame : animation->frames) {
    Require((frame.place & canvas) == frame.place && !frame.place.empty());
    const auto still = ReadImageHeader(StillOf(*animation, frame), "fuzz");
    Require(still.ok() && still->size == frame.place.size());
  }
}

// What the beginning of a file tells stays true of the whole.
void CheckBeginning(std::string_view bytes) {
  constexpr size_t kFormatBytes = 16;
  const std::string_view begin = bytes.substr(0, bytes.size() / 2);
  if (begin.size() < kFormatBytes || EndsBeforeFramesOfPng(begin)) return;
  Require(IsAnimatedPng(begin) == IsAnimatedPng(bytes));
}

void Parse(std::string_view bytes) {
  CheckBeginning(bytes);
  const auto header = ReadImageHeader(bytes, "fuzz");
  if (header.ok()) {
    Require(!header->size.empty());
    Require(header->orientation >= 1 && header->orientation <= 8);
    Require(header->bytes_per_sample >= 1 && header->bytes_per_sample <= 8);
  }
  const auto size = ProbeImage(bytes, "fuzz");
  Require(!size.ok() || header.ok());
  if (IsAnimatedWebp(bytes)) ParseAnimation(bytes);
  cv::Mat picture(2, 3, CV_8UC3, cv::Scalar(1, 100, 250));
  ConvertToSrgb(ReadImageColours(bytes), &picture);
  Require(picture.size() == cv::Size(3, 2) && picture.type() == CV_8UC3);
}

}  // namespace
}  // namespace pipelines::media

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pipelines::media::Parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
