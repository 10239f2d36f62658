// Registers one picture to another; see kUsage.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "cpab/image/drawing.h"
#include "cpab/image/image_registration.h"
#include "cpab/image/warp.h"
#include "networks/files/folder.h"
#include "networks/files/outputs.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, moving, "", "The picture to be warped.");
ABSL_FLAG(std::string, fixed, "", "The picture that it shall look like.");
ABSL_FLAG(std::string, output, "", "Folder for the pictures.");
ABSL_FLAG(bool, overwrite, false, "Replace pictures that exist.");
ABSL_FLAG(
    std::string, cells, "1,2,4,8",
    "Cells along each axis, coarse to fine; each a multiple of the last.");
ABSL_FLAG(bool, sparse_basis, false,
          "Stores fields sparsely, as is done for more than 8 cells.");
ABSL_FLAG(int, side, 128,
          "Pixels along the longer side at which pictures are compared.");
ABSL_FLAG(double, noise, 0.1,
          "Differences in brightness that are not motion; more is smoother.");
ABSL_FLAG(bool, zero_boundary, false,
          "Maps the picture onto itself: nothing moves across its border.");

namespace {

constexpr char kUsage[] =
    R"(Warps a picture so that it looks like another, by a CPAB transform.

  tools/bazelw run //tools:register_images -- \
      --moving a.jpg --fixed b.jpg --output registered

Writes into the folder

  warped.png    the moving picture, warped, in the fixed one's size
  grid.png      a regular grid of the fixed picture, on the moving one: where
                each of its points was found
  field.png     the tessellation and the velocity field, on the fixed picture

and prints how different the pictures are before and after: the root mean square
of the differences in brightness, in [0, 1].

Where the result is torn or folded, raise --noise (less is blamed on motion) or
take fewer --cells; where it is not close enough, lower --noise or take more
--cells. With --zero_boundary nothing enters or leaves the picture.

More than 8 cells take time and memory by their number, and not by its square;
with --sparse_basis fewer do so, too. The prior differs a little then, and so
does the result.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only.)";

// As cpab::Register wants them.
constexpr int kMostCells = 128;
constexpr int kSmallestSide = 16;
// With more, a dense basis takes many times as long.
constexpr int kMostDenseCells = 8;
// As OpenCV's remap and warpAffine want it, of the fixed picture.
constexpr int kLargestSide = 32766;

// In the output folder.
constexpr char kWarped[] = "/warped.png";
constexpr char kGrid[] = "/grid.png";
constexpr char kField[] = "/field.png";

absl::StatusOr<std::vector<int>> ParseCells(const std::string& text) {
  std::vector<int> cells;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    int value = 0;
    if (!absl::SimpleAtoi(word, &value) || value < 1 || value > kMostCells ||
        (!cells.empty() && value % cells.back() != 0)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--cells is '", text, "'; use numbers from 1 to ", kMostCells,
          ", each a multiple of the one before, such as 2,4,8"));
    }
    cells.push_back(value);
  }
  return cells;
}

absl::StatusOr<cpab::RegistrationOptions> OptionsFromFlags() {
  cpab::RegistrationOptions options;
  ASSIGN_OR_RETURN(options.cells, ParseCells(absl::GetFlag(FLAGS_cells)));
  options.largest_side = absl::GetFlag(FLAGS_side);
  options.noise = absl::GetFlag(FLAGS_noise);
  options.zero_boundary = absl::GetFlag(FLAGS_zero_boundary);
  options.sparse_basis = absl::GetFlag(FLAGS_sparse_basis) ||
                         options.cells.back() > kMostDenseCells;
  if (options.largest_side < kSmallestSide) {
    return absl::InvalidArgumentError(
        absl::StrCat("--side is ", options.largest_side, "; use ",
                     kSmallestSide, " or more"));
  }
  if (!(options.noise > 0) || !std::isfinite(options.noise)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--noise is ", options.noise, "; use a number above 0"));
  }
  return options;
}

// Along one axis: pixel j of `to` lies at pixel scale j + shift of `reduced`,
// to which `from` pixels were averaged. The first and the last of `from` and
// `to` lie on each other, as in cpab::Register; the centres of averages lie
// further in.
struct PixelAxis {
  PixelAxis(int from, int reduced, int to) {
    const double mean_of = static_cast<double>(from) / reduced;
    scale = (from - 1) / (mean_of * (to - 1));
    shift = (1 / mean_of - 1) / 2;
  }
  double scale, shift;
};

// `image` in pixels of another size, of the same whole whatever the aspects.
cv::Mat Resampled(const cv::Mat& image, const cv::Size& size) {
  cv::Mat reduced;
  cv::resize(
      image, reduced,
      {std::min(image.cols, size.width), std::min(image.rows, size.height)}, 0,
      0, cv::INTER_AREA);
  const PixelAxis x(image.cols, reduced.cols, size.width);
  const PixelAxis y(image.rows, reduced.rows, size.height);
  cv::Mat result;
  cv::warpAffine(reduced, result,
                 cv::Matx23d(x.scale, 0, x.shift, 0, y.scale, y.shift), size,
                 cv::INTER_CUBIC | cv::WARP_INVERSE_MAP, cv::BORDER_REPLICATE);
  return result;
}

// `image` in the pixels of a picture of `size`, looked up through `flow`.
absl::StatusOr<cv::Mat> WarpTo(const cv::Mat& image, const cv::Size& size,
                               const cpab::Flow& flow) {
  cpab::WarpOptions options;
  options.outside = cpab::WarpOptions::Outside::kNearestPixel;
  return cpab::Warp(Resampled(image, size), flow, options);
}

absl::Status WritePictures(const std::string& folder, const cv::Mat& moving,
                           const cv::Mat& fixed, const cpab::Flow& flow) {
  RETURN_IF_ERROR(networks::files::MakeFolder(folder));
  const cv::Scalar red(255, 40, 40), blue(40, 80, 255), grey(160, 160, 160);
  ASSIGN_OR_RETURN(const cv::Mat warped, WarpTo(moving, fixed.size(), flow));
  cpab::Canvas grid(moving);
  grid.DrawDeformedGrid(flow, 16, red);
  cpab::Canvas field(fixed);
  field.DrawTessellation(flow.field().tessellation(), grey);
  field.DrawVelocityField(flow.field(), 16, blue);
  RETURN_IF_ERROR(pipelines::media::WriteImage(folder + kWarped, warped));
  RETURN_IF_ERROR(pipelines::media::WriteImage(folder + kGrid, grid.image()));
  return pipelines::media::WriteImage(folder + kField, field.image());
}

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {{"Pictures", {"moving", "fixed", "output", "overwrite"}},
          {"How", {"cells", "sparse_basis", "noise", "zero_boundary", "side"}}};
}

absl::Status CheckPaths(const std::string& moving, const std::string& fixed,
                        const std::string& folder) {
  std::vector<std::string> missing;
  if (moving.empty()) missing.push_back("--moving");
  if (fixed.empty()) missing.push_back("--fixed");
  if (folder.empty()) missing.push_back("--output");
  if (!missing.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::StrJoin(missing, " and "),
        missing.size() == 1 ? " is missing; --help tells what it is"
                            : " are missing; --help tells what they are"));
  }
  if (pipelines::media::IsPictureInsteadOfFolder(folder)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--output is '", folder,
        "', the name of a picture; name the folder for three pictures"));
  }
  return absl::OkStatus();
}

absl::Status Run(const pipelines::CommandLine& command_line) {
  RETURN_IF_ERROR(
      pipelines::UsageError(pipelines::RefuseArguments(command_line)));
  const std::string moving_path =
      pipelines::UserPath(absl::GetFlag(FLAGS_moving));
  const std::string fixed_path =
      pipelines::UserPath(absl::GetFlag(FLAGS_fixed));
  const std::string folder = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  RETURN_IF_ERROR(
      pipelines::UsageError(CheckPaths(moving_path, fixed_path, folder)));
  ASSIGN_OR_RETURN(const cpab::RegistrationOptions options,
                   pipelines::UsageError(OptionsFromFlags()));
  networks::files::PlannedOutputs planned;
  planned.files = {folder + kWarped, folder + kGrid, folder + kField};
  planned.makes_folders = true;
  planned.inputs = {moving_path, fixed_path};
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  RETURN_IF_ERROR(pipelines::CheckUserOutputs(planned));

  ASSIGN_OR_RETURN(const cv::Mat moving,
                   pipelines::media::ReadImage(moving_path));
  ASSIGN_OR_RETURN(const cv::Mat fixed,
                   pipelines::media::ReadImage(fixed_path));
  if (std::max(fixed.cols, fixed.rows) > kLargestSide) {
    return absl::InvalidArgumentError(
        absl::StrCat(fixed_path, " has ", fixed.cols, "x", fixed.rows,
                     " pixels; use at most ", kLargestSide, " a side"));
  }
  ASSIGN_OR_RETURN(const cpab::RegistrationResult result,
                   cpab::Register(moving, fixed, options));
  RETURN_IF_ERROR(WritePictures(folder, moving, fixed, result.flow()));
  std::printf("root mean square difference %.4f, was %.4f; %d steps, %s\n%s\n",
              result.rms_after, result.rms_before, result.iterations,
              result.converged ? "converged" : "not converged", folder.c_str());
  if (!result.converged) {
    pipelines::ProgramHooks hooks("register_images");
    hooks.hooks().warn(
        "not converged: the result may be torn; raise --noise or take fewer "
        "--cells");
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"register_images", kUsage, __FILE__, FlagGroups()}, argc, argv, Run);
}
