#include "cpab/flow/stepped_flow.h"

#include <algorithm>
#include <cmath>

#include "cpab/flow/affine_flow.h"

namespace cpab {
namespace {

// x -> E x + c: the flow of one cell's field for a time that AffineFlow takes.
Eigen::Matrix<double, 2, 3> ShortMap(const AffineFlow& flow, double t) {
  const MatrixFunction f = flow.Integral(t);
  Eigen::Matrix<double, 2, 3> map;
  for (int column = 0; column < 3; ++column) {
    // Unit points and the origin: their images give the map.
    Eigen::Vector2d x = Eigen::Vector2d::Zero();
    if (column < 2) x[column] = 1;
    const Eigen::Vector2d v = flow.Velocity(x);
    map.col(column) = x + f.identity * v + f.matrix * flow.Linear(v);
  }
  map.leftCols<2>().colwise() -= map.col(2);
  return map;
}

// All that a double allows, for fields whose maps overflow, too.
constexpr double kMaxHalvings = 1100;

// By scaling and squaring.
Eigen::Matrix<double, 2, 3> Map(const AffineFlow& flow, double t) {
  const double halvings = std::ceil(std::log2(t / flow.max_duration()));
  const int count =
      static_cast<int>(std::min(std::max(0.0, halvings), kMaxHalvings));
  Eigen::Matrix<double, 2, 3> map = ShortMap(flow, std::ldexp(t, -count));
  for (int i = 0; i < count; ++i) {
    map.col(2) += (map.leftCols<2>() * map.col(2)).eval();
    map.leftCols<2>() *= map.leftCols<2>().eval();
  }
  return map;
}

constexpr int64_t kBlock = 256;

}  // namespace

SteppedFlow::SteppedFlow(const VelocityField& field, int num_steps)
    : basis_(field.shared_basis()), num_steps_(num_steps) {
  eigen_assert(num_steps >= 1);
  for (Eigen::Index cell = 0; cell < field.cells().rows(); ++cell) {
    maps_.push_back(
        Map(AffineFlow(field.cells().row(cell).data()), 1.0 / num_steps));
  }
}

template <typename Scalar>
void SteppedFlow::Transform(const PointsRef<Scalar>& points,
                            MutablePointsRef<Scalar> y,
                            const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == y.cols());
  using Point = Eigen::Matrix<Scalar, 2, 1>;
  std::vector<Eigen::Matrix<Scalar, 2, 3>> maps;
  for (const AffineMap& map : maps_) {
    maps.push_back(map.template cast<Scalar>());
  }
  const Tessellation& tessellation = basis_->tessellation();
  parallel_for((points.cols() + kBlock - 1) / kBlock, [&](int64_t block) {
    const int64_t end = std::min<int64_t>(points.cols(), (block + 1) * kBlock);
    for (int64_t n = block * kBlock; n < end; ++n) {
      Point x = points.col(n);
      for (int step = 0; step < num_steps_; ++step) {
        const int cell = tessellation.FindCell(x.template cast<double>());
        x = Point(maps[cell].template leftCols<2>() * x + maps[cell].col(2));
      }
      y.col(n) = x;
    }
  });
}

template void SteppedFlow::Transform<float>(const PointsRef<float>&,
                                            MutablePointsRef<float>,
                                            const ParallelFor&) const;
template void SteppedFlow::Transform<double>(const PointsRef<double>&,
                                             MutablePointsRef<double>,
                                             const ParallelFor&) const;

}  // namespace cpab
