#include "cpab/field/velocity_field.h"

#include <limits>
#include <utility>

namespace cpab {

VelocityField::VelocityField(std::shared_ptr<const Basis> basis,
                             const Eigen::Ref<const Eigen::VectorXd>& theta)
    : basis_(std::move(basis)), cells_(basis_->CellsFromTheta(theta)) {}

VelocityField VelocityField::OfCells(std::shared_ptr<const Basis> basis,
                                     CellCoefficients cells) {
  VelocityField field;
  field.basis_ = std::move(basis);
  field.cells_ = std::move(cells);
  return field;
}

VelocityField VelocityField::Scaled(double t) const {
  VelocityField scaled = *this;
  scaled.cells_ *= t;
  return scaled;
}

VelocityField VelocityField::Plus(double t, const VelocityField& w) const {
  VelocityField sum = *this;
  sum.cells_ += t * w.cells_;
  return sum;
}

Eigen::Vector2d VelocityField::operator()(const Eigen::Vector2d& point) const {
  if (!point.allFinite()) {
    return Eigen::Vector2d::Constant(std::numeric_limits<double>::quiet_NaN());
  }
  const Eigen::Vector2d x = tessellation().Nearest(point);
  const auto A = cells_.row(tessellation().FindCell(x));  // [CPAB]
  return Eigen::Vector2d(A[0] * x.x() + A[1] * x.y() + A[2],
                         A[3] * x.x() + A[4] * x.y() + A[5]);
}

}  // namespace cpab
