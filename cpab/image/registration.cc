#include "cpab/image/registration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/field/refine.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/path.h"
#include "cpab/flow/vertex_jacobian.h"
#include "cpab/registration/levenberg_marquardt.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

// Pixels along the longer side at the first level: so few that a motion of an
// eighth of the picture is one of two pixels.
constexpr int kSmallestSide = 16;
constexpr int kMaxStages = 16;

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
  if (options.num_stages < 1 || options.num_stages > kMaxStages) {
    return absl::InvalidArgumentError(
        absl::StrCat("registration.num_stages is ", options.num_stages,
                     "; use 1 to ", kMaxStages));
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
            int num_stages, double noise)
      : num_stages_(num_stages),
        moving_(std::move(moving)),
        fixed_(std::move(fixed)),
        points_(PixelGrid(fixed_.size())),
        prior_(std::move(prior)),
        weight_(kIndependentPatches /
                (noise * noise * static_cast<double>(points_.cols()))) {}

  double RootMeanSquare(const Eigen::VectorXd& theta) const {
    return std::sqrt(SumOfSquares(theta) / static_cast<double>(points_.cols()));
  }

  double Value(const Eigen::VectorXd& theta) const {
    const Eigen::Index d = prior_->basis()->theta_size();
    double energy = 0;
    for (int i = 0; i < num_stages_; ++i) {
      energy += prior_->Energy(theta.segment(i * d, d));
    }
    return 0.5 * weight_ * SumOfSquares(theta) + 0.5 * energy / num_stages_;
  }

  // In terms of the velocities at the vertices first: a pixel depends on a
  // handful of those, but on all of theta.
  void Differentiate(const Eigen::VectorXd& theta, Eigen::VectorXd* gradient,
                     Eigen::MatrixXd* hessian) const {
    const Basis& basis = *prior_->basis();
    const FlowChain chain = ChainOf(theta);
    std::vector<PathWalker> walkers;
    for (const Flow& flow : chain.flows()) {
      walkers.emplace_back(flow.field());
    }
    const RowMajorMatrix& W = basis.vertex_basis();  // u = W theta
    const Eigen::Index size = num_stages_ * W.rows();
    Eigen::VectorXd gradient_u = Eigen::VectorXd::Zero(size);
    Eigen::MatrixXd hessian_u = Eigen::MatrixXd::Zero(size, size);
    std::vector<Arc> arcs;
    for (Eigen::Index n = 0; n < points_.cols(); ++n) {
      std::vector<PointSensitivity> stages;
      Eigen::Vector2d x = points_.col(n);
      for (const PathWalker& walker : walkers) {
        stages.push_back(SensitivityOfPoint(walker, basis, x, &arcs));
        x = stages.back().y;
      }
      const Sample sample = SampleAt(moving_, x);
      const double residual = sample.value - Fixed(n);
      const std::vector<Slope> slopes = SlopesOf(stages, sample.gradient);
      for (const Slope& a : slopes) {
        const Eigen::Vector2d slope = a.value.transpose();
        gradient_u.segment<2>(a.unknown) += residual * slope;
        for (const Slope& b : slopes) {
          hessian_u.block<2, 2>(a.unknown, b.unknown) += slope * b.value;
        }
      }
    }
    ToTheta(theta, gradient_u, hessian_u, gradient, hessian);
  }

 private:
  // A pixel's value depends on a velocity by this.
  struct Slope {
    Eigen::Index unknown;  // The first of two: 2 (stage * vertices + vertex).
    Eigen::RowVector2d value;
  };

  FlowChain ChainOf(const Eigen::VectorXd& theta) const {
    return FlowChain(prior_->basis(),
                     theta.reshaped(theta.size() / num_stages_, num_stages_),
                     FlowChain::Time::kUnitTogether);
  }

  // Back through the stages: with `rest` how the value depends on where the
  // point is after a stage.
  std::vector<Slope> SlopesOf(const std::vector<PointSensitivity>& stages,
                              Eigen::RowVector2d rest) const {
    std::vector<Slope> slopes;
    const Eigen::Index size = prior_->basis()->vertex_basis().rows();
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
  void ToTheta(const Eigen::VectorXd& theta, const Eigen::VectorXd& gradient_u,
               const Eigen::MatrixXd& hessian_u, Eigen::VectorXd* gradient,
               Eigen::MatrixXd* hessian) const {
    const RowMajorMatrix& W = prior_->basis()->vertex_basis();
    const Eigen::Index d = W.cols(), u = W.rows();
    gradient->resize(num_stages_ * d);
    hessian->resize(num_stages_ * d, num_stages_ * d);
    for (int i = 0; i < num_stages_; ++i) {
      const auto mine = theta.segment(i * d, d);
      gradient->segment(i * d, d) =
          prior_->precision() * mine / num_stages_ +
          weight_ * (W.transpose() * gradient_u.segment(i * u, u));
      for (int j = 0; j < num_stages_; ++j) {
        auto block = hessian->block(i * d, j * d, d, d);
        block =
            weight_ * (W.transpose() * hessian_u.block(i * u, j * u, u, u) * W);
        if (i == j) block += prior_->precision() / num_stages_;
      }
    }
  }

  double Fixed(Eigen::Index n) const {
    return fixed_.at<float>(static_cast<int>(n / fixed_.cols),
                            static_cast<int>(n % fixed_.cols));
  }

  double SumOfSquares(const Eigen::VectorXd& theta) const {
    const Eigen::Matrix2Xd y = ChainOf(theta).Transform(points_);
    double sum = 0;
    for (Eigen::Index n = 0; n < y.cols(); ++n) {
      const double residual = SampleAt(moving_, y.col(n)).value - Fixed(n);
      sum += residual * residual;
    }
    return sum;
  }

  int num_stages_;
  cv::Mat moving_, fixed_;  // CV_32F
  Eigen::Matrix2Xd points_;
  std::shared_ptr<const Prior> prior_;
  double weight_;
};

// RefineTheta of every stage.
absl::StatusOr<Eigen::VectorXd> RefineStages(const Basis& coarse,
                                             const Eigen::VectorXd& theta,
                                             int num_stages,
                                             const Basis& fine) {
  const Eigen::Index d = fine.theta_size();
  Eigen::VectorXd result(num_stages * d);
  for (int i = 0; i < num_stages; ++i) {
    ASSIGN_OR_RETURN(
        result.segment(i * d, d),
        RefineTheta(coarse,
                    theta.segment(i * coarse.theta_size(), coarse.theta_size()),
                    fine));
  }
  return result;
}

}  // namespace

absl::StatusOr<RegistrationResult> Register(
    const cv::Mat& moving, const cv::Mat& fixed,
    const RegistrationOptions& options) {
  RETURN_IF_ERROR(Validate(options));
  ASSIGN_OR_RETURN(const cv::Mat from, Brightness(moving, "moving"));
  ASSIGN_OR_RETURN(const cv::Mat to, Brightness(fixed, "fixed"));

  RegistrationResult result;
  result.num_stages = options.num_stages;
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
      result.theta.setZero(options.num_stages * basis->theta_size());
    } else {
      ASSIGN_OR_RETURN(result.theta, RefineStages(*result.basis, result.theta,
                                                  options.num_stages, *basis));
    }
    result.basis = basis;
    ASSIGN_OR_RETURN(std::shared_ptr<const Prior> prior,
                     Prior::Create(basis, options.prior));
    const int side = std::max(kSmallestSide, options.largest_side >> halvings);
    const Objective objective(Reduced(from, side), Reduced(to, side), prior,
                              options.num_stages, options.noise);
    result.converged = MinimiseByLevenbergMarquardt(
        objective, options.max_iterations, options.tolerance, &result.theta,
        &result.iterations);
    if (halvings == 0) {
      const Eigen::VectorXd zero = Eigen::VectorXd::Zero(result.theta.size());
      result.rms_before = objective.RootMeanSquare(zero);
      result.rms_after = objective.RootMeanSquare(result.theta);
    }
  }
  return result;
}

}  // namespace cpab
