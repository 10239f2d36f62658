// The CPAB transform as one of the maps that the Warp page compares.
#ifndef TOOLS_STUDIO_WARP_FLOW_MAP_H_
#define TOOLS_STUDIO_WARP_FLOW_MAP_H_

#include <utility>

#include "Eigen/Core"
#include "cpab/flow/flow.h"
#include "tools/studio/warp/point_map.h"

namespace studio {

class FlowMap final : public PointMap {
 public:
  explicit FlowMap(cpab::Flow flow) : flow_(std::move(flow)) {}

  Eigen::Matrix2Xd Apply(const Eigen::Matrix2Xd& points) const override;
  // exp of the integral of the divergence: above 0 for every field.
  Eigen::VectorXd Determinants(const Eigen::Matrix2Xd& points) const override;

 private:
  cpab::Flow flow_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_FLOW_MAP_H_
