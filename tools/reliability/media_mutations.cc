// tools/bazelw run //tools/reliability:media_mutations: see kUsage.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/isolated.h"
#include "tools/reliability/media_seeds.h"
#include "tools/reliability/mutate.h"

ABSL_FLAG(int64_t, trials, 20000, "How many damaged files to read.");
ABSL_FLAG(int64_t, first_seed, 0,
          "Seed of the first; the others follow. A seed decides the file and "
          "its damage.");
ABSL_FLAG(std::string, folder, "/tmp/media_mutations",
          "Folder for files on the way; made if it is not there.");
ABSL_FLAG(std::string, keep, "",
          "Folder for the files that fail, named by their seed.");
ABSL_FLAG(double, seconds_each, 5, "A file that takes longer hangs.");

namespace reliability {
namespace {

using pipelines::CommandLine;

constexpr char kUsage[] =
    R"(Reads damaged pictures, videos and sound, and checks that none of them
crashes, hangs, or fails without its name.

  tools/bazelw run --config=asan --config=ubsan \
      //tools/reliability:media_mutations -- --trials 20000

Small files of every kind are made, and each trial changes one of them in one to
four places. Under the sanitizers, accesses beyond a file's memory are found.

Exit codes: 0 all well, 1 not, 2 bad flag.)";

// Frames of one damaged video that are read; a damaged GIF can state thousands.
constexpr int kMaxFrames = 200;

std::string CheckMessage(const absl::Status& status) {
  if (status.ok()) return "";
  const std::string message(status.message());
  return message.find("mutated") == std::string::npos
             ? absl::StrCat("a message without the name: ", message)
             : "";
}

std::string ReadFrames(std::shared_ptr<const std::string> bytes,
                       bool allow_damaged) {
  pipelines::media::FrameSourceOptions options;
  options.allow_damaged = allow_damaged;
  const auto source = pipelines::media::OpenFrameSourceInMemory(
      std::move(bytes), "mutated", options);
  if (!source.ok()) return CheckMessage(source.status());
  for (int i = 0; i < kMaxFrames; ++i) {
    const auto frame = (*source)->Next();
    if (!frame.ok()) return CheckMessage(frame.status());
    if (!*frame) return "";
    if ((*frame)->rgb.empty()) return "an empty frame";
  }
  return "";
}

// Brings the sound of a file into a video.
std::string CopySound(const std::string& path, const std::string& output) {
  pipelines::media::VideoWriterOptions options;
  options.width = options.height = 16;
  options.audio_from = path;
  auto writer = pipelines::media::VideoWriter::Create(output, options);
  absl::Status status = writer.status();
  const cv::Mat frame(16, 16, CV_8UC3, cv::Scalar::all(90));
  for (int i = 0; i < 5 && status.ok(); ++i) status = (*writer)->Write(frame);
  if (status.ok()) status = (*writer)->Finish();
  return CheckMessage(status);
}

struct Mutant {
  const Seed* seed;
  std::string bytes;
};

Mutant MutantOf(int64_t trial, const std::vector<Seed>& seeds) {
  std::mt19937_64 random(static_cast<uint64_t>(trial));
  const Seed& seed = seeds[random() % seeds.size()];
  return {&seed, Mutated(seed.bytes, random)};
}

std::string Try(int64_t trial, const std::vector<Seed>& seeds,
                const std::string& folder) {
  Mutant mutant = MutantOf(trial, seeds);
  if (!mutant.seed->is_sound) {
    const bool allow_damaged = trial % 2 == 1;
    return ReadFrames(
        std::make_shared<const std::string>(std::move(mutant.bytes)),
        allow_damaged);
  }
  const std::string path = folder + "/mutated";
  const absl::Status written =
      networks::files::WriteAtomically(path, mutant.bytes);
  if (!written.ok()) return std::string(written.message());
  return CopySound(path,
                   folder + (trial % 2 == 0 ? "/mutated.mp4" : "/mutated.mkv"));
}

absl::Status Report(const IsolatedReport& report,
                    const std::vector<Seed>& seeds) {
  for (const Failure& failure : report.failures) {
    const Mutant mutant = MutantOf(failure.trial, seeds);
    std::printf("seed %lld (%s): %s\n", static_cast<long long>(failure.trial),
                mutant.seed->kind.c_str(), failure.what.c_str());
    const std::string keep = pipelines::UserPath(absl::GetFlag(FLAGS_keep));
    if (keep.empty()) continue;
    RETURN_IF_ERROR(networks::files::WriteAtomically(
        absl::StrCat(keep, "/", failure.trial), mutant.bytes));
  }
  std::printf(
      "%lld trials from seed %lld on, %zu kinds: %zu failures; slowest %.2f s, "
      "peak memory %lld MB\n",
      static_cast<long long>(absl::GetFlag(FLAGS_trials)),
      static_cast<long long>(absl::GetFlag(FLAGS_first_seed)), seeds.size(),
      report.failures.size(), report.slowest_seconds,
      static_cast<long long>(report.peak_bytes >> 20));
  return report.failures.empty()
             ? absl::OkStatus()
             : absl::DataLossError("some files failed; see above");
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  if (absl::GetFlag(FLAGS_trials) < 1) {
    return pipelines::UsageError(absl::InvalidArgumentError(absl::StrCat(
        "--trials is ", absl::GetFlag(FLAGS_trials), "; use 1 or more")));
  }
  const std::string folder = pipelines::UserPath(absl::GetFlag(FLAGS_folder));
  std::filesystem::create_directories(folder);
  const std::vector<Seed> seeds = MakeMediaSeeds(folder);
  IsolatedOptions options;
  options.first = absl::GetFlag(FLAGS_first_seed);
  options.count = absl::GetFlag(FLAGS_trials);
  options.seconds_each = absl::GetFlag(FLAGS_seconds_each);
  return Report(
      RunIsolated(options,
                  [&](int64_t trial) { return Try(trial, seeds, folder); }),
      seeds);
}

}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"media_mutations", reliability::kUsage, __FILE__}, argc, argv,
      reliability::Run);
}
