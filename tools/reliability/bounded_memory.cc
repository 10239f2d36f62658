// tools/bazelw run //tools/reliability:bounded_memory: see kUsage.
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/base/child_process.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/scratch_folder.h"

ABSL_FLAG(double, seconds, 1800, "How long the long video is.");
ABSL_FLAG(double, short_seconds, 10, "How long the short one is.");
ABSL_FLAG(int, size, 64, "Side of the driving frames.");
ABSL_FLAG(double, percent, 5, "How much more memory the long one may take.");
ABSL_FLAG(std::string, folder, "",
          "Where a folder for the videos is made, and removed at the end; "
          "empty: among temporary files.");

namespace reliability {
namespace {

using pipelines::BadFlag;
using pipelines::CommandLine;
using pipelines::UsageError;

constexpr char kUsage[] =
    R"(Animates by a short and a long video and compares the memory that it takes.

  tools/bazelw run //tools/reliability:bounded_memory -- --seconds 1800

Exit codes: 0 alike, 1 not, 2 bad flag.)";

absl::Status WriteVideo(double seconds, const std::string& path) {
  const int side = absl::GetFlag(FLAGS_size);
  pipelines::media::VideoWriterOptions options;
  options.width = options.height = side;
  const std::string sound = path + ".m4a";
  pipelines::media::WriteSound(sound, seconds);
  options.audio_from = sound;
  ASSIGN_OR_RETURN(const auto writer,
                   pipelines::media::VideoWriter::Create(path, options));
  const auto frames = static_cast<int64_t>(seconds * 25);
  for (int64_t i = 0; i < frames; ++i) {
    RETURN_IF_ERROR(writer->Write(pipelines::media::NumberedFrame(
        cv::Size(side, side), static_cast<int>(i % 64))));
  }
  return writer->Finish();
}

// Peak memory of `command` in units of 2^20 bytes, or of this process where
// that was more when it started it.
absl::StatusOr<double> PeakMemory(const std::vector<std::string>& command) {
  ASSIGN_OR_RETURN(auto child, pipelines::ChildProcess::Start(command));
  const int exit_code = child.Wait();
  if (exit_code != 0) {
    return absl::InternalError(
        absl::StrCat(command[0], " ended with exit code ", exit_code));
  }
  return child.usage().peak_mb;
}

absl::StatusOr<double> Animate(double seconds, const std::string& folder) {
  const std::string video = absl::StrCat(folder, "/", seconds, ".mp4");
  RETURN_IF_ERROR(WriteVideo(seconds, video));
  const std::string source = folder + "/source.png";
  RETURN_IF_ERROR(pipelines::media::WriteImage(
      source, pipelines::media::NumberedFrame(cv::Size(64, 64), 21)));
  return PeakMemory({"pipelines/animate", "--quiet", "--overwrite", "--source",
                     source, "--driving", video, "--output",
                     folder + "/animated.mp4"});
}

absl::Status CheckFlags() {
  for (const auto& [name, seconds] :
       {std::pair("seconds", absl::GetFlag(FLAGS_seconds)),
        {"short_seconds", absl::GetFlag(FLAGS_short_seconds)}}) {
    if (!(seconds >= 0.1 && seconds <= 1e6)) {
      return BadFlag(name, " is ", seconds, "; use 0.1 to 1000000");
    }
  }
  const int size = absl::GetFlag(FLAGS_size);
  if (size < 16 || size > 4096) {
    return BadFlag("size is ", size, "; use 16 to 4096");
  }
  const double percent = absl::GetFlag(FLAGS_percent);
  if (!std::isfinite(percent)) {
    return BadFlag("percent is ", percent, "; use a number");
  }
  return absl::OkStatus();
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(pipelines::RefuseArguments(line)));
  RETURN_IF_ERROR(CheckFlags());
  ASSIGN_OR_RETURN(
      const ScratchFolder scratch,
      ScratchFolder::Make(pipelines::UserPath(absl::GetFlag(FLAGS_folder)),
                          "bounded_memory"));
  const std::string& folder = scratch.path();
  const double seconds = absl::GetFlag(FLAGS_seconds);
  const double short_seconds = absl::GetFlag(FLAGS_short_seconds);
  ASSIGN_OR_RETURN(const double little, Animate(short_seconds, folder));
  ASSIGN_OR_RETURN(const double much, Animate(seconds, folder));
  const double more = 100.0 * (much - little) / little;
  std::printf("%.0f s: %.0f MB, %.0f s: %.0f MB, %+.1f %%\n", short_seconds,
              little, seconds, much, more);
  return more <= absl::GetFlag(FLAGS_percent)
             ? absl::OkStatus()
             : absl::DataLossError("the long video takes more memory");
}

}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"bounded_memory", reliability::kUsage, __FILE__}, argc, argv,
      reliability::Run);
}
