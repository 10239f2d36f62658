#include "cpab/image/image_objective.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cpab/field/parallel.h"
#include "cpab/flow/path.h"
#include "cpab/registration/sampled_axis.h"
#include "cpab/registration/sparse_normal_equations.h"

namespace cpab {
namespace {

// A brightness and its gradient per unit of the square.
struct Sample {
  double value;
  Eigen::RowVector2d gradient;
};

// Bilinear; beyond the outer pixels' centres their value, with no slope. NaN at
// a point that is not finite, as where a path diverged.
Sample SampleAt(const ReducedImage& reduced, const Eigen::Vector2d& point) {
  const cv::Mat& image = reduced.pixels;
  if (!point.allFinite()) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, Eigen::RowVector2d::Constant(kNaN)};
  }
  const SampledAxis columns(reduced.whole.width, image.cols);
  const SampledAxis rows(reduced.whole.height, image.rows);
  const double column = columns.Index(point.x()), row = rows.Index(point.y());
  const double x = std::clamp(column, 0.0, image.cols - 1.0);
  const double y = std::clamp(row, 0.0, image.rows - 1.0);
  const int i = std::min(static_cast<int>(y), image.rows - 2);
  const int j = std::min(static_cast<int>(x), image.cols - 2);
  const double u = x - j, v = y - i;
  const float *top = image.ptr<float>(i) + j,
              *bottom = image.ptr<float>(i + 1) + j;
  // Exact at the pixels' centres.
  const double upper = (1 - u) * top[0] + u * top[1];
  const double lower = (1 - u) * bottom[0] + u * bottom[1];
  Sample sample;
  sample.value = (1 - v) * upper + v * lower;
  sample.gradient << columns.Density() * ((1 - v) * (top[1] - top[0]) +
                                          v * (bottom[1] - bottom[0])),
      rows.Density() * (lower - upper);
  if (x != column) sample.gradient.x() = 0;
  if (y != row) sample.gradient.y() = 0;
  return sample;
}

Eigen::Matrix2Xd PixelGrid(const ReducedImage& image) {
  const cv::Size size = image.pixels.size();
  const SampledAxis columns(image.whole.width, size.width);
  const SampledAxis rows(image.whole.height, size.height);
  Eigen::Matrix2Xd points(2, size.area());
  for (int n = 0; n < points.cols(); ++n) {
    points.col(n) << columns.Coordinate(n % size.width),
        rows.Coordinate(n / size.width);
  }
  return points;
}

// What is not motion, such as shading, or a mouth that opens, covers patches of
// about an eighth of the picture's sides: so many independent measurements an
// image is, however many pixels it has. Were each pixel to count, the prior
// would not, and noses would grow where eyebrows are brighter.
constexpr double kIndependentPatches = 64;

}  // namespace

ImageObjective::ImageObjective(ReducedImage moving, ReducedImage fixed,
                               std::shared_ptr<const Basis> basis,
                               BasisPrior prior, int num_stages, double noise)
    : num_stages_(num_stages),
      moving_(std::move(moving)),
      fixed_(std::move(fixed)),
      points_(PixelGrid(fixed_)),
      basis_(std::move(basis)),
      prior_(std::move(prior)),
      weight_(kIndependentPatches /
              (noise * noise * static_cast<double>(points_.cols()))) {}

double ImageObjective::RootMeanSquare(const Eigen::VectorXd& theta) const {
  return std::sqrt(SumOfSquares(theta) / static_cast<double>(points_.cols()));
}

double ImageObjective::Value(const Eigen::VectorXd& theta) const {
  const Eigen::Index d = basis_->theta_size();
  double energy = 0;
  for (int i = 0; i < num_stages_; ++i) {
    energy += prior_.Energy(theta.segment(i * d, d));
  }
  return 0.5 * weight_ * SumOfSquares(theta) + 0.5 * energy / num_stages_;
}

template <typename Body>
void ImageObjective::ForEachPixel(const Eigen::VectorXd& theta,
                                  Body body) const {
  const FlowChain chain = ChainOf(theta);
  std::vector<PathWalker> walkers;
  for (const Flow& flow : chain.flows()) walkers.emplace_back(flow.field());
  std::vector<Arc> arcs;
  for (Eigen::Index n = 0; n < points_.cols(); ++n) {
    std::vector<PointSensitivity> stages;
    Eigen::Vector2d x = points_.col(n);
    for (const PathWalker& walker : walkers) {
      stages.push_back(SensitivityOfPoint(walker, *basis_, x, &arcs));
      x = stages.back().y;
    }
    const Sample sample = SampleAt(moving_, x);
    body(n, sample.value - Fixed(n), SlopesOf(stages, sample.gradient));
  }
}

// In terms of the velocities at the vertices first: a pixel depends on a
// handful of those, but on all of theta.
void ImageObjective::Differentiate(const Eigen::VectorXd& theta,
                                   Eigen::VectorXd* gradient,
                                   Eigen::MatrixXd* hessian) const {
  const Eigen::Index size = num_stages_ * NumUnknowns();
  Eigen::VectorXd gradient_u = Eigen::VectorXd::Zero(size);
  Eigen::MatrixXd hessian_u = Eigen::MatrixXd::Zero(size, size);
  ForEachPixel(theta, [&](Eigen::Index, double residual,
                          const std::vector<Slope>& slopes) {
    for (const Slope& a : slopes) {
      const Eigen::Vector2d slope = a.value.transpose();
      gradient_u.segment<2>(a.unknown) += residual * slope;
      for (const Slope& b : slopes) {
        if (b.unknown < a.unknown) continue;
        hessian_u.block<2, 2>(a.unknown, b.unknown) += slope * b.value;
      }
    }
  });
  ToTheta(theta, gradient_u, hessian_u, gradient, hessian);
}

std::unique_ptr<const NormalEquations> ImageObjective::Linearise(
    const Eigen::VectorXd& theta) const {
  if (!basis_->is_sparse()) {
    Eigen::VectorXd gradient;
    Eigen::MatrixXd hessian;
    Differentiate(theta, &gradient, &hessian);
    return std::make_unique<const DenseNormalEquations>(std::move(gradient),
                                                        std::move(hessian));
  }
  ValueSlopes slopes;
  slopes.rows.resize(points_.cols(), num_stages_ * NumUnknowns());
  slopes.gradient.resize(points_.cols());
  slopes.curvature.setOnes(points_.cols());
  ForEachPixel(
      theta, [&](Eigen::Index n, double residual, std::vector<Slope> of_pixel) {
        slopes.gradient[n] = residual;
        AppendRow(n, std::move(of_pixel), &slopes.rows);
      });
  slopes.rows.finalize();
  std::vector<ValueSlopes> parts;
  parts.push_back(std::move(slopes));
  return std::make_unique<const SparseNormalEquations>(
      prior_.sparse, num_stages_, weight_, parts, theta, Serially);
}

FlowChain ImageObjective::ChainOf(const Eigen::VectorXd& theta) const {
  return FlowChain(basis_,
                   theta.reshaped(theta.size() / num_stages_, num_stages_),
                   FlowChain::Time::kUnitTogether);
}

Eigen::Index ImageObjective::NumUnknowns() const {
  return 2 * basis_->tessellation().num_vertices();
}

// Back through the stages: with `rest` how the value depends on where the
// point is after a stage.
std::vector<ImageObjective::Slope> ImageObjective::SlopesOf(
    const std::vector<PointSensitivity>& stages,
    Eigen::RowVector2d rest) const {
  std::vector<Slope> slopes;
  const Eigen::Index size = NumUnknowns();
  for (int i = num_stages_; i-- > 0;) {
    for (const PointSensitivity::Block& block : stages[i].blocks) {
      slopes.push_back(
          {i * size + 2 * block.vertex, rest * block.dy_du / num_stages_});
    }
    rest = (rest * stages[i].dy_dx).eval();
  }
  return slopes;
}

// u = W theta in every stage; and the prior's part.
void ImageObjective::ToTheta(const Eigen::VectorXd& theta,
                             const Eigen::VectorXd& gradient_u,
                             const Eigen::MatrixXd& hessian_u,
                             Eigen::VectorXd* gradient,
                             Eigen::MatrixXd* hessian) const {
  const RowMajorMatrix& W = basis_->vertex_basis();
  const Eigen::MatrixXd& precision = prior_.dense->precision();
  const Eigen::Index d = W.cols(), u = W.rows();
  gradient->resize(num_stages_ * d);
  *hessian = weight_ * HessianByTheta(W, hessian_u, num_stages_);
  for (int i = 0; i < num_stages_; ++i) {
    const auto mine = theta.segment(i * d, d);
    gradient->segment(i * d, d) =
        precision * mine / num_stages_ +
        weight_ * (W.transpose() * gradient_u.segment(i * u, u));
    hessian->block(i * d, i * d, d, d) += precision / num_stages_;
  }
}

double ImageObjective::Fixed(Eigen::Index n) const {
  const cv::Mat& pixels = fixed_.pixels;
  return pixels.at<float>(static_cast<int>(n / pixels.cols),
                          static_cast<int>(n % pixels.cols));
}

double ImageObjective::SumOfSquares(const Eigen::VectorXd& theta) const {
  const Eigen::Matrix2Xd y = ChainOf(theta).Transform(points_);
  double sum = 0;
  for (Eigen::Index n = 0; n < y.cols(); ++n) {
    const double residual = SampleAt(moving_, y.col(n)).value - Fixed(n);
    sum += residual * residual;
  }
  return sum;
}

}  // namespace cpab
