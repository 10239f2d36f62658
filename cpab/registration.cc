#include "cpab/registration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "Eigen/Cholesky"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/refine.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

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

// Bilinear; beyond the border the nearest pixel's value, with no slope.
Sample SampleAt(const cv::Mat& image, const Eigen::Vector2d& point) {
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

// E at one level, its gradient and its Gauss-Newton Hessian.
class Objective {
 public:
  Objective(cv::Mat moving, cv::Mat fixed, std::shared_ptr<const Prior> prior,
            double noise)
      : moving_(std::move(moving)),
        fixed_(std::move(fixed)),
        points_(PixelGrid(fixed_.size())),
        prior_(std::move(prior)),
        weight_(1 / (noise * noise)) {}

  double RootMeanSquare(const Eigen::VectorXd& theta) const {
    return std::sqrt(SumOfSquares(theta) / static_cast<double>(points_.cols()));
  }

  double Value(const Eigen::VectorXd& theta) const {
    return 0.5 * weight_ * SumOfSquares(theta) + 0.5 * prior_->Energy(theta);
  }

  void Differentiate(const Eigen::VectorXd& theta, Eigen::VectorXd* gradient,
                     Eigen::MatrixXd* hessian) const {
    const Flow flow(prior_->basis(), theta);
    *hessian = prior_->precision();
    *gradient = *hessian * theta;
    // Pixels at a time: their Jacobian is a few MB.
    constexpr Eigen::Index kBlock = 1024;
    for (Eigen::Index begin = 0; begin < points_.cols(); begin += kBlock) {
      const Eigen::Index count = std::min(kBlock, points_.cols() - begin);
      const PointsJacobian jacobian =
          flow.Jacobians(points_.middleCols(begin, count));
      RowMajorMatrix rows(count, theta.size());  // d residual / d theta
      Eigen::VectorXd residuals(count);
      for (Eigen::Index n = 0; n < count; ++n) {
        const Sample sample = SampleAt(moving_, jacobian.y.col(n));
        residuals[n] = sample.value - Fixed(begin + n);
        rows.row(n).noalias() =
            sample.gradient * jacobian.dy_dtheta.middleRows<2>(2 * n);
      }
      hessian->selfadjointView<Eigen::Lower>().rankUpdate(rows.transpose(),
                                                          weight_);
      gradient->noalias() += weight_ * rows.transpose() * residuals;
    }
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
      if (damping > 1e8) return true;  // No descent is left to rounding.
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
  const int num_levels = static_cast<int>(options.cells.size());
  for (int level = 0; level < num_levels; ++level) {
    TessellationOptions tessellation;
    tessellation.nx = tessellation.ny = options.cells[level];
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
    const int side =
        std::max(16, options.largest_side >> (num_levels - 1 - level));
    const Objective objective(Reduced(from, side), Reduced(to, side), prior,
                              options.noise);
    result.converged =
        Minimise(objective, options, &result.theta, &result.iterations);
    if (level == num_levels - 1) {
      const Eigen::VectorXd zero = Eigen::VectorXd::Zero(basis->theta_size());
      result.rms_before = objective.RootMeanSquare(zero);
      result.rms_after = objective.RootMeanSquare(result.theta);
    }
  }
  return result;
}

}  // namespace cpab
