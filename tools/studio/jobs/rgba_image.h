// Pixels without a library behind them, between processes and folders.
#ifndef TOOLS_STUDIO_JOBS_RGBA_IMAGE_H_
#define TOOLS_STUDIO_JOBS_RGBA_IMAGE_H_

#include <cstdint>
#include <vector>

namespace studio {

struct RgbaImage {
  int width = 0;
  int height = 0;
  // width * height * 4 bytes: R, G, B, A (straight, 255 is opaque), rows from
  // the top, upright, sRGB.
  std::vector<uint8_t> pixels;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_RGBA_IMAGE_H_
