// tools/bazelw run //tools/reliability:damaged_clips: see kUsage.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/clip_seeds.h"
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
using pipelines::media::VideoFrame;
using pipelines::media::VideoReader;

constexpr char kUsage[] =
    R"(Reads damaged clips and checks that none is taken for a shorter one.

  tools/bazelw run //tools/reliability:damaged_clips -- --trials 300

Clips of every container, with alpha, with B frames, turned, of odd and changing
sizes, odd and variable rates, are cut, lose pieces or a B frame, or have bits
flipped. A clip has to give all its frames, or an error that names the file;
with allow_damaged it may also give fewer and say so. Sound alone, and files
without an index, frames or a known codec have to give an error.

Exit codes: 0 all well, 1 not, 2 bad flag.)";

// What a reader gives.
struct Outcome {
  absl::Status status;
  cv::Size size;  // that it promises
  std::vector<VideoFrame> frames;
  std::string damage;
};

Outcome ReadClip(std::shared_ptr<const std::string> bytes, bool allow_damaged) {
  FrameSourceOptions options;
  options.allow_damaged = allow_damaged;
  Outcome outcome;
  const auto reader = VideoReader::OpenBytes(std::move(bytes), "clip", options);
  outcome.status = reader.status();
  if (!reader.ok()) return outcome;
  outcome.size = {(*reader)->info().width, (*reader)->info().height};
  while (true) {
    auto frame = (*reader)->Next();
    outcome.status = frame.status();
    if (!frame.ok() || !*frame) break;
    outcome.frames.push_back(**std::move(frame));
  }
  outcome.damage = (*reader)->damage();
  return outcome;
}

size_t NumWithAlpha(const Outcome& outcome) {
  return static_cast<size_t>(
      std::count_if(outcome.frames.begin(), outcome.frames.end(),
                    [](const VideoFrame& f) { return !f.alpha.empty(); }));
}

std::string Words(const Outcome& outcome) {
  return absl::StrCat(outcome.frames.size(), " frames",
                      outcome.frames.empty()
                          ? ""
                          : absl::StrCat(" up to ", outcome.frames.back().pts));
}

std::string CheckError(const absl::Status& error) {
  return absl::StrContains(error.message(), "clip")
             ? ""
             : absl::StrCat("an error without the name: ",
                            std::string(error.message()));
}

// A clip before the damage: each frame as it was made, upright and of one size,
// or an error where none can be read. "" or what is wrong.
std::string CheckWhole(const ClipSeed& clip) {
  const Outcome whole =
      ReadClip(std::make_shared<const std::string>(clip.bytes), false);
  if (clip.num_frames == 0) {
    return whole.status.ok() ? "no error, " + Words(whole)
                             : CheckError(whole.status);
  }
  if (!whole.status.ok()) return std::string(whole.status.message());
  if (whole.frames.size() != clip.num_frames ||
      NumWithAlpha(whole) != clip.num_with_alpha || whole.size != clip.size) {
    return "not all is there: " + Words(whole);
  }
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    cv::Mat rgb = whole.frames[i].rgb;
    if (rgb.size() != clip.size) return absl::StrCat("the size of frame ", i);
    if (clip.is_turned) cv::rotate(rgb, rgb, cv::ROTATE_90_COUNTERCLOCKWISE);
    if (!clip.numbers.empty() &&
        pipelines::media::FrameIndex(rgb) != clip.numbers[i]) {
      return absl::StrCat("frame ", i, " is another");
    }
  }
  return "";
}

// Missing, or overwritten.
std::string Without(ClipSeed::Piece piece, bool is_missing, std::string bytes) {
  return is_missing ? bytes.erase(piece.begin, piece.size)
                    : bytes.replace(piece.begin, piece.size, piece.size, '\0');
}

// By the turn: cut, in each percent one after the other; without a piece, in
// two ways; with flipped bits; without a B frame, or else with flipped bits.
std::string Damaged(const ClipSeed& clip, int64_t turn,
                    std::mt19937_64& random) {
  constexpr int64_t kWays = 5;
  const auto below = [&](size_t bound) {
    return static_cast<size_t>(random() % bound);
  };
  std::string bytes = clip.bytes;
  const int64_t way = turn % kWays;
  if (way == 0) {
    const auto percent = static_cast<size_t>(turn / kWays % 100);
    bytes.resize(bytes.size() * percent / 100 + below(bytes.size() / 100));
    return bytes;
  }
  if (way == 1 || way == 2) {
    const size_t begin = below(bytes.size());
    const size_t most = std::min(bytes.size() - begin, bytes.size() / 20 + 1);
    return Without({begin, 1 + below(most)}, way == 1, std::move(bytes));
  }
  if (way == 3 && !clip.b_frames.empty()) {
    const ClipSeed::Piece lost = clip.b_frames[below(clip.b_frames.size())];
    return Without(lost, below(2) == 0, std::move(bytes));
  }
  for (int i = 0; i < 3; ++i) {
    bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
  }
  return bytes;
}

// Whether strict reading is honest: "" or what is wrong.
std::string CheckStrict(const Outcome& strict, const ClipSeed& clip) {
  if (!strict.status.ok()) return CheckError(strict.status);
  if (strict.frames.size() != clip.num_frames || strict.frames.empty()) {
    return absl::StrCat("silently ", Words(strict), " instead of ",
                        clip.num_frames);
  }
  return NumWithAlpha(strict) == clip.num_with_alpha
             ? ""
             : "silently frames without their alpha";
}

std::string CheckLenient(const Outcome& lenient, const ClipSeed& clip) {
  if (!lenient.status.ok()) return CheckError(lenient.status);
  const bool has_all =
      clip.num_frames > 0 && lenient.frames.size() >= clip.num_frames;
  return has_all || !lenient.damage.empty()
             ? ""
             : absl::StrCat("with allow_damaged silently ", Words(lenient),
                            " instead of ", clip.num_frames);
}

std::string Try(int64_t trial, const std::vector<ClipSeed>& clips) {
  std::mt19937_64 random(static_cast<uint64_t>(trial));
  const auto num_clips = static_cast<int64_t>(clips.size());
  const ClipSeed& clip = clips[static_cast<size_t>(trial % num_clips)];
  const auto bytes = std::make_shared<const std::string>(
      Damaged(clip, trial / num_clips, random));
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
  ASSIGN_OR_RETURN(const std::vector<ClipSeed> clips, MakeClipSeeds(folder));
  for (const ClipSeed& clip : clips) {
    const std::string wrong = CheckWhole(clip);
    if (wrong.empty()) continue;
    return absl::InternalError(absl::StrCat(clip.kind, ", whole: ", wrong));
  }
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
