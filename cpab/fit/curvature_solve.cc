#include "cpab/fit/curvature_solve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "Eigen/Eigenvalues"
#include "cpab/fit/solver_constants.h"

namespace cpab {
namespace {

using solver::kCentralBelow;
using solver::kLeastCurvature;
using solver::kMaxCurvatureSteps;

// The root of what rounding may have left below 0; NaN of NaN.
double RootOf(double square) { return square < 0 ? 0 : std::sqrt(square); }

// Lanczos' iteration of A from G^-1 b. Column j of V is v_j, column j of
// `duals` is G v_j; V^T G V = I, and A in the basis V is tridiagonal.
class Lanczos {
 public:
  Lanczos(const ObjectiveCurvature& curvature, const Eigen::VectorXd& b,
          double tolerance)
      : curvature_(curvature),
        tolerance_(tolerance),
        max_steps_(
            std::min<int>(kMaxCurvatureSteps, static_cast<int>(b.size()))),
        basis_(b.size(), max_steps_),
        duals_(b.size(), max_steps_),
        diagonal_(max_steps_),
        beside_(max_steps_),
        next_(curvature.SolveGaussNewton(b)),
        next_dual_(b),
        length_(RootOf(next_.dot(next_dual_))) {}

  double length() const { return length_; }  // |G^-1 b|_G

  // Steps until the residual is below `tolerance` times its length at the
  // start. With the pivots d_j of the tridiagonal matrix and its off-diagonal
  // elements e_j it is e_1 ... e_n / (d_1 ... d_n) after n steps.
  void Run() {
    double pivot = 1, residual = 1;
    double norm = length_;
    for (double before = 0; steps_ < max_steps_ && residual > tolerance_;
         before = norm) {
      norm = Step(norm);
      beside_[steps_ - 1] = norm;
      pivot = diagonal_[steps_ - 1] - before * before / pivot;
      residual *= std::abs(norm / pivot);
    }
  }

  CurvatureSolution Solve() const {
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen;
    eigen.computeFromTridiagonal(diagonal_.head(steps_),
                                 beside_.head(steps_ - 1));
    const Eigen::VectorXd curvatures =
        eigen.eigenvalues().cwiseAbs().cwiseMax(kLeastCurvature);
    const Eigen::VectorXd coefficients =
        length_ *
        eigen.eigenvectors().row(0).transpose().cwiseQuotient(curvatures);
    return {basis_.leftCols(steps_) * (eigen.eigenvectors() * coefficients),
            eigen.eigenvalues().minCoeff()};
  }

 private:
  // Makes the next vector a column, and the one after it from its image,
  // without the part that the identity adds. Returns that one's length.
  // Orthogonalised twice against all columns: enough for orthogonality to
  // rounding.
  double Step(double norm) {
    const int step = steps_++;
    basis_.col(step) = next_ / norm;
    duals_.col(step) = next_dual_ / norm;
    next_dual_ = -CurvatureTimes(basis_.col(step));
    next_ = curvature_.SolveGaussNewton(next_dual_);
    diagonal_[step] = 1 + basis_.col(step).dot(next_dual_);
    for (int pass = 0; pass < 2; ++pass) {
      const Eigen::VectorXd overlap =
          duals_.leftCols(steps_).transpose() * next_;
      next_ -= basis_.leftCols(steps_) * overlap;
      next_dual_ -= duals_.leftCols(steps_) * overlap;
    }
    return RootOf(next_.dot(next_dual_));
  }

  Eigen::VectorXd CurvatureTimes(const Eigen::VectorXd& v) const {
    return tolerance_ < kCentralBelow ? curvature_.CentralCurvatureTimes(v)
                                      : curvature_.CurvatureTimes(v);
  }

  const ObjectiveCurvature& curvature_;
  double tolerance_;
  int max_steps_;
  int steps_ = 0;
  Eigen::MatrixXd basis_, duals_;
  Eigen::VectorXd diagonal_, beside_;
  Eigen::VectorXd next_, next_dual_;
  double length_;
};

}  // namespace

CurvatureSolution SolveCurvature(const ObjectiveCurvature& curvature,
                                 const Eigen::VectorXd& b, double tolerance) {
  Lanczos lanczos(curvature, b, tolerance);
  if (lanczos.length() == 0) return {Eigen::VectorXd::Zero(b.size())};
  if (!std::isfinite(lanczos.length())) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {Eigen::VectorXd::Constant(b.size(), kNaN), kNaN};
  }
  lanczos.Run();
  return lanczos.Solve();
}

}  // namespace cpab
