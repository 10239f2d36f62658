// Local factors of areas as colours.
#ifndef TOOLS_STUDIO_WARP_DET_COLOURS_H_
#define TOOLS_STUDIO_WARP_DET_COLOURS_H_

#include <cstdint>

#include "Eigen/Core"

namespace studio {

// Writes opaque RGBA colours of `factors` [N] to `pixels` (4 N bytes). The
// scale is logarithmic: blue at 1/4 and below, white at 1, red at 4 and above;
// magenta where a factor is not above 0 or not finite: the map folds there.
void WriteDetColours(const Eigen::VectorXd& factors, uint8_t* pixels);

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_DET_COLOURS_H_
