// Tested by warp_engine_test.cc.
#include "tools/studio/warp/warp_maps.h"

#include <utility>

#include "cpab/flow/flow.h"
#include "tools/studio/warp/affine_map.h"
#include "tools/studio/warp/flow_map.h"
#include "tools/studio/warp/thin_plate_map.h"

namespace studio {
namespace {

WarpMaps FitCpab(const WarpRequest& request,
                 const cpab::KeypointFitter& fitter) {
  const cpab::FitResult fit = fitter.Fit(request.points);
  const cpab::Flow flow(fitter.basis(), fit.theta);
  WarpMaps maps;
  maps.forward = std::make_shared<FlowMap>(flow);
  maps.backward = std::make_shared<FlowMap>(flow.Inverse());
  maps.theta = fit.theta;
  maps.field = flow.field();
  maps.residual = fit.residual;
  maps.max_gradient = fit.max_gradient;
  maps.iterations = fit.iterations;
  return maps;
}

WarpMaps FitAffine(const cpab::KeypointPairs& pairs) {
  const AffineMap map = AffineMap::Fit(pairs.from, pairs.to);
  WarpMaps maps;
  maps.forward = std::make_shared<AffineMap>(map);
  maps.backward = std::make_shared<AffineMap>(map.Inverse());
  maps.residual = (pairs.to - map.Apply(pairs.from)).norm();
  return maps;
}

WarpMaps FitThinPlate(const WarpRequest& request) {
  const cpab::KeypointPairs& pairs = request.points;
  const bool is_inverse = request.view == WarpView::kInverse;
  const Eigen::Matrix2Xd& begin = is_inverse ? pairs.to : pairs.from;
  const Eigen::Matrix2Xd& end = is_inverse ? pairs.from : pairs.to;
  const auto forward = std::make_shared<InverseThinPlateMap>(
      InverseThinPlateMap::Fit(end, begin));
  WarpMaps maps;
  maps.forward = forward;
  maps.backward = std::shared_ptr<const PointMap>(forward, &forward->spline());
  maps.residual = (end - forward->Apply(begin)).norm();
  return maps;
}

// CPAB and affine maps have exact inverses.
WarpMaps InView(WarpView view, WarpMaps maps) {
  if (view != WarpView::kInverse) return maps;
  std::swap(maps.forward, maps.backward);
  if (maps.field) maps.field = maps.field->Scaled(-1);
  return maps;
}

}  // namespace

WarpMaps FitMaps(const WarpRequest& request,
                 const cpab::KeypointFitter* fitter) {
  switch (request.model) {
    case WarpModel::kThinPlate:
      return FitThinPlate(request);
    case WarpModel::kAffine:
      return InView(request.view, FitAffine(request.points));
    case WarpModel::kCpab:
      break;
  }
  return InView(request.view, FitCpab(request, *fitter));
}

}  // namespace studio
