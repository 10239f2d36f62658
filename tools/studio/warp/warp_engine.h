// The engine of the Warp page: from points that a hand moves to the warped
// picture.
//
// A request, its fields and ranges are those of warp_request.h; the maps are in
// warp_maps.h. Free of LibTorch, and of any state that a client can see: equal
// requests have equal answers, but for the measured times.
//
// Coordinates: x right, y down; the centres of the first and the last pixel
// are 0 and 1 along each axis.
#ifndef TOOLS_STUDIO_WARP_WARP_ENGINE_H_
#define TOOLS_STUDIO_WARP_WARP_ENGINE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "tools/studio/base/rgba_image.h"

namespace studio {

// Keeps what requests share: the bases and fitters of the last tessellations,
// and the last pictures at the size that was asked for. Safe to use from many
// threads.
class WarpEngine {
 public:
  WarpEngine();
  ~WarpEngine();
  WarpEngine(const WarpEngine&) = delete;
  WarpEngine& operator=(const WarpEngine&) = delete;

  // The answer's bytes: uint32 N, little-endian; N bytes of JSON; the pixels,
  // 4 width height bytes of RGBA. The JSON has
  //
  //   width, height  of the pixels; the longer one is the request's size
  //   theta          [d], empty for models other than CPAB
  //   residual       sqrt of the sum of |to - T(from)|^2, sides of the square
  //   missed         numbers, from 0, of the points that do not arrive: they
  //                  end further from `to` than a pixel and a hundredth of the
  //                  longer side
  //   iterations     of the fit; 0 in closed form
  //   max_gradient   largest velocity gradient in any cell; 0 without theta
  //   grid           lines of the deformed grid, each [x, y, x, y, ...]
  //   velocity       [[x, y, vx, vy], ...], empty without theta
  //   det            {min, max} of the local factor of areas, det dT/dx, at
  //                  33x33 points of the result; null if it folds everywhere
  //   sources        where in the picture the places of "trace" come from, as
  //                  [x, y]
  //   folded         share of these points at which det dT/dx <= 0
  //   milliseconds   {fit, warp, total}
  //
  // grid, velocity and sources are there if they are asked for.
  //
  // `picture` is not null and has as many bytes as its sides say; it is the
  // same object for the same picture, since the engine knows it by its address.
  // Errors of the request name their field: FieldOf in base/field_error.h.
  absl::StatusOr<std::string> Warp(const nlohmann::json& request,
                                   std::shared_ptr<const RgbaImage> picture);

 private:
  class Caches;
  std::unique_ptr<Caches> caches_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_WARP_ENGINE_H_
