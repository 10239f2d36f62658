// The maps of a request: fits the chosen model to the points.
#ifndef TOOLS_STUDIO_WARP_WARP_MAPS_H_
#define TOOLS_STUDIO_WARP_WARP_MAPS_H_

#include <memory>
#include <optional>

#include "Eigen/Core"
#include "cpab/field/velocity_field.h"
#include "cpab/fit/fit.h"
#include "tools/studio/warp/point_map.h"
#include "tools/studio/warp/warp_request.h"

namespace studio {

// Two maps, each of which undoes the other.
struct WarpMaps {
  // Where contents go: from each point's `from` to its `to`, in the view
  // "inverse" from `to` to `from`.
  std::shared_ptr<const PointMap> forward;
  // Where a pixel of the result looks. Of the thin-plate splines this is the
  // one with a closed form, as usual where pictures are warped by them; the
  // view "inverse" has the spline of the exchanged pairs.
  std::shared_ptr<const PointMap> backward;

  Eigen::VectorXd theta;                     // CPAB only
  std::optional<cpab::VelocityField> field;  // of `forward`; CPAB only
  double residual = 0;                       // sqrt(sum |to - T(from)|^2)
  double max_gradient = 0;                   // CPAB only
  int iterations = 0;                        // CPAB only
};

// `fitter` is that of the request's tessellation and options; it may be null
// for other models than CPAB.
WarpMaps FitMaps(const WarpRequest& request,
                 const cpab::KeypointFitter* fitter);

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_WARP_MAPS_H_
