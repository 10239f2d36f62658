#include "tools/studio/warp/flow_map.h"

#include <cmath>

namespace studio {

Eigen::Matrix2Xd FlowMap::Apply(const Eigen::Matrix2Xd& points) const {
  Eigen::Matrix2Xd moved(2, points.cols());
  flow_.Transform<double>(points, moved);
  return moved;
}

Eigen::VectorXd FlowMap::Determinants(const Eigen::Matrix2Xd& points) const {
  Eigen::VectorXd determinants(points.cols());
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    determinants[n] = std::exp(flow_.LogDetJacobian(points.col(n)));
  }
  return determinants;
}

}  // namespace studio
