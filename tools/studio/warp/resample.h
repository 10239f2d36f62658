// Pictures at another size, and at other places.
//
// Colours are weighted by their alpha, so that what is transparent does not
// colour its neighbours.
#ifndef TOOLS_STUDIO_WARP_RESAMPLE_H_
#define TOOLS_STUDIO_WARP_RESAMPLE_H_

#include <cstdint>

#include "Eigen/Core"
#include "tools/studio/base/rgba_image.h"

namespace studio {

// `picture` with `size` pixels along its longer side and at least 1 along the
// other: means over areas where it shrinks, bilinear where it grows. The same
// pixels, bit for bit, if it has that size already.
RgbaImage ScaledTo(const RgbaImage& picture, int size);

// Writes the colours of `picture` at `places` [2, N], in pixels from the centre
// of the first one, to `pixels` (4 N bytes): bilinear, transparent outside and
// where a place is not finite. At a pixel's centre, exactly that pixel.
void SampleAt(const RgbaImage& picture, const Eigen::Matrix2Xd& places,
              uint8_t* pixels);

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_RESAMPLE_H_
