// A continuous piecewise-affine velocity field: a basis and a theta.
//
// Source: [CPAB] Sec. 3.
#ifndef CPAB_FIELD_VELOCITY_FIELD_H_
#define CPAB_FIELD_VELOCITY_FIELD_H_

#include <memory>

#include "Eigen/Core"
#include "cpab/field/basis.h"

namespace cpab {

// v(x) = A_c (x, y, 1)^T in cell c. Copies share the basis.
class VelocityField {
 public:
  // `theta` has basis->theta_size() elements.
  VelocityField(std::shared_ptr<const Basis> basis,
                const Eigen::Ref<const Eigen::VectorXd>& theta);

  // The field with those coefficients, which are of the basis' span.
  static VelocityField OfCells(std::shared_ptr<const Basis> basis,
                               CellCoefficients cells);

  // The field t v.
  VelocityField Scaled(double t) const;
  // The field v + t w, for a field w of the same basis.
  VelocityField Plus(double t, const VelocityField& w) const;

  const Basis& basis() const { return *basis_; }
  const std::shared_ptr<const Basis>& shared_basis() const { return basis_; }
  const Tessellation& tessellation() const { return basis_->tessellation(); }
  const CellCoefficients& cells() const { return cells_; }

  // The velocity at a point anywhere in the plane; see tessellation.h. NaN at
  // one that is not finite.
  Eigen::Vector2d operator()(const Eigen::Vector2d& point) const;

 private:
  VelocityField() = default;

  std::shared_ptr<const Basis> basis_;
  CellCoefficients cells_;
};

}  // namespace cpab

#endif  // CPAB_FIELD_VELOCITY_FIELD_H_
