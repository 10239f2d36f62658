#include "cpab/image/image_registration.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/batch/basis_prior.h"
#include "cpab/field/refine.h"
#include "cpab/image/image_objective.h"
#include "cpab/registration/levenberg_marquardt.h"
#include "cpab/registration/registration_levels.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

// Pixels along the longer side at the first level: so few that a motion of an
// eighth of the picture is one of two pixels.
constexpr int kSmallestSide = 16;

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
  return CheckLevels(options, kSmallestSide);
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
ReducedImage Reduced(const cv::Mat& image, int side) {
  const double scale =
      static_cast<double>(side) / std::max(image.rows, image.cols);
  if (scale >= 1) return {image, image.size()};
  const cv::Size size(std::max(2, cvRound(image.cols * scale)),
                      std::max(2, cvRound(image.rows * scale)));
  cv::Mat result;
  cv::resize(image, result, size, 0, 0, cv::INTER_AREA);
  return {result, image.size()};
}

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

// The levels' cells. 1x1 cells with both constraints have no field: then the
// coarsest level has the next number. Where all levels have 1 the list keeps
// it, so that Basis::Create says what is wrong.
std::vector<int> UsableCells(const RegistrationOptions& options) {
  std::vector<int> cells;
  for (const int count : options.cells) {
    const bool has_field =
        count != 1 || !options.zero_boundary || !options.volume_preserving;
    if (has_field) cells.push_back(count);
  }
  if (cells.empty()) cells = {1};
  return cells;
}

// One level, `halvings` before the last, of which the last ones have `cells`.
absl::Status RunLevel(const cv::Mat& from, const cv::Mat& to,
                      const RegistrationOptions& options,
                      const std::vector<int>& cells, int halvings,
                      RegistrationResult* result) {
  const int last = static_cast<int>(cells.size()) - 1;
  TessellationOptions tessellation;
  tessellation.nx = tessellation.ny = cells[std::max(0, last - halvings)];
  tessellation.zero_boundary = options.zero_boundary;
  tessellation.volume_preserving = options.volume_preserving;
  tessellation.sparse_basis = options.sparse_basis;
  ASSIGN_OR_RETURN(std::shared_ptr<const Basis> basis,
                   Basis::Create(tessellation));
  if (result->basis == nullptr) {
    result->theta.setZero(options.num_stages * basis->theta_size());
  } else {
    ASSIGN_OR_RETURN(result->theta, RefineStages(*result->basis, result->theta,
                                                 options.num_stages, *basis));
  }
  result->basis = basis;
  ASSIGN_OR_RETURN(const BasisPrior prior, BasisPriorOf(*basis, options.prior));
  const int side = std::max(kSmallestSide, options.largest_side >> halvings);
  const ImageObjective objective(Reduced(from, side), Reduced(to, side), basis,
                                 prior, options.num_stages, options.noise);
  result->converged = MinimiseByLevenbergMarquardt(
      objective, options.max_iterations, options.tolerance, &result->theta,
      &result->iterations);
  if (halvings == 0) {
    const Eigen::VectorXd zero = Eigen::VectorXd::Zero(result->theta.size());
    result->rms_before = objective.RootMeanSquare(zero);
    result->rms_after = objective.RootMeanSquare(result->theta);
  }
  return absl::OkStatus();
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
  const std::vector<int> cells = UsableCells(options);
  const int num_levels =
      std::max(static_cast<int>(cells.size()),
               NumHalvings(options.largest_side, kSmallestSide) + 1);
  for (int level = 0; level < num_levels; ++level) {
    RETURN_IF_ERROR(
        RunLevel(from, to, options, cells, num_levels - 1 - level, &result));
  }
  return result;
}

}  // namespace cpab
