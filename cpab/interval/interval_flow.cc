#include "cpab/interval/interval_flow.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/field/null_space.h"

namespace cpab {
namespace {

// Points that one call of a parallel loop's body takes, and the number of
// partial sums of the adjoint, as in cpab/flow/flow.cc.
constexpr int64_t kBlock = 4096;
constexpr int64_t kMaxGradients = 64;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// (e^z - 1) / z.
double Phi(double z) { return z == 0 ? 1 : std::expm1(z) / z; }

// log(1 + z) / z for z > -1.
double LogRatio(double z) { return z == 0 ? 1 : std::log1p(z) / z; }

// 1 / (k! (k + 2)).
constexpr std::array<double, 16> ChiCoefficients() {
  std::array<double, 16> coefficients = {};
  double factorial = 1;
  for (int k = 0; k < 16; ++k) {
    if (k > 0) factorial *= k;
    coefficients[k] = 1 / (factorial * (k + 2));
  }
  return coefficients;
}

// (z e^z - e^z + 1) / z^2 = sum of z^k / (k! (k + 2)).
double Chi(double z) {
  // The quotient cancels: below 1/2 it would lose a digit and more.
  if (std::abs(z) > 0.5) return (z * std::exp(z) - std::expm1(z)) / (z * z);
  constexpr std::array<double, 16> kCoefficients = ChiCoefficients();
  double sum = 0;
  for (int k = 15; k >= 0; --k) sum = sum * z + kCoefficients[k];
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

// lambda e^z: how what depends on the end of an arc depends on its start.
double Grown(double lambda, double z) {
  return lambda == 0 && z > 0 ? 0 : lambda * std::exp(z);
}

// When a path with velocity v and dv/dx = a has moved by `distance`, which v
// points to: log(1 + a distance / v) / a.
double TimeToReach(double distance, double v, double a) {
  const double z = a * distance / v;
  // The velocity vanishes on the way.
  if (z <= -1) return std::numeric_limits<double>::infinity();
  // v is so small that z overflows, as beside a resting point.
  if (std::isinf(z)) {
    return (std::log(a * std::abs(distance)) - std::log(std::abs(v))) / a;
  }
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
    : IntervalFlow(basis->CellsFromTheta(theta), basis) {}

IntervalFlow::IntervalFlow(IntervalCoefficients cells,
                           std::shared_ptr<const IntervalBasis> basis)
    : basis_(std::move(basis)), cells_(std::move(cells)) {
  crossings_.reserve(cells_.rows());
  for (int c = 0; c < cells_.rows(); ++c) crossings_.push_back(CrossingOf(c));
}

IntervalFlow IntervalFlow::Power(double t) const {
  return IntervalFlow(t * cells_, basis_);
}

int IntervalFlow::CellOf(double x) const {
  const int n = basis_->num_cells();
  if (!(x > 0)) return 0;
  return x >= 1 ? n - 1 : std::min(static_cast<int>(x * n), n - 1);
}

double IntervalFlow::Velocity(double x) const {
  if (!std::isfinite(x)) return kNaN;
  const int cell = CellOf(x);
  return cells_(cell, 0) * x + cells_(cell, 1);
}

// Calls visit(Arc) for each arc; returns T(x): NaN, without an arc, if x or
// its velocity is not finite. A path keeps its direction, and so visits a cell
// once at most: where rounding turns the velocity round, at a vertex, it has
// stopped in the cell before.
template <typename Visitor>
double IntervalFlow::Walk(double x, Visitor visit) const {
  const int n = basis_->num_cells();
  const double velocity = Velocity(x);
  if (!std::isfinite(velocity)) return kNaN;
  const bool forwards = velocity > 0;
  int cell = CellOf(x), before = cell;
  double time_left = 1;
  for (;;) {
    const double a = cells_(cell, 0);
    const double v = a * x + cells_(cell, 1);
    if (forwards ? v <= 0 : v >= 0) {
      visit(Arc{before, x, 0, time_left});
      return x;
    }
    const int next = forwards ? cell + 1 : cell - 1;
    const double end = static_cast<double>(std::max(cell, next)) / n;
    const bool moves = forwards ? v > 0 : v < 0;
    // The first and last cell have no outer end.
    const double time = moves && next >= 0 && next < n
                            ? TimeToReach(end - x, v, a)
                            : std::numeric_limits<double>::infinity();
    const double duration = std::min(time, time_left);
    visit(Arc{cell, x, v, duration});
    if (time >= time_left) return x + v * duration * Phi(a * duration);
    x = end;
    time_left -= duration;
    before = cell;
    cell = next;
  }
}

double IntervalFlow::operator()(double x) const {
  return Walk(x, [](const Arc&) {});
}

// How the end of an arc depends on its cell's (a, b): for b it moves by t
// phi(at), and for a by int_0^t e^{a (t - s)} x(s) ds = x t phi(at) + v t^2
// chi(at).
Eigen::RowVector2d IntervalFlow::SensitivityOf(const Arc& arc) const {
  const double t = arc.duration, z = cells_(arc.cell, 0) * t, phi = Phi(z);
  Eigen::RowVector2d sensitivity(t * arc.start * phi, t * phi);
  if (arc.velocity != 0) {
    sensitivity[0] = t * (arc.start * phi + arc.velocity * t * Chi(z));
  } else if (std::isinf(phi)) {
    sensitivity.setZero();
  }
  return sensitivity;
}

// The adjoint over the arcs, as in cpab/flow/flow.cc: the end of an arc moves
// by e^{at} for its start.
IntervalFlow::Derivatives IntervalFlow::Differentiate(double x) const {
  std::vector<Arc> arcs;
  Derivatives result;
  result.y = Walk(x, [&arcs](const Arc& arc) { arcs.push_back(arc); });
  result.log_det = 0;
  IntervalCoefficients gradient =
      IntervalCoefficients::Zero(basis_->num_cells(), 2);
  for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
    const double after = std::exp(result.log_det);  // dT / d(the arc's end)
    gradient.row(arc->cell) += after * SensitivityOf(*arc);
    result.log_det += cells_(arc->cell, 0) * arc->duration;
  }
  result.dy_dtheta = basis_->ThetaFromCells(gradient).transpose();
  if (!std::isfinite(result.y)) {
    result.log_det = result.y;
    result.dy_dtheta.setConstant(result.y);
  }
  return result;
}

double IntervalFlow::LogDerivative(double x) const {
  double integral = 0;
  const double y = Walk(x, [this, &integral](const Arc& arc) {
    integral += cells_(arc.cell, 0) * arc.duration;
  });
  return std::isfinite(y) ? integral : y;
}

IntervalFlow::Crossing IntervalFlow::CrossingOf(int cell) const {
  const double n = basis_->num_cells();
  const double a = cells_(cell, 0), b = cells_(cell, 1);
  const double left = cell / n, right = (cell + 1) / n;
  Crossing crossing;
  crossing.forwards = a * left + b > 0;
  crossing.start = crossing.forwards ? left : right;
  crossing.velocity = a * crossing.start + b;
  const bool moves = crossing.forwards || crossing.velocity < 0;
  const double end = crossing.forwards ? right : left;
  const double t = moves
                       ? TimeToReach(end - crossing.start, crossing.velocity, a)
                       : std::numeric_limits<double>::infinity();
  crossing.time = t;
  crossing.z = crossing.growth = 0;
  crossing.gradient.setZero();
  // No path takes longer than unit time.
  if (t < 1) {
    crossing.z = a * t;
    crossing.growth = std::exp(crossing.z);
    crossing.gradient =
        SensitivityOf({cell, crossing.start, crossing.velocity, t});
  }
  return crossing;
}

// Walk() with the crossings that are known already.
IntervalFlow::Path IntervalFlow::PathFrom(double x) const {
  const int n = basis_->num_cells();
  double v = Velocity(x), time_left = 1;
  Path path;
  path.y = kNaN;
  if (!std::isfinite(v)) return path;
  int cell = CellOf(x);
  const bool forwards = v > 0;
  const int step = forwards ? 1 : -1;
  const int beyond = forwards ? n : -1;
  double a = cells_(cell, 0);
  path.first = {cell, x, v, time_left};
  const bool leaves = (forwards ? v > 0 : v < 0) && cell + step != beyond;
  const double first_end = static_cast<double>(std::max(cell, cell + step)) / n;
  const double first_time = leaves ? TimeToReach(first_end - x, v, a)
                                   : std::numeric_limits<double>::infinity();
  path.one_arc = first_time >= time_left;
  if (!path.one_arc) {
    path.first.duration = first_time;
    time_left -= first_time;
    cell += step;
    const Crossing* crossing = &crossings_[cell];
    while (cell + step != beyond && crossing->forwards == forwards &&
           crossing->time < time_left) {
      time_left -= crossing->time;
      cell += step;
      crossing = &crossings_[cell];
    }
    a = cells_(cell, 0);
    x = static_cast<double>(forwards ? cell : cell + 1) / n;
    v = a * x + cells_(cell, 1);
  }
  path.y = x;
  if (forwards ? v <= 0 : v >= 0) {
    path.last = {cell, x, 0, path.one_arc ? time_left : 0};
  } else {
    path.last = {cell, x, v, time_left};
    path.y += v * time_left * Phi(a * time_left);
  }
  return path;
}

// The adjoint of Differentiate() for one number: returns dL/dx.
double IntervalFlow::PullbackAlong(const Path& path, double dl_dy,
                                   IntervalCoefficients* gradient) const {
  double lambda = dl_dy;
  const auto pull = [&](const Arc& arc) {
    gradient->row(arc.cell) += lambda * SensitivityOf(arc);
    lambda = Grown(lambda, cells_(arc.cell, 0) * arc.duration);
  };
  pull(path.last);
  if (path.one_arc) return lambda;
  const int step = path.last.cell > path.first.cell ? 1 : -1;
  for (int c = path.last.cell - step; c != path.first.cell; c -= step) {
    gradient->row(c) += lambda * crossings_[c].gradient;
    lambda *= crossings_[c].growth;
  }
  pull(path.first);
  return lambda;
}

template <typename Scalar>
void IntervalFlow::Transform(
    const Eigen::Ref<const IntervalPoints<Scalar>>& points,
    Eigen::Ref<IntervalPoints<Scalar>> y,
    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == y.cols());
  const int64_t count = points.cols();
  parallel_for((count + kBlock - 1) / kBlock, [&](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * kBlock);
    for (int64_t n = block * kBlock; n < end; ++n) {
      y[n] = static_cast<Scalar>(PathFrom(points[n]).y);
    }
  });
}

template <typename Scalar>
IntervalGradient<Scalar> IntervalFlow::Pullback(
    const Eigen::Ref<const IntervalPoints<Scalar>>& points,
    const Eigen::Ref<const IntervalPoints<Scalar>>& dl_dy,
    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == dl_dy.cols());
  const int64_t count = points.cols();
  const int64_t size =
      std::max(kBlock, (count + kMaxGradients - 1) / kMaxGradients);
  const int64_t num_blocks = (count + size - 1) / size;
  const IntervalCoefficients zero =
      IntervalCoefficients::Zero(cells_.rows(), 2);
  std::vector<IntervalCoefficients> partial(num_blocks, zero);
  IntervalGradient<Scalar> result;
  result.points.resize(1, count);
  parallel_for(num_blocks, [&](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * size);
    for (int64_t n = block * size; n < end; ++n) {
      const double x = points[n];
      const Path path = PathFrom(x);
      double gradient = kNaN;
      if (!std::isnan(path.y)) {
        gradient = PullbackAlong(path, dl_dy[n], &partial[block]);
      } else if (std::isfinite(x)) {
        partial[block].setConstant(kNaN);
      }
      result.points[n] = static_cast<Scalar>(gradient);
    }
  });
  result.cells = zero;
  for (const IntervalCoefficients& sum : partial) result.cells += sum;
  return result;
}

// See Flow::LogDetPullback: at a vertex the adjoint jumps by (a' - a) / v.
IntervalGradient<double> IntervalFlow::LogDetPullback(
    const IntervalPoints<double>& points, const Eigen::VectorXd& weights,
    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == weights.size());
  const int64_t count = points.cols();
  const int64_t size =
      std::max(kBlock, (count + kMaxGradients - 1) / kMaxGradients);
  const int64_t num_blocks = (count + size - 1) / size;
  IntervalGradient<double> result;
  result.points.resize(1, count);
  result.cells = IntervalCoefficients::Zero(cells_.rows(), 2);
  std::vector<IntervalCoefficients> partial(num_blocks, result.cells);
  parallel_for(num_blocks, [&](int64_t block) {
    std::vector<Arc> arcs;
    const int64_t end = std::min(count, (block + 1) * size);
    for (int64_t n = block * size; n < end; ++n) {
      arcs.clear();
      const double y =
          Walk(points[n], [&arcs](const Arc& arc) { arcs.push_back(arc); });
      double lambda = std::isnan(y) ? kNaN : 0;
      if (std::isnan(y) && std::isfinite(points[n])) {
        partial[block].setConstant(kNaN);
      }
      for (size_t i = arcs.size(); i-- > 0;) {
        const Arc& arc = arcs[i];
        partial[block](arc.cell, 0) += weights[n] * arc.duration;
        partial[block].row(arc.cell) += lambda * SensitivityOf(arc);
        lambda = Grown(lambda, cells_(arc.cell, 0) * arc.duration);
        if (i == 0 || arc.velocity == 0) continue;
        lambda += weights[n] *
                  (cells_(arc.cell, 0) - cells_(arcs[i - 1].cell, 0)) /
                  arc.velocity;
      }
      result.points[n] = lambda;
    }
  });
  for (const IntervalCoefficients& sum : partial) result.cells += sum;
  return result;
}

template void IntervalFlow::Transform<float>(
    const Eigen::Ref<const IntervalPoints<float>>&,
    Eigen::Ref<IntervalPoints<float>>, const ParallelFor&) const;
template void IntervalFlow::Transform<double>(
    const Eigen::Ref<const IntervalPoints<double>>&,
    Eigen::Ref<IntervalPoints<double>>, const ParallelFor&) const;
template IntervalGradient<float> IntervalFlow::Pullback<float>(
    const Eigen::Ref<const IntervalPoints<float>>&,
    const Eigen::Ref<const IntervalPoints<float>>&, const ParallelFor&) const;
template IntervalGradient<double> IntervalFlow::Pullback<double>(
    const Eigen::Ref<const IntervalPoints<double>>&,
    const Eigen::Ref<const IntervalPoints<double>>&, const ParallelFor&) const;

}  // namespace cpab
