#include "tools/reliability/flow_trials.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "Eigen/LU"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cpab/field/basis.h"
#include "cpab/flow/flow.h"
#include "cpab/flow/stepped_flow.h"
#include "cpab/testing/draws.h"

namespace reliability {
namespace {

using cpab::Basis;
using cpab::Flow;
using Eigen::Matrix2Xd;
using Eigen::Vector2d;

constexpr int64_t kPointsOfAField = 1000;
constexpr int kOnEdges = 300;
// Rounding of some 1e-15 for each arc of a path.
constexpr double kRounding = 2e-14;
constexpr double kGentle = 2;  // norm of a velocity gradient

// What a trial of a field found.
struct Worst {
  double undone = 0;     // of gentle fields
  double steps = 0;      // in units of what is allowed
  double gradients = 0;  // relative to the gradient
};

struct Field {
  std::string name;
  std::shared_ptr<const Basis> basis;
  Eigen::VectorXd theta;
  Flow flow;
  double gradient;  // the largest norm of a velocity gradient
};

Field DrawField(const std::vector<std::shared_ptr<const Basis>>& bases,
                uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto& basis = bases[random() % bases.size()];
  // Standard deviations from 0.01 to 2, evenly in their logarithm.
  const double magnitude =
      0.01 * std::pow(200, std::uniform_real_distribution<>()(random));
  const Eigen::VectorXd theta =
      cpab::test_util::DrawTheta(*basis, magnitude, seed);
  const auto& options = basis->tessellation().options();
  return {absl::StrCat("seed ", seed, ", ", cpab::test_util::KindName(options)),
          basis, theta, Flow(basis, theta),
          cpab::test_util::GradientBound(basis->CellsFromTheta(theta))};
}

// The first kOnEdges of them where cells meet.
Matrix2Xd DrawPoints(const Basis& basis, uint64_t seed) {
  const bool inside = basis.tessellation().options().zero_boundary;
  Matrix2Xd points = cpab::test_util::DrawPoints(
      kPointsOfAField, inside ? 0 : -0.3, inside ? 1 : 1.3, seed);
  const Matrix2Xd edges =
      cpab::test_util::PointsOnEdges(basis.tessellation(), seed);
  for (int i = 0; i < kOnEdges; ++i)
    points.col(i) = edges.col(i % edges.cols());
  return points;
}

Matrix2Xd Transformed(const Flow& flow, const Matrix2Xd& points) {
  Matrix2Xd y(2, points.cols());
  flow.Transform<double>(points, y);
  return y;
}

double SizeOf(const Matrix2Xd& points) {
  return 1 + points.cwiseAbs().maxCoeff();
}

void TryLaws(const Field& field, const Matrix2Xd& points, Worst* worst,
             std::vector<std::string>* failures) {
  const Matrix2Xd once = Transformed(field.flow, points);
  const double stretch = std::exp(field.gradient);
  const double undone =
      (Transformed(field.flow.Inverse(), once) - points).cwiseAbs().maxCoeff();
  if (!(undone <= 2 * kRounding * stretch * SizeOf(once))) {
    failures->push_back(
        absl::StrCat(field.name, ": -theta misses by ", undone));
  }
  if (field.gradient <= kGentle)
    worst->undone = std::max(worst->undone, undone);
  const Matrix2Xd part = Transformed(field.flow.Power(0.3), points);
  const double composed =
      (Transformed(field.flow.Power(0.7), part) - once).cwiseAbs().maxCoeff();
  if (!(composed <=
        2 * kRounding * stretch * std::max(SizeOf(part), SizeOf(once)))) {
    failures->push_back(
        absl::StrCat(field.name, ": 0.3 and 0.7 theta miss by ", composed));
  }
  for (const Vector2d x : points.colwise()) {
    const double log_det = field.flow.LogDetJacobian(x);
    // The integral of the divergence, the sum of two diagonal elements of the
    // gradient.
    if (!(std::abs(log_det) <= 2 * field.gradient + kRounding)) {
      failures->push_back(
          absl::StrCat(field.name, ": the logarithm of det is ", log_det));
    }
  }
}

// A step of duration h that crosses an edge goes on by the matrix of the cell
// in which it began: up to h |v| beyond the edge, where matrices of norm K
// differ by 2 K h |v|, for h. A path of a gentle field crosses fewer than 20
// edges, and its velocities are those of vertices, and K beyond them.
double Discretisation(const Field& field, int num_steps) {
  const double speed =
      field.basis->VerticesFromTheta(field.theta).colwise().norm().maxCoeff() +
      field.gradient;
  return 20 * 2 * field.gradient * speed * std::exp(field.gradient) /
             num_steps / num_steps +
         1e-12;
}

void TrySteps(const Field& field, const Matrix2Xd& points, Worst* worst,
              std::vector<std::string>* failures) {
  constexpr int kSteps = 2000;
  Matrix2Xd stepped(2, points.cols());
  cpab::SteppedFlow(field.flow.field(), kSteps)
      .Transform<double>(points, stepped);
  const double distance =
      (stepped - Transformed(field.flow, points)).colwise().norm().maxCoeff();
  const double allowed = Discretisation(field, kSteps) * SizeOf(points);
  worst->steps = std::max(worst->steps, distance / allowed);
  if (!(distance <= allowed)) {
    failures->push_back(
        absl::StrCat(field.name, ": small steps end ", distance, " away"));
  }
}

// Where a path touches an edge or passes a vertex, the second derivative jumps,
// which differences see as an error of h times that jump, about K e^(2 K).
void TryGradients(const Field& field, const Matrix2Xd& points, uint64_t seed,
                  Worst* worst, std::vector<std::string>* failures) {
  constexpr double kH = 1e-7;
  const Eigen::VectorXd direction =
      cpab::test_util::DrawTheta(*field.basis, 1, seed + 1).normalized();
  const Flow ahead(field.basis, field.theta + kH * direction);
  const Flow behind(field.basis, field.theta - kH * direction);
  const Vector2d shift(0.6, 0.8);
  for (const Vector2d x : points.colwise()) {
    const cpab::PointJacobian jacobian = field.flow.Jacobian(x);
    const Vector2d by_theta = jacobian.dy_dtheta * direction;
    const Vector2d by_x = jacobian.dy_dx * shift;
    const double error = std::max(
        (by_theta - (ahead(x) - behind(x)) / (2 * kH)).norm() /
            (1 + by_theta.norm()),
        (by_x -
         (field.flow(x + kH * shift) - field.flow(x - kH * shift)) / (2 * kH))
                .norm() /
            (1 + by_x.norm()));
    worst->gradients = std::max(worst->gradients, error);
    const double stretch = std::exp(field.gradient);
    if (!(error <= 1e-6 + kH * field.gradient * stretch * stretch)) {
      failures->push_back(
          absl::StrCat(field.name, ": a gradient is wrong by ", error));
    }
    if (!(jacobian.dy_dx.determinant() > 0)) {
      failures->push_back(
          absl::StrCat(field.name, ": det is ", jacobian.dy_dx.determinant()));
    }
  }
}

}  // namespace

CpabReport TryFlows(int64_t count, uint64_t seed) {
  std::vector<std::shared_ptr<const Basis>> bases;
  for (const auto& kind : cpab::test_util::AllKinds()) {
    bases.push_back(Basis::Create(kind).value());
  }
  CpabReport report;
  Worst worst;
  int64_t gentle = 0;
  for (; report.trials < count; report.trials += kPointsOfAField, ++seed) {
    const Field field = DrawField(bases, seed);
    const Matrix2Xd points = DrawPoints(*field.basis, seed);
    TryLaws(field, points, &worst, &report.failures);
    if (field.gradient > kGentle) continue;
    Matrix2Xd some(2, kPointsOfAField / 10);
    for (int i = 0; i < some.cols(); ++i) some.col(i) = points.col(10 * i);
    gentle += some.cols();
    TrySteps(field, some, &worst, &report.failures);
    // A path that stays on an edge has two gradients, one a side.
    TryGradients(field, some.rightCols(some.cols() - kOnEdges / 10), seed,
                 &worst, &report.failures);
  }
  report.measured = absl::StrFormat(
      "undone to %.1e in gentle fields; of %d points there, steps end at %.2f "
      "of their bound, gradients differ by %.1e",
      worst.undone, gentle, worst.steps, worst.gradients);
  return report;
}

}  // namespace reliability
