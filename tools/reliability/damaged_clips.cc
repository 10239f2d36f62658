// tools/bazelw run //tools/reliability:damaged_clips: see kUsage.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/read_file.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/isolated.h"
#include "tools/reliability/scratch_folder.h"

ABSL_FLAG(int, trials, 300, "How many damaged clips to read.");
ABSL_FLAG(int, first_seed, 0, "Seed of the first; the others follow.");
ABSL_FLAG(
    std::string, folder, "",
    "Where a folder for files on the way is made, and removed at the end; "
    "empty: among temporary files.");

namespace reliability {
namespace {

using pipelines::CommandLine;
using pipelines::media::FrameSourceOptions;
using pipelines::media::VideoReader;
using pipelines::media::VideoWriter;

constexpr char kUsage[] =
    R"(Reads damaged clips and checks that none is taken for a shorter one.

  tools/bazelw run //tools/reliability:damaged_clips -- --trials 300

Clips of every container, with alpha, of odd sizes, odd and variable rates are
cut, lose pieces, or have bits flipped. A clip has to give all its frames, or an
error that names the file; with allow_damaged it may also give fewer and say so.

Exit codes: 0 all well, 1 not, 2 bad flag.)";

struct Clip {
  std::string kind;
  std::string bytes;
  std::vector<int64_t> times;
  size_t num_with_alpha = 0;
};

// What a reader gives.
struct Outcome {
  absl::Status status;
  std::vector<int64_t> times;
  size_t num_with_alpha = 0;  // of the frames
  std::string damage;
};

Outcome ReadClip(std::shared_ptr<const std::string> bytes, bool allow_damaged) {
  FrameSourceOptions options;
  options.allow_damaged = allow_damaged;
  Outcome outcome;
  const auto reader = VideoReader::OpenBytes(std::move(bytes), "clip", options);
  outcome.status = reader.status();
  while (outcome.status.ok()) {
    const auto frame = (*reader)->Next();
    outcome.status = frame.status();
    if (!frame.ok() || !*frame) break;
    outcome.times.push_back((*frame)->pts);
    if (!(*frame)->alpha.empty()) ++outcome.num_with_alpha;
  }
  if (reader.ok()) outcome.damage = (*reader)->damage();
  return outcome;
}

struct ClipKind {
  const char* ending;
  cv::Size size;
  pipelines::media::Rational rate;
  bool is_variable = false;
  bool has_alpha = false;
};

constexpr int kFrames = 30;

const ClipKind kClipKinds[] = {
    {".mp4", {96, 64}, {25, 1}},
    {".mp4", {410, 412}, {30000, 1001}},
    {".mp4", {64, 64}, {1, 1}},
    {".mp4", {64, 48}, {1000000, 66667}},
    {".mp4", {96, 64}, {25, 1}, true},
    {".mov", {64, 64}, {24000, 1001}},
    {".mkv", {96, 64}, {25, 1}},
    {".mkv", {45, 33}, {60, 1}, true},
    {".webm", {64, 64}, {25, 1}},
    {".avi", {96, 64}, {25, 1}},
    {".gif", {64, 48}, {10, 1}},
    {".ts", {96, 64}, {25, 1}},
    {".ts", {96, 64}, {30000, 1001}},
    {".webm", {64, 64}, {25, 1}, false, /*has_alpha=*/true},
    {".mov", {64, 48}, {25, 1}, false, /*has_alpha=*/true},
};

cv::Mat FrameOf(const ClipKind& kind, int number) {
  cv::Mat frame = pipelines::media::NumberedFrame(kind.size, number);
  if (!kind.has_alpha) return frame;
  cv::cvtColor(frame, frame, cv::COLOR_RGB2RGBA);
  frame({0, 0, kind.size.width / 2, kind.size.height}) =
      cv::Scalar(9, 9, 9, 8 * number);
  return frame;
}

// Written by VideoWriter; a transport stream is one of its files in another
// container.
absl::Status WriteClip(const ClipKind& kind, const std::string& path) {
  const bool is_stream = absl::EndsWith(path, ".ts");
  const std::string written = is_stream ? path + ".mp4" : path;
  pipelines::media::VideoWriterOptions options;
  options.width = kind.size.width;
  options.height = kind.size.height;
  options.frame_rate = kind.rate;
  if (kind.is_variable) options.time_base = {1, 1000};
  options.with_alpha = kind.has_alpha;
  ASSIGN_OR_RETURN(const auto writer, VideoWriter::Create(written, options));
  int64_t time = 0;
  for (int i = 0; i < kFrames; ++i) {
    const cv::Mat frame = FrameOf(kind, i);
    const int64_t duration = 20 + 13 * (i % 4);
    RETURN_IF_ERROR(kind.is_variable ? writer->WriteAt(frame, time, duration)
                                     : writer->Write(frame));
    time += duration;
  }
  RETURN_IF_ERROR(writer->Finish());
  if (is_stream) pipelines::media::Remux(written, path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Clip>> MakeClips(const std::string& folder) {
  std::vector<Clip> clips;
  for (const ClipKind& kind : kClipKinds) {
    Clip clip;
    clip.kind = absl::StrCat(kind.ending, ", ", kind.size.width, "x",
                             kind.size.height, ", ", kind.rate.num, "/",
                             kind.rate.den, kind.is_variable ? " variable" : "",
                             kind.has_alpha ? ", alpha" : "");
    const std::string path =
        absl::StrCat(folder, "/", clips.size(), kind.ending);
    RETURN_IF_ERROR(WriteClip(kind, path));
    ASSIGN_OR_RETURN(clip.bytes, networks::files::ReadFile(path));
    const Outcome whole =
        ReadClip(std::make_shared<const std::string>(clip.bytes), false);
    RETURN_IF_ERROR(whole.status);
    const size_t num_with_alpha = kind.has_alpha ? kFrames : 0;
    if (whole.times.size() != kFrames ||
        whole.num_with_alpha != num_with_alpha) {
      return absl::InternalError(clip.kind + ": not all frames are there");
    }
    clip.times = whole.times;
    clip.num_with_alpha = whole.num_with_alpha;
    clips.push_back(std::move(clip));
  }
  return clips;
}

// A cut, a piece lost, a piece overwritten, or bits flipped.
std::string Damaged(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](size_t bound) {
    return static_cast<size_t>(random() % bound);
  };
  const size_t at = below(bytes.size());
  const size_t size =
      1 + below(std::min<size_t>(bytes.size() - at, bytes.size() / 20 + 1));
  switch (below(5)) {
    case 0:
      bytes.resize(bytes.size() * below(100) / 100);
      break;
    case 1:
      bytes.erase(at, size);
      break;
    case 2:
      for (size_t i = at; i < at + size; ++i) bytes[i] = 0;
      break;
    default:
      for (int i = 0; i < 3; ++i) {
        bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
      }
      break;
  }
  return bytes;
}

std::string Times(const std::vector<int64_t>& times) {
  return absl::StrCat(
      times.size(), " frames",
      times.empty() ? "" : absl::StrCat(" up to ", times.back()));
}

std::string CheckError(const absl::Status& error) {
  return absl::StrContains(error.message(), "clip")
             ? ""
             : absl::StrCat("an error without the name: ",
                            std::string(error.message()));
}

// Whether strict reading is honest: "" or what is wrong.
std::string CheckStrict(const Outcome& strict, const Clip& clip) {
  if (!strict.status.ok()) return CheckError(strict.status);
  if (strict.times.size() == clip.times.size()) {
    return strict.num_with_alpha == clip.num_with_alpha
               ? ""
               : "silently frames without their alpha";
  }
  return absl::StrCat("silently ", Times(strict.times), " instead of ",
                      Times(clip.times));
}

std::string CheckLenient(const Outcome& lenient, const Clip& clip) {
  if (!lenient.status.ok()) return CheckError(lenient.status);
  if (lenient.times.size() >= clip.times.size()) return "";
  return lenient.damage.empty()
             ? absl::StrCat("with allow_damaged silently ",
                            Times(lenient.times), " instead of ",
                            Times(clip.times))
             : "";
}

std::string Try(int64_t trial, const std::vector<Clip>& clips) {
  std::mt19937_64 random(static_cast<uint64_t>(trial));
  const Clip& clip = clips[static_cast<size_t>(trial) % clips.size()];
  const auto bytes =
      std::make_shared<const std::string>(Damaged(clip.bytes, random));
  if (bytes->empty()) return "";
  std::string wrong = CheckStrict(ReadClip(bytes, false), clip);
  if (wrong.empty()) wrong = CheckLenient(ReadClip(bytes, true), clip);
  return wrong.empty() ? "" : absl::StrCat(clip.kind, ": ", wrong);
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  const int trials = absl::GetFlag(FLAGS_trials);
  if (trials < 1) {
    return pipelines::UsageError(absl::InvalidArgumentError(
        absl::StrCat("--trials is ", trials, "; use 1 or more")));
  }
  ASSIGN_OR_RETURN(
      const ScratchFolder scratch,
      ScratchFolder::Make(pipelines::UserPath(absl::GetFlag(FLAGS_folder)),
                          "damaged_clips"));
  const std::string& folder = scratch.path();
  ASSIGN_OR_RETURN(const std::vector<Clip> clips, MakeClips(folder));
  IsolatedOptions options;
  options.first = absl::GetFlag(FLAGS_first_seed);
  options.count = trials;
  options.seconds_each = 20;
  const IsolatedReport report =
      RunIsolated(options, [&](int64_t trial) { return Try(trial, clips); });
  for (const Failure& failure : report.failures) {
    std::printf("seed %lld: %s\n", static_cast<long long>(failure.trial),
                failure.what.c_str());
  }
  std::printf("%d damaged clips of %zu kinds: %zu failures\n", trials,
              clips.size(), report.failures.size());
  return report.failures.empty()
             ? absl::OkStatus()
             : absl::DataLossError("some clips failed; see above");
}

}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return pipelines::RunProgram({"damaged_clips", reliability::kUsage, __FILE__},
                               argc, argv, reliability::Run);
}
