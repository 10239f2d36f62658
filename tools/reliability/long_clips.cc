// tools/bazelw run //tools/reliability:long_clips: see kUsage.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "opencv2/core.hpp"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/scratch_folder.h"

ABSL_FLAG(double, seconds, 600, "How long each clip is.");
ABSL_FLAG(std::string, folder, "",
          "Where a folder for the clips is made, and removed at the end; "
          "empty: among temporary files.");

namespace reliability {
namespace {

using pipelines::CommandLine;
using pipelines::media::Rational;
using pipelines::media::SoundPacket;
using pipelines::media::SoundPackets;
using pipelines::media::VideoReader;
using pipelines::media::VideoWriter;
using pipelines::media::VideoWriterOptions;

constexpr char kUsage[] =
    R"(Writes long clips of odd rates with sound, writes each anew as animate does,
and compares the times of all frames and the packets of the sound in both with
those that were to be written.

  tools/bazelw run //tools/reliability:long_clips -- --seconds 600

Exit codes: 0 all alike, 1 not, 2 bad flag.)";

struct ClipKind {
  const char* name;
  Rational rate;
  bool is_variable;
};

const ClipKind kKinds[] = {{"24000/1001", {24000, 1001}, false},
                           {"30000/1001", {30000, 1001}, false},
                           {"60000/1001", {60000, 1001}, false},
                           {"1000000/66667", {1000000, 66667}, false},
                           {"variable", {30, 1}, true}};

const cv::Size kSize(16, 16);

VideoWriterOptions Options(const std::string& sound) {
  VideoWriterOptions options;
  options.width = kSize.width;
  options.height = kSize.height;
  options.audio_from = sound;
  return options;
}

// Returns the seconds of each frame.
absl::StatusOr<std::vector<double>> WriteClip(const ClipKind& kind,
                                              double seconds,
                                              const std::string& sound,
                                              const std::string& path) {
  VideoWriterOptions options = Options(sound);
  options.frame_rate = kind.rate;
  if (kind.is_variable) options.time_base = {1, 90000};
  ASSIGN_OR_RETURN(const auto writer, VideoWriter::Create(path, options));
  const auto frames = static_cast<int64_t>(seconds * kind.rate.value());
  std::vector<double> times;
  int64_t time = 0;
  for (int64_t i = 0; i < frames; ++i) {
    const cv::Mat frame =
        pipelines::media::NumberedFrame(kSize, static_cast<int>(i % 64));
    const int64_t duration = 1000 + 977 * (i % 5);
    RETURN_IF_ERROR(kind.is_variable ? writer->WriteAt(frame, time, duration)
                                     : writer->Write(frame));
    times.push_back(kind.is_variable
                        ? static_cast<double>(time) * options.time_base->value()
                        : static_cast<double>(i) / kind.rate.value());
    time += duration;
  }
  RETURN_IF_ERROR(writer->Finish());
  return times;
}

// Seconds of each frame.
absl::StatusOr<std::vector<double>> FrameTimes(const std::string& path) {
  ASSIGN_OR_RETURN(const auto reader, VideoReader::Open(path));
  std::vector<double> times;
  while (true) {
    ASSIGN_OR_RETURN(const auto frame, reader->Next());
    if (!frame) return times;
    times.push_back(static_cast<double>(frame->pts) *
                    reader->info().time_base.value());
  }
}

absl::Status WriteAnew(const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const auto reader, VideoReader::Open(from));
  VideoWriterOptions options = Options(from);
  options.frame_rate = reader->info().frame_rate;
  options.time_base = reader->info().time_base;
  options.start_at_zero = true;
  ASSIGN_OR_RETURN(const auto writer, VideoWriter::Create(to, options));
  while (true) {
    ASSIGN_OR_RETURN(const auto frame, reader->Next());
    if (!frame) return writer->Finish();
    RETURN_IF_ERROR(writer->WriteAt(frame->rgb, frame->pts, frame->duration));
  }
}

struct Comparison {
  size_t frames = 0, packets = 0;
  double drift = 0;  // seconds, the largest of all frames
  bool is_same_sound = false;
  bool passed() const { return frames > 0 && is_same_sound && drift < 1e-3; }
};

// `clip` with what was written to it.
absl::StatusOr<Comparison> Compare(const std::vector<double>& written_times,
                                   const std::vector<SoundPacket>& written,
                                   const std::string& clip) {
  ASSIGN_OR_RETURN(const std::vector<double> times, FrameTimes(clip));
  Comparison result;
  if (times.size() != written_times.size()) return result;
  result.frames = times.size();
  for (size_t i = 0; i < times.size(); ++i) {
    result.drift =
        std::max(result.drift, std::abs(times[i] - written_times[i]));
  }
  const std::vector<SoundPacket> sound = SoundPackets(clip);
  result.packets = sound.size();
  result.is_same_sound = !sound.empty() && sound == written;
  return result;
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  const double seconds = absl::GetFlag(FLAGS_seconds);
  if (!(seconds >= 1 && seconds <= 1e6)) {
    return pipelines::BadFlag("seconds is ", seconds, "; use 1 to 1000000");
  }
  ASSIGN_OR_RETURN(
      const ScratchFolder scratch,
      ScratchFolder::Make(pipelines::UserPath(absl::GetFlag(FLAGS_folder)),
                          "long_clips"));
  const std::string& folder = scratch.path();
  const std::string sound = folder + "/sound.m4a";
  pipelines::media::WriteSound(sound, seconds);
  const std::vector<SoundPacket> packets = SoundPackets(sound);
  bool all_passed = true;
  for (const ClipKind& kind : kKinds) {
    const std::string clip = folder + "/clip.mp4", anew = folder + "/anew.mp4";
    ASSIGN_OR_RETURN(const std::vector<double> times,
                     WriteClip(kind, seconds, sound, clip));
    RETURN_IF_ERROR(WriteAnew(clip, anew));
    for (const std::string& path : {clip, anew}) {
      ASSIGN_OR_RETURN(const Comparison result, Compare(times, packets, path));
      std::printf("%s%s: %zu frames, drift %.6f s, %zu packets of sound %s\n",
                  kind.name, path == anew ? ", anew" : "", result.frames,
                  result.drift, result.packets,
                  result.is_same_sound ? "alike" : "DIFFER");
      std::fflush(stdout);
      all_passed = all_passed && result.passed();
    }
  }
  return all_passed ? absl::OkStatus()
                    : absl::DataLossError("some clips differ; see above");
}

}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return pipelines::RunProgram({"long_clips", reliability::kUsage, __FILE__},
                               argc, argv, reliability::Run);
}
