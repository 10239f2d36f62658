// What the Warp page asks for, read from JSON with every field checked.
#ifndef TOOLS_STUDIO_WARP_WARP_REQUEST_H_
#define TOOLS_STUDIO_WARP_WARP_REQUEST_H_

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/tessellation.h"
#include "cpab/fit/fit.h"
#include "nlohmann/json.hpp"

namespace studio {

// "cpab", "thin_plate" and "affine".
enum class WarpModel { kCpab, kThinPlate, kAffine };

// "picture": contents go from each point's `from` to its `to`. "inverse": they
// go back, by the inverse map. "det": the local factor of areas as colours.
enum class WarpView { kPicture, kInverse, kDet };

// Limits of a request.
inline constexpr int kMinWarpSize = 32;
inline constexpr int kMaxWarpSize = 1024;
inline constexpr int kMaxWarpCells = 12;
inline constexpr int kMaxWarpPoints = 64;
// Two points that are nearer than this are equal: a fortieth of a pixel of 256.
inline constexpr double kMinPointDistance = 1e-4;

struct WarpRequest {
  int size = 256;                          // "size", of the longer side
  cpab::TessellationOptions tessellation;  // "cells", "zero_boundary", "volume"
  cpab::FitOptions fit;                    // "tension", "prior"
  cpab::KeypointPairs points;              // "points"; weights are empty
  WarpModel model = WarpModel::kCpab;      // "model"
  WarpView view = WarpView::kPicture;      // "view"
  bool has_grid = false;                   // "overlays"
  bool has_velocity = false;
  Eigen::Matrix2Xd trace;  // "trace"
};

// Every field may be left out; then it has the value above and of the options'
// defaults, but a zero boundary. "picture", which is the server's, is ignored.
//
//   size           integer, 32 to 1024
//   cells          [nx, ny], integers, 1 to 12
//   zero_boundary  boolean, true if left out
//   volume         boolean
//   tension        0.001 to 1000
//   prior          {length_scale: 0.01 to 10, speed: 0.001 to 100,
//                  gradient: 0 to 100}
//   points         at most 64 of {from: [x, y], to: [x, y]}; from in [0, 1],
//                  to in [-1, 2]; no two with equal `from` or equal `to`
//   model, view    as above
//   overlays       list of "grid" and "velocity"
//   trace          at most 64 places of the result, [x, y] in [-1, 2]
//
// Any other field, type or value is an error by FieldError.
absl::StatusOr<WarpRequest> ParseWarpRequest(const nlohmann::json& json);

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_WARP_REQUEST_H_
