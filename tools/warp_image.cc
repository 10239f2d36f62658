// tools/bazelw run //tools:warp_image: see kUsage.
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "cpab/field/basis.h"
#include "cpab/fit/fit.h"
#include "cpab/flow/flow.h"
#include "cpab/image/drawing.h"
#include "cpab/image/warp.h"
#include "networks/files/outputs.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"
#include "tools/arrival.h"

ABSL_FLAG(std::string, image, "", "The picture to be warped.");
ABSL_FLAG(
    std::string, move, "",
    "Points and where they go, in pixels from the upper left: "
    "x,y,to_x,to_y, with semicolons between. They lie in the picture; with "
    "--nozero_boundary, to_x and to_y may lie beside it.");
ABSL_FLAG(std::string, output, "warped.webp",
          "What to write, by its ending: png or jpg for the warped picture; "
          "webp, gif, mp4 and others for a video that goes there and back.");
ABSL_FLAG(bool, grid, false,
          "Beside it, the same with a grid that was straight, the triangles of "
          "the field, and the points.");
ABSL_FLAG(int, cells, 4, "Rectangles along each axis, 1 to 16.");
ABSL_FLAG(bool, zero_boundary, true,
          "Nothing moves across the picture's border.");
ABSL_FLAG(double, seconds, 2, "Of the video, 0.2 to 60.");
ABSL_FLAG(bool, overwrite, false,
          "Replace an output that exists, but no folder with files in it.");

namespace {

constexpr char kUsage[] =
    R"(Moves points of a picture; the rest follows smoothly and without folds.

  tools/bazelw run //tools:warp_image -- --image a.jpg --output warped.webp \
      --move "120,80,150,60; 40,200,40,200" --grid

Fits a CPAB transform to the pairs of points and warps the picture by it. A
point that is to stay is a pair of twice the same place. The video shows the
transforms between none and all of it, which are powers of the same flow. A line
a point says where it went; a warning says which points did not arrive.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only.)";

// The fit wants a dense basis, whose time rises by the sixth power: 16 take a
// second, 32 more than a minute.
constexpr int kMostCells = 16, kGridLines = 12;
constexpr double kFramesPerSecond = 25, kShortest = 0.2, kLongest = 60;
constexpr double kPi = 3.14159265358979323846;

using pipelines::BadFlag;

struct PointPair {
  Eigen::Array2d from, to;  // pixels
};

std::string PointText(const Eigen::Array2d& point) {
  return absl::StrFormat("(%g, %g)", point.x(), point.y());
}

// A map without folds takes one point to one place, and two points to two.
absl::Status CheckDistinct(const std::vector<PointPair>& pairs) {
  for (size_t k = 1; k < pairs.size(); ++k) {
    for (size_t i = 0; i < k; ++i) {
      const bool is_same_start = (pairs[i].from == pairs[k].from).all();
      if (!is_same_start && !(pairs[i].to == pairs[k].to).all()) continue;
      return BadFlag("move: points ", i + 1, " and ", k + 1, " both ",
                     is_same_start ? "start at " : "go to ",
                     PointText(is_same_start ? pairs[k].from : pairs[k].to),
                     "; leave one of them out");
    }
  }
  return absl::OkStatus();
}

// With a zero boundary the picture is mapped onto itself.
absl::Status CheckInPicture(const std::vector<PointPair>& pairs, cv::Size size,
                            bool zero_boundary) {
  const Eigen::Array2d last_pixel(size.width - 1, size.height - 1);
  const auto is_within = [&](const Eigen::Array2d& point, double sides) {
    return (point >= -sides * last_pixel).all() &&
           (point <= (1 + sides) * last_pixel).all();
  };
  const std::string picture =
      absl::StrFormat("the picture; use x from 0 to %d and y from 0 to %d",
                      size.width - 1, size.height - 1);
  for (size_t k = 0; k < pairs.size(); ++k) {
    if (!is_within(pairs[k].from, 0)) {
      return BadFlag("move: point ", k + 1, " starts at ",
                     PointText(pairs[k].from), ", outside ", picture);
    }
    if (is_within(pairs[k].to, zero_boundary ? 0 : 1)) continue;
    return BadFlag(
        "move: point ", k + 1, " is to go to ", PointText(pairs[k].to),
        zero_boundary ? ", outside " : ", more than a side away from ", picture,
        zero_boundary ? ", or give --nozero_boundary" : "");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PointPair>> ParsePairs(const std::string& text) {
  std::vector<PointPair> pairs;
  for (absl::string_view part :
       absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    const std::vector<std::string> words = absl::StrSplit(part, ',');
    double values[4] = {};
    bool good = words.size() == 4;
    for (size_t i = 0; good && i < 4; ++i) {
      good =
          absl::SimpleAtod(absl::StripAsciiWhitespace(words[i]), &values[i]) &&
          std::isfinite(values[i]);
    }
    if (!good) {
      return BadFlag("move: '", absl::StripAsciiWhitespace(part),
                     "' is no pair; use x,y,to_x,to_y, with semicolons "
                     "between pairs");
    }
    pairs.push_back({{values[0], values[1]}, {values[2], values[3]}});
  }
  if (pairs.empty()) return BadFlag("move is missing; --help tells what it is");
  RETURN_IF_ERROR(CheckDistinct(pairs));
  return pairs;
}

struct Request {
  std::string image, output;
  std::vector<PointPair> pairs;
  cpab::TessellationOptions cells;
  int num_frames = 1;
};

absl::StatusOr<Request> RequestOf(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  Request request;
  request.image = pipelines::UserPath(absl::GetFlag(FLAGS_image));
  request.output = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  if (request.image.empty()) {
    return BadFlag("image is missing; --help tells what it is");
  }
  if (request.output.empty()) return BadFlag("output is empty; name a file");
  RETURN_IF_ERROR(
      pipelines::UsageError(pipelines::media::CheckEnding(request.output)));
  ASSIGN_OR_RETURN(request.pairs, ParsePairs(absl::GetFlag(FLAGS_move)));
  const int cells = absl::GetFlag(FLAGS_cells);
  if (cells < 1 || cells > kMostCells) {
    return BadFlag("cells is ", cells, "; use 1 to ", kMostCells);
  }
  request.cells = {cells, cells, absl::GetFlag(FLAGS_zero_boundary)};
  const double seconds = absl::GetFlag(FLAGS_seconds);
  if (!(seconds >= kShortest && seconds <= kLongest)) {
    return BadFlag("seconds is ", seconds, "; use ", kShortest, " to ",
                   kLongest);
  }
  if (!pipelines::media::HoldsOneFrameOnly(request.output)) {
    request.num_frames =
        static_cast<int>(std::lround(seconds * kFramesPerSecond));
    return request;
  }
  const absl::CommandLineFlag& flag =
      absl::GetFlagReflectionHandle(FLAGS_seconds);
  if (flag.CurrentValue() != flag.DefaultValue()) {
    return BadFlag("seconds is ", seconds,
                   ", which has no effect on a picture; leave it out, or name "
                   "a video as --output");
  }
  return request;
}

// T with T(from) = to in the unit square, whose corners are the centres of the
// corner pixels.
absl::StatusOr<cpab::Flow> FitFlow(const Request& request, cv::Size size) {
  const Eigen::Array2d last_pixel(size.width - 1, size.height - 1);
  const auto count = static_cast<int>(request.pairs.size());
  cpab::KeypointPairs pairs = {Eigen::Matrix2Xd(2, count),
                               Eigen::Matrix2Xd(2, count), /*weights=*/{}};
  for (int k = 0; k < count; ++k) {
    pairs.from.col(k) = request.pairs[k].from / last_pixel;
    pairs.to.col(k) = request.pairs[k].to / last_pixel;
  }
  ASSIGN_OR_RETURN(const auto basis, cpab::Basis::Create(request.cells));
  ASSIGN_OR_RETURN(const auto fitter, cpab::KeypointFitter::Create(basis, {}));
  return cpab::Flow(basis, fitter.Fit(pairs).theta);
}

// `picture` after `share` of the motion; with the grid beside it if wanted.
absl::StatusOr<cv::Mat> DrawFrame(const cv::Mat& picture,
                                  const Request& request,
                                  const cpab::Flow& flow, double share) {
  const cpab::Flow part = flow.Power(share);
  cpab::WarpOptions options;
  options.outside = cpab::WarpOptions::Outside::kNearestPixel;
  // A pixel of the result looks up where it comes from.
  ASSIGN_OR_RETURN(const cv::Mat warped,
                   cpab::Warp(picture, part.Inverse(), options));
  if (!absl::GetFlag(FLAGS_grid)) return warped;
  cv::Mat dimmed;
  warped.convertTo(dimmed, -1, 0.5);
  cpab::Canvas canvas(dimmed);
  canvas.DrawTessellation(part.field().tessellation(), cv::Scalar::all(150));
  canvas.DrawDeformedGrid(part, kGridLines, cv::Scalar(255, 220, 60));
  cv::Mat grid = canvas.image().clone();
  const Eigen::Array2d last_pixel(picture.cols - 1, picture.rows - 1);
  for (const PointPair& pair : request.pairs) {
    const Eigen::Array2d at = part(pair.from / last_pixel).array() * last_pixel;
    const cv::Point now(cvRound(at.x()), cvRound(at.y()));
    const cv::Point end(cvRound(pair.to.x()), cvRound(pair.to.y()));
    cv::circle(grid, end, 4, cv::Scalar(60, 255, 120), 1, cv::LINE_AA);
    cv::circle(grid, now, 3, cv::Scalar(255, 60, 60), cv::FILLED, cv::LINE_AA);
  }
  cv::Mat row;
  cv::hconcat(warped, grid, row);
  return row;
}

absl::Status WriteFrames(const cv::Mat& picture, const Request& request,
                         const cpab::Flow& flow) {
  pipelines::media::VideoWriterOptions options;
  options.width = picture.cols * (absl::GetFlag(FLAGS_grid) ? 2 : 1);
  options.height = picture.rows;
  options.overwrite = absl::GetFlag(FLAGS_overwrite);
  ASSIGN_OR_RETURN(const std::unique_ptr<pipelines::media::FrameSink> sink,
                   pipelines::media::OpenFrameSink(request.output, options));
  for (int i = 0; i < request.num_frames; ++i) {
    // There and back; a picture is there.
    const double share =
        request.num_frames == 1
            ? 1
            : (1 - std::cos(2 * kPi * i / request.num_frames)) / 2;
    ASSIGN_OR_RETURN(const cv::Mat frame,
                     DrawFrame(picture, request, flow, share));
    RETURN_IF_ERROR(sink->Write(frame));
  }
  RETURN_IF_ERROR(sink->Finish());
  pipelines::ProgramHooks hooks("warp_image");
  for (const std::string& warning : sink->warnings()) {
    hooks.hooks().warn(warning);
  }
  return absl::OkStatus();
}

// Prints where each point went, and warns of those that did not arrive.
void ReportPoints(const Request& request, const cpab::Flow& flow,
                  cv::Size size) {
  const std::vector<PointPair>& pairs = request.pairs;
  const Eigen::Array2d last_pixel(size.width - 1, size.height - 1);
  const auto is_on_border = [&](const Eigen::Array2d& point) {
    return (point <= 0.0).any() || (point >= last_pixel).any();
  };
  std::vector<std::string> missed;
  bool is_held = false;  // at the border
  for (size_t k = 0; k < pairs.size(); ++k) {
    const PointPair& pair = pairs[k];
    const Eigen::Array2d at = flow(pair.from / last_pixel).array() * last_pixel;
    const std::string end = absl::StrFormat("(%.1f, %.1f)", at.x(), at.y());
    const std::string wanted = PointText(pair.to);
    std::printf("%s -> %s, wanted %s\n", PointText(pair.from).c_str(),
                end.c_str(), wanted.c_str());
    if (tools::HasArrived(at - pair.to, last_pixel)) continue;
    missed.push_back(absl::StrCat("point ", k + 1, " was to go to ", wanted,
                                  " and reached ", end));
    is_held |= request.cells.zero_boundary &&
               (is_on_border(pair.from) || is_on_border(pair.to));
  }
  if (missed.empty()) return;
  pipelines::ProgramHooks hooks("warp_image");
  hooks.hooks().warn(absl::StrCat(
      absl::StrJoin(missed, ", "),
      "; give more --cells, shorter moves, or points that cross less",
      is_held ? ", or --nozero_boundary for those on the border" : ""));
}

absl::Status Run(const pipelines::CommandLine& line) {
  ASSIGN_OR_RETURN(const Request request, RequestOf(line));
  networks::files::PlannedOutputs planned;
  (pipelines::media::IsFolderOutput(request.output)
       ? planned.folders
       : planned.files) = {request.output};
  planned.inputs = {request.image};
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  RETURN_IF_ERROR(pipelines::CheckUserOutputs(planned));
  ASSIGN_OR_RETURN(const cv::Mat picture,
                   pipelines::media::ReadImage(request.image));
  if (picture.cols < 2 || picture.rows < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(request.image, ": is ", picture.cols, "x", picture.rows,
                     "; use a picture of at least 2x2 pixels"));
  }
  RETURN_IF_ERROR(CheckInPicture(request.pairs, picture.size(),
                                 request.cells.zero_boundary));
  ASSIGN_OR_RETURN(const cpab::Flow flow, FitFlow(request, picture.size()));
  RETURN_IF_ERROR(WriteFrames(picture, request, flow));
  ReportPoints(request, flow, picture.size());
  std::printf("%s\n", request.output.c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"warp_image",
       kUsage,
       __FILE__,
       {{"What is moved", {"image", "move"}},
        {"What comes out", {"output", "grid", "seconds", "overwrite"}},
        {"How", {"cells", "zero_boundary"}}}},
      argc, argv, Run);
}
