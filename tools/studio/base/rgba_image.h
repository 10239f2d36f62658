// A decoded picture in memory.
#ifndef TOOLS_STUDIO_BASE_RGBA_IMAGE_H_
#define TOOLS_STUDIO_BASE_RGBA_IMAGE_H_

#include <cstdint>
#include <vector>

namespace studio {

// Red, green, blue, alpha with 8 bits each, not premultiplied; rows from the
// top without padding: pixel (x, y) begins at 4 (y width + x).
struct RgbaImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;  // 4 width height bytes
};

}  // namespace studio

#endif  // TOOLS_STUDIO_BASE_RGBA_IMAGE_H_
