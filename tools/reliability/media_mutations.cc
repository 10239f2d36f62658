// tools/bazelw run //tools/reliability:media_mutations: see kUsage.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "networks/files/atomic_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/video_writer.h"
#include "tools/reliability/media_seeds.h"
#include "tools/reliability/mutation_program.h"

namespace reliability {
namespace {

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

std::string ReadFrames(std::shared_ptr<const std::string> bytes,
                       bool allow_damaged) {
  pipelines::media::FrameSourceOptions options;
  options.allow_damaged = allow_damaged;
  const auto source = pipelines::media::OpenFrameSourceInMemory(
      std::move(bytes), kMutatedName, options);
  if (!source.ok()) return WhatIsWrongWith(source.status());
  for (int i = 0; i < kMaxFrames; ++i) {
    const auto frame = (*source)->Next();
    if (!frame.ok()) return WhatIsWrongWith(frame.status());
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
  return WhatIsWrongWith(status);
}

std::string Read(const Seed& seed, std::string bytes, int64_t trial,
                 const std::string& folder) {
  if (!seed.is_sound) {
    const bool allow_damaged = trial % 2 == 1;
    return ReadFrames(std::make_shared<const std::string>(std::move(bytes)),
                      allow_damaged);
  }
  const std::string path = folder + "/" + kMutatedName;
  const absl::Status written = networks::files::WriteAtomically(path, bytes);
  if (!written.ok()) return std::string(written.message());
  // Under another name: it is the damaged file that an error must name.
  return CopySound(path,
                   folder + (trial % 2 == 0 ? "/sound.mp4" : "/sound.mkv"));
}

}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return reliability::RunMutationProgram(
      {"media_mutations", reliability::kUsage, reliability::MakeMediaSeeds,
       reliability::Read},
      argc, argv);
}
