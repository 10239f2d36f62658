// libFuzzer target of what is read of an image file before OpenCV sees it:
// size, orientation, colours. Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/media:image_fuzz
//   bazel-bin/pipelines/media/image_fuzz FOLDER
//       pipelines/media/testdata/fuzz_image
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "opencv2/core.hpp"
#include "pipelines/media/colour_profile.h"
#include "pipelines/media/image_colours.h"
#include "pipelines/media/image_header.h"
#include "pipelines/media/image_io.h"

namespace pipelines::media {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Parse(std::string_view bytes) {
  const auto header = ReadImageHeader(bytes, "fuzz");
  if (header.ok()) {
    Require(!header->size.empty());
    Require(header->orientation >= 1 && header->orientation <= 8);
    Require(header->bytes_per_sample >= 1 && header->bytes_per_sample <= 8);
  }
  const auto size = ProbeImage(bytes, "fuzz");
  Require(!size.ok() || header.ok());
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
