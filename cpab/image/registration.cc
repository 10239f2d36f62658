#include "cpab/image/registration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "Eigen/Cholesky"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/field/refine.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/path.h"
#include "cpab/flow/vertex_jacobian.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

// Pixels along the longer side at the first level: so few that a motion of an
// eighth of the picture is one of two pixels.
constexpr int kSmallestSide = 16;

int NumHalvings(int side) {
  int halvings = 0;
  while (side >= 2 * kSmallestSide) side /= 2, ++halvings;
  return halvings;
}

absl::Status Validate(const RegistrationOptions& options) {
  if (options.cells.empty()) {
    return absl::InvalidArgumentError("registration.cells is empty");
  }
  for (size_t level = 1; level < options.cells.size(); ++level) {
    if (options.cells[level - 1] < 1 ||
        options.cells[level] % options.cells[level - 1] != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "registration.cells has ", options.cells[level], " after ",
          options.cells[level - 1], "; use a multiple of it"));
    }
  }
  if (options.largest_side < 16) {
    return absl::InvalidArgumentError(
        absl::StrCat("registration.largest_side is ", options.largest_side,
                     "; use at least 16"));
  }
  if (!(options.noise > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("registration.noise is ", options.noise, "; use above 0"));
  }
  if (options.max_iterations < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("registration.max_iterations is ", options.max_iterations,
                     "; use at least 1"));
  }
  return absl::OkStatus();
}

// Brightness in [0, 1] as float.
absl::StatusOr<cv::Mat> Brightness(const cv::Mat& image, const char* name) {
  const int depth = image.depth(), channels = image.channels();
  const bool known = depth == CV_8U || depth == CV_16U || depth == CV_32F;
  if (image.rows < 2 || image.cols < 2 || !known ||
      !(channels == 1 || channels == 3 || channels == 4)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the ", name, " image has ", image.cols, "x", image.rows, " pixels, ",
        channels, " channels and OpenCV depth ", depth,
        "; use at least 2x2 pixels, grey or colour, of 8 or 16 bits or float"));
  }
  cv::Mat result;
  const double scale = depth == CV_8U    ? 1.0 / 255
                       : depth == CV_16U ? 1.0 / 65535
                                         : 1;
  image.convertTo(result, CV_32F, scale);
  if (!cv::checkRange(result)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the ", name, " image has a pixel that is not a finite number"));
  }
  if (channels == 1) return result;
  std::vector<cv::Mat> planes;
  cv::split(result, planes);
  return cv::Mat((planes[0] + planes[1] + planes[2]) / 3);
}

// Reduced so that the longer side has `side` pixels, smoothed by averaging.
cv::Mat Reduced(const cv::Mat& image, int side) {
  const double scale =
      static_cast<double>(side) / std::max(image.rows, image.cols);
  if (scale >= 1) return image;
  const cv::Size size(std::max(2, cvRound(image.cols * scale)),
                      std::max(2, cvRound(image.rows * scale)));
  cv::Mat result;
  cv::resize(image, result, size, 0, 0, cv::INTER_AREA);
  return result;
}

// A brightness and its gradient per unit of the square.
struct Sample {
  double value;
  Eigen::RowVector2d gradient;
};

// Bilinear; beyond the border the nearest pixel's value, with no slope. NaN at
// a point that is not finite, as where a path diverged.
Sample SampleAt(const cv::Mat& image, const Eigen::Vector2d& point) {
  if (!point.allFinite()) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, Eigen::RowVector2d::Constant(kNaN)};
  }
  const double width = image.cols - 1, height = image.rows - 1;
  const double x = std::clamp(point.x() * width, 0.0, width);
  const double y = std::clamp(point.y() * height, 0.0, height);
  const int i = std::min(static_cast<int>(y), image.rows - 2);
  const int j = std::min(static_cast<int>(x), image.cols - 2);
  const double u = x - j, v = y - i;
  const float *top = image.ptr<float>(i) + j,
              *bottom = image.ptr<float>(i + 1) + j;
  const double upper = top[0] + u * (top[1] - top[0]);
  const double lower = bottom[0] + u * (bottom[1] - bottom[0]);
  Sample sample;
  sample.value = upper + v * (lower - upper);
  sample.gradient << width * ((1 - v) * (top[1] - top[0]) +
                              v * (bottom[1] - bottom[0])),
      height * (lower - upper);
  if (point.x() < 0 || point.x() > 1) sample.gradient.x() = 0;
  if (point.y() < 0 || point.y() > 1) sample.gradient.y() = 0;
  return sample;
}

Eigen::Matrix2Xd PixelGrid(const cv::Size& size) {
  Eigen::Matrix2Xd points(2, size.area());
  for (int n = 0; n < points.cols(); ++n) {
    points.col(n) << (n % size.width) / (size.width - 1.0),
        (n / size.width) / (size.height - 1.0);
  }
  return points;
}

// What is not motion, such as shading, or a mouth that opens, covers patches of
// about an eighth of the picture's sides: so many independent measurements an
// image is, however many pixels it has. Were each pixel to count, the prior
// would not, and noses would grow where eyebrows are brighter.
constexpr double kIndependentPatches = 64;

// E at one level, its gradient and its Gauss-Newton Hessian.
class Objective {
 public:
  Objective(cv::Mat moving, cv::Mat fixed, std::shared_ptr<const Prior> prior,
            double noise)
      : moving_(std::move(moving)),
        fixed_(std::move(fixed)),
        points_(PixelGrid(fixed_.size())),
        prior_(std::move(prior)),
        weight_(kIndependentPatches /
                (noise * noise * static_cast<double>(points_.cols()))) {}

  double RootMeanSquare(const Eigen::VectorXd& theta) const {
    return std::sqrt(SumOfSquares(theta) / static_cast<double>(points_.cols()));
  }

  double Value(const Eigen::VectorXd& theta) const {
    return 0.5 * weight_ * SumOfSquares(theta) + 0.5 * prior_->Energy(theta);
  }

  // In terms of the velocities at the vertices first: a pixel depends on a
  // handful of those, but on all of theta.
  void Differentiate(const Eigen::VectorXd& theta, Eigen::VectorXd* gradient,
                     Eigen::MatrixXd* hessian) const {
    const Basis& basis = *prior_->basis();
    const PathWalker walker(VelocityField(prior_->basis(), theta));
    const RowMajorMatrix& W = basis.vertex_basis();  // u = W theta
    Eigen::VectorXd gradient_u = Eigen::VectorXd::Zero(W.rows());
    Eigen::MatrixXd hessian_u = Eigen::MatrixXd::Zero(W.rows(), W.rows());
    std::vector<Arc> arcs;
    for (Eigen::Index n = 0; n < points_.cols(); ++n) {
      const PointSensitivity point =
          SensitivityOfPoint(walker, basis, points_.col(n), &arcs);
      const Sample sample = SampleAt(moving_, point.y);
      const double residual = sample.value - Fixed(n);
      for (const PointSensitivity::Block& a : point.blocks) {
        const Eigen::Vector2d slope = (sample.gradient * a.dy_du).transpose();
        gradient_u.segment<2>(2 * a.vertex) += residual * slope;
        for (const PointSensitivity::Block& b : point.blocks) {
          hessian_u.block<2, 2>(2 * a.vertex, 2 * b.vertex) +=
              slope * (sample.gradient * b.dy_du);
        }
      }
    }
    *gradient =
        prior_->precision() * theta + weight_ * (W.transpose() * gradient_u);
    *hessian = prior_->precision() + weight_ * (W.transpose() * hessian_u * W);
  }

 private:
  double Fixed(Eigen::Index n) const {
    return fixed_.at<float>(static_cast<int>(n / fixed_.cols),
                            static_cast<int>(n % fixed_.cols));
  }

  double SumOfSquares(const Eigen::VectorXd& theta) const {
    Eigen::Matrix2Xd y(2, points_.cols());
    Flow(prior_->basis(), theta).Transform<double>(points_, y);
    double sum = 0;
    for (Eigen::Index n = 0; n < y.cols(); ++n) {
      const double residual = SampleAt(moving_, y.col(n)).value - Fixed(n);
      sum += residual * residual;
    }
    return sum;
  }

  cv::Mat moving_, fixed_;  // CV_32F
  Eigen::Matrix2Xd points_;
  std::shared_ptr<const Prior> prior_;
  double weight_;
};

// Levenberg-Marquardt from `theta`, which becomes the minimum; true if it
// converged.
bool Minimise(const Objective& objective, const RegistrationOptions& options,
              Eigen::VectorXd* theta, int* iterations) {
  double value = objective.Value(*theta);
  double damping = 1e-3;  // Of the Hessian's diagonal.
  Eigen::VectorXd gradient;
  Eigen::MatrixXd hessian;
  bool stale = true;
  for (int step = 0; step < options.max_iterations; ++step, ++*iterations) {
    if (stale) objective.Differentiate(*theta, &gradient, &hessian);
    Eigen::MatrixXd damped = hessian;
    damped.diagonal() *= 1 + damping;
    const Eigen::VectorXd next =
        *theta - damped.selfadjointView<Eigen::Lower>().llt().solve(gradient);
    const double next_value = objective.Value(next);
    // NaN, from a path that diverged, is no progress.
    stale = next_value < value;
    if (!stale) {
      damping *= 8;
      // No descent is left to rounding, if there is a value at all.
      if (damping > 1e8) return std::isfinite(value);
      continue;
    }
    const bool last = value - next_value < options.tolerance * value;
    *theta = next;
    value = next_value;
    damping = std::max(damping / 4, 1e-9);
    if (last) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<RegistrationResult> Register(
    const cv::Mat& moving, const cv::Mat& fixed,
    const RegistrationOptions& options) {
  RETURN_IF_ERROR(Validate(options));
  ASSIGN_OR_RETURN(const cv::Mat from, Brightness(moving, "moving"));
  ASSIGN_OR_RETURN(const cv::Mat to, Brightness(fixed, "fixed"));

  RegistrationResult result;
  const int num_cells = static_cast<int>(options.cells.size());
  const int num_levels =
      std::max(num_cells, NumHalvings(options.largest_side) + 1);
  for (int level = 0; level < num_levels; ++level) {
    const int halvings = num_levels - 1 - level;
    TessellationOptions tessellation;
    tessellation.nx = tessellation.ny =
        options.cells[std::max(0, num_cells - 1 - halvings)];
    tessellation.zero_boundary = options.zero_boundary;
    tessellation.volume_preserving = options.volume_preserving;
    ASSIGN_OR_RETURN(std::shared_ptr<const Basis> basis,
                     Basis::Create(tessellation));
    if (level == 0) {
      result.theta.setZero(basis->theta_size());
    } else {
      ASSIGN_OR_RETURN(result.theta,
                       RefineTheta(*result.basis, result.theta, *basis));
    }
    result.basis = basis;
    ASSIGN_OR_RETURN(std::shared_ptr<const Prior> prior,
                     Prior::Create(basis, options.prior));
    const int side = std::max(kSmallestSide, options.largest_side >> halvings);
    const Objective objective(Reduced(from, side), Reduced(to, side), prior,
                              options.noise);
    result.converged =
        Minimise(objective, options, &result.theta, &result.iterations);
    if (halvings == 0) {
      const Eigen::VectorXd zero = Eigen::VectorXd::Zero(basis->theta_size());
      result.rms_before = objective.RootMeanSquare(zero);
      result.rms_after = objective.RootMeanSquare(result.theta);
    }
  }
  return result;
}

}  // namespace cpab
