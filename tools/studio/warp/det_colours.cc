#include "tools/studio/warp/det_colours.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace studio {
namespace {

using Colour = std::array<double, 3>;

// At log2 of the factor from -2 to 2, evenly spaced. Blue to red by way of
// white, which the colour-blind can tell apart.
constexpr std::array<Colour, 5> kStops = {{{33, 102, 172},
                                           {146, 197, 222},
                                           {247, 247, 247},
                                           {244, 165, 130},
                                           {178, 24, 43}}};
constexpr double kLog2Range = 2;
constexpr uint8_t kFolded[4] = {200, 0, 200, 255};

}  // namespace

void WriteDetColours(const Eigen::VectorXd& factors, uint8_t* pixels) {
  constexpr int kLast = static_cast<int>(kStops.size()) - 1;
  for (Eigen::Index n = 0; n < factors.size(); ++n, pixels += 4) {
    if (!(factors[n] > 0) || !std::isfinite(factors[n])) {
      std::memcpy(pixels, kFolded, sizeof(kFolded));
      continue;
    }
    const double log2 =
        std::clamp(std::log2(factors[n]), -kLog2Range, kLog2Range);
    const double place = (log2 / kLog2Range + 1) / 2 * kLast;
    const int stop = std::min(static_cast<int>(place), kLast - 1);
    const double share = place - stop;
    for (int c = 0; c < 3; ++c) {
      pixels[c] = static_cast<uint8_t>(std::lround(
          (1 - share) * kStops[stop][c] + share * kStops[stop + 1][c]));
    }
    pixels[3] = 255;
  }
}

}  // namespace studio
