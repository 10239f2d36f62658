#include "cpab/interval/interval_flow.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/field/null_space.h"

namespace cpab {
namespace {

// (e^z - 1) / z.
double Phi(double z) { return z == 0 ? 1 : std::expm1(z) / z; }

// log(1 + z) / z for z > -1.
double LogRatio(double z) { return z == 0 ? 1 : std::log1p(z) / z; }

// (z e^z - e^z + 1) / z^2 = sum of z^k / (k! (k + 2)).
double Chi(double z) {
  // The quotient cancels: below 1/2 it would lose a digit and more.
  if (std::abs(z) > 0.5) return (z * std::exp(z) - std::expm1(z)) / (z * z);
  double sum = 0, power = 1;
  for (int k = 0; k < 16; ++k) {
    sum += power / (k + 2);
    power *= z / (k + 1);
  }
  return sum;
}

// (a, b) of cell c from the velocities at its ends: the rows of P.
Eigen::Matrix2d CellFromEnds(int cell, int num_cells) {
  Eigen::Matrix2d matrix;
  matrix << -num_cells, num_cells, cell + 1, -cell;
  return matrix;
}

std::vector<Equation> Constraints(const IntervalOptions& options) {
  std::vector<Equation> equations;
  if (options.zero_boundary) {
    equations.push_back({{0, 1.0}});
    equations.push_back({{options.num_cells, 1.0}});
  }
  if (options.volume_preserving) {
    for (int c = 0; c < options.num_cells; ++c) {
      equations.push_back({{c, 1.0}, {c + 1, -1.0}});
    }
  }
  return equations;
}

SparseMatrix GramMatrix(int num_cells) {
  std::vector<Eigen::Triplet<double>> triplets;
  for (int c = 0; c < num_cells; ++c) {
    const Eigen::Matrix2d P = CellFromEnds(c, num_cells);
    const Eigen::Matrix2d local = P.transpose() * P;
    for (int m = 0; m < 2; ++m) {
      for (int n = 0; n < 2; ++n) {
        triplets.emplace_back(c + m, c + n, local(m, n));
      }
    }
  }
  SparseMatrix gram(num_cells + 1, num_cells + 1);
  gram.setFromTriplets(triplets.begin(), triplets.end());
  return gram;
}

struct IntervalArc {
  int cell;
  double start, velocity, duration;
};

// When a path with velocity v and dv/dx = a has moved by `distance`, which v
// points to: log(1 + a distance / v) / a.
double TimeToReach(double distance, double v, double a) {
  const double z = a * distance / v;
  // The velocity vanishes on the way.
  if (z <= -1) return std::numeric_limits<double>::infinity();
  // Rounding may have put x beyond the end already.
  return std::max(0.0, distance / v * LogRatio(z));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const IntervalBasis>> IntervalBasis::Create(
    const IntervalOptions& options) {
  if (options.num_cells < 1 || options.num_cells > 1000) {
    return absl::InvalidArgumentError(absl::StrCat(
        "interval.num_cells is ", options.num_cells, "; use 1 to 1000"));
  }
  Eigen::MatrixXd vertex_basis =
      OrthonormalSolutions(Constraints(options), GramMatrix(options.num_cells));
  if (vertex_basis.cols() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("an interval of ", options.num_cells,
                     " cells with these constraints admits no velocity field "
                     "but zero; use more cells or fewer constraints"));
  }
  return std::shared_ptr<const IntervalBasis>(
      new IntervalBasis(options.num_cells, std::move(vertex_basis)));
}

IntervalBasis::IntervalBasis(int num_cells, Eigen::MatrixXd vertex_basis)
    : num_cells_(num_cells), vertex_basis_(std::move(vertex_basis)) {}

IntervalCoefficients IntervalBasis::CellsFromTheta(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  eigen_assert(theta.size() == theta_size());
  return CellsFromVertices(vertex_basis_ * theta);
}

IntervalCoefficients IntervalBasis::CellsFromVertices(
    const Eigen::Ref<const Eigen::VectorXd>& velocities) const {
  IntervalCoefficients cells(num_cells_, 2);
  for (int c = 0; c < num_cells_; ++c) {
    cells.row(c) =
        (CellFromEnds(c, num_cells_) * velocities.segment<2>(c)).transpose();
  }
  return cells;
}

Eigen::VectorXd IntervalBasis::ThetaFromCells(
    const IntervalCoefficients& cells) const {
  Eigen::VectorXd dual = Eigen::VectorXd::Zero(num_cells_ + 1);
  for (int c = 0; c < num_cells_; ++c) {
    dual.segment<2>(c) +=
        CellFromEnds(c, num_cells_).transpose() * cells.row(c).transpose();
  }
  return vertex_basis_.transpose() * dual;
}

Eigen::VectorXd IntervalBasis::ThetaFromVertices(
    const Eigen::Ref<const Eigen::VectorXd>& velocities) const {
  return ThetaFromCells(CellsFromVertices(velocities));
}

IntervalFlow::IntervalFlow(std::shared_ptr<const IntervalBasis> basis,
                           const Eigen::Ref<const Eigen::VectorXd>& theta)
    : basis_(std::move(basis)), cells_(basis_->CellsFromTheta(theta)) {}

IntervalFlow IntervalFlow::Power(double t) const {
  IntervalFlow power = *this;
  power.cells_ *= t;
  return power;
}

int IntervalFlow::CellOf(double x) const {
  const int n = basis_->num_cells();
  if (!(x > 0)) return 0;
  return x >= 1 ? n - 1 : std::min(static_cast<int>(x * n), n - 1);
}

double IntervalFlow::Velocity(double x) const {
  const int cell = CellOf(x);
  return cells_(cell, 0) * x + cells_(cell, 1);
}

// Calls visit(IntervalArc) for each arc; returns T(x). A path keeps its
// direction, and so visits a cell once at most: where rounding turns the
// velocity round, at a vertex, it has stopped.
template <typename Visitor>
double IntervalFlow::Walk(double x, Visitor visit) const {
  const int n = basis_->num_cells();
  const bool forwards = Velocity(x) > 0;
  int cell = CellOf(x);
  double time_left = 1;
  for (;;) {
    const double a = cells_(cell, 0);
    const double v = a * x + cells_(cell, 1);
    const int next = forwards ? cell + 1 : cell - 1;
    const double end = static_cast<double>(std::max(cell, next)) / n;
    const bool moves = forwards ? v > 0 : v < 0;
    // The first and last cell have no outer end.
    const double time = moves && next >= 0 && next < n
                            ? TimeToReach(end - x, v, a)
                            : std::numeric_limits<double>::infinity();
    const double duration = std::min(time, time_left);
    visit(IntervalArc{cell, x, v, duration});
    if (time >= time_left) return x + v * duration * Phi(a * duration);
    x = end;
    time_left -= duration;
    cell = next;
  }
}

double IntervalFlow::operator()(double x) const {
  if (!std::isfinite(x)) return std::numeric_limits<double>::quiet_NaN();
  return Walk(x, [](const IntervalArc&) {});
}

// The adjoint over the arcs, as in cpab/flow/flow.cc: with e = e^{at}, the end
// of an arc moves by e for its start, by t phi(at) for b, and for a by int_0^t
// e^{a (t - s)} x(s) ds = x t phi(at) + v t^2 chi(at).
IntervalFlow::Derivatives IntervalFlow::Differentiate(double x) const {
  std::vector<IntervalArc> arcs;
  Derivatives result;
  result.y =
      std::isfinite(x)
          ? Walk(x, [&arcs](const IntervalArc& arc) { arcs.push_back(arc); })
          : std::numeric_limits<double>::quiet_NaN();
  result.log_det = 0;
  IntervalCoefficients gradient =
      IntervalCoefficients::Zero(basis_->num_cells(), 2);
  for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
    const double after = std::exp(result.log_det);  // dT / d(the arc's end)
    const double t = arc->duration, z = cells_(arc->cell, 0) * t;
    gradient(arc->cell, 0) +=
        after * t * (arc->start * Phi(z) + arc->velocity * t * Chi(z));
    gradient(arc->cell, 1) += after * t * Phi(z);
    result.log_det += z;
  }
  result.dy_dtheta = basis_->ThetaFromCells(gradient).transpose();
  if (!std::isfinite(result.y)) {
    result.log_det = result.y;
    result.dy_dtheta.setConstant(result.y);
  }
  return result;
}

}  // namespace cpab
