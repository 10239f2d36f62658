#include "tools/reliability/clip_seeds.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/read_file.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace reliability {
namespace {

using pipelines::media::Rational;
using pipelines::media::VideoWriter;

constexpr char kTestdata[] = "pipelines/media/testdata/video/";
constexpr int kFrames = 30;

struct ClipKind {
  const char* ending;
  cv::Size size;
  Rational rate;
  bool is_variable = false;
  bool has_alpha = false;
  // So many frames behind one another are equal; of more than one, most become
  // B frames.
  int repeats = 1;
};

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
    {".mp4", {96, 64}, {25, 1}, false, false, /*repeats=*/5},
    {".ts", {96, 64}, {25, 1}, false, false, /*repeats=*/5},
};

std::string NameOf(const ClipKind& kind) {
  return absl::StrCat(
      kind.ending, ", ", kind.size.width, "x", kind.size.height, ", ",
      kind.rate.num, "/", kind.rate.den, kind.is_variable ? " variable" : "",
      kind.has_alpha ? ", alpha" : "", kind.repeats > 1 ? ", B frames" : "");
}

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
    const cv::Mat frame = FrameOf(kind, i / kind.repeats);
    const int64_t duration = 20 + 13 * (i % 4);
    RETURN_IF_ERROR(kind.is_variable ? writer->WriteAt(frame, time, duration)
                                     : writer->Write(frame));
    time += duration;
  }
  RETURN_IF_ERROR(writer->Finish());
  if (is_stream) pipelines::media::Remux(written, path);
  return absl::OkStatus();
}

// Those of H.264 are units of type 1 that say of themselves that nothing refers
// to them: their first byte is 1. [ISO/IEC 14496-10, 7.3.1]
//
// In an mp4 without sound whose index is in front, all that comes behind it are
// units, each with its length.
std::vector<ClipSeed::Piece> BFramesOfMp4(const std::string& mp4) {
  std::vector<ClipSeed::Piece> pieces;
  size_t at = mp4.find("mdat") + 4;
  while (at + 4 < mp4.size()) {
    size_t size = 4;
    for (size_t i = 0; i < 4; ++i) {
      size += size_t{static_cast<unsigned char>(mp4[at + i])} << (24 - 8 * i);
    }
    if (mp4[at + 4] == 1) pieces.push_back({at, size});
    at += size;
  }
  return pieces;
}

// In a transport stream, the packets in which they begin.
std::vector<ClipSeed::Piece> BFramesOfStream(const std::string& stream) {
  constexpr size_t kPacket = 188;
  const std::string begin("\0\0\1\1", 4);
  std::vector<ClipSeed::Piece> pieces;
  for (size_t at = stream.find(begin); at != std::string::npos;
       at = stream.find(begin, at + 1)) {
    pieces.push_back({at / kPacket * kPacket, kPacket});
  }
  return pieces;
}

absl::StatusOr<ClipSeed> MakeClip(const ClipKind& kind,
                                  const std::string& path) {
  RETURN_IF_ERROR(WriteClip(kind, path));
  ClipSeed seed;
  seed.kind = NameOf(kind);
  ASSIGN_OR_RETURN(seed.bytes, networks::files::ReadFile(path));
  seed.num_frames = kFrames;
  seed.num_with_alpha = kind.has_alpha ? kFrames : 0;
  // The writer pads odd sizes to even ones.
  seed.size = {kind.size.width + kind.size.width % 2,
               kind.size.height + kind.size.height % 2};
  for (int i = 0; i < kFrames && !kind.has_alpha; ++i) {
    seed.numbers.push_back(i / kind.repeats);
  }
  if (kind.repeats == 1) return seed;
  seed.b_frames = absl::EndsWith(path, ".ts") ? BFramesOfStream(seed.bytes)
                                              : BFramesOfMp4(seed.bytes);
  if (!seed.b_frames.empty()) return seed;
  return absl::FailedPreconditionError(seed.kind + ": there is no B frame");
}

// A recording of which the size changes: one behind another, of half its size.
absl::StatusOr<ClipSeed> SizeChange(const std::string& folder) {
  ClipKind kind = {".ts", {96, 64}, {25, 1}};
  ASSIGN_OR_RETURN(ClipSeed seed, MakeClip(kind, folder + "/large.ts"));
  kind.size /= 2;
  ASSIGN_OR_RETURN(const ClipSeed small, MakeClip(kind, folder + "/small.ts"));
  seed.kind += ", then " + small.kind;
  seed.bytes += small.bytes;
  seed.num_frames += small.num_frames;
  seed.numbers.insert(seed.numbers.end(), small.numbers.begin(),
                      small.numbers.end());
  return seed;
}

// A recording that was broken off: the index, which stands in front here, would
// have been written at its end.
std::string WithoutIndex(std::string mp4) {
  const size_t begin = mp4.find("moov") - 4;
  return mp4.erase(begin, mp4.find("mdat") - 4 - begin);
}

// Whose tables of frames are empty. Each has its version, then the number of
// entries; that of sizes has a size of all in between.
std::string WithoutFrames(std::string mp4) {
  for (const std::string table :
       {"stts", "ctts", "stss", "stsc", "stsz", "stco"}) {
    const size_t at = mp4.find(table);
    if (at == std::string::npos) continue;
    const size_t size = table == "stsz" ? 8 : 4;
    mp4.replace(at + 8, size, size, '\0');
  }
  return mp4;
}

// Of a codec that there is not.
std::string WithoutDecoder(std::string mp4) {
  const std::string table = "stsd";
  const size_t entry = mp4.find(table) + table.size() + 8;
  return mp4.replace(entry + 4, 4, "zzzz");  // behind its length
}

}  // namespace

absl::StatusOr<std::vector<ClipSeed>> MakeClipSeeds(const std::string& folder) {
  std::vector<ClipSeed> seeds;
  for (const ClipKind& kind : kClipKinds) {
    const std::string path =
        absl::StrCat(folder, "/", seeds.size(), kind.ending);
    ASSIGN_OR_RETURN(ClipSeed seed, MakeClip(kind, path));
    seeds.push_back(std::move(seed));
  }
  ClipSeed turned = seeds[0];
  turned.kind += ", turned";
  turned.bytes = pipelines::media::TurnedMp4(turned.bytes, {0, 1, -1, 0});
  turned.size = {turned.size.height, turned.size.width};
  turned.is_turned = true;
  seeds.push_back(std::move(turned));
  ASSIGN_OR_RETURN(ClipSeed changes, SizeChange(folder));
  seeds.push_back(std::move(changes));
  ClipSeed phone;
  phone.kind = ".webm, turned while recording";
  ASSIGN_OR_RETURN(phone.bytes, networks::files::ReadFile(absl::StrCat(
                                    kTestdata, "turned-while-recording.webm")));
  phone.num_frames = 20;
  phone.size = {320, 240};
  seeds.push_back(std::move(phone));

  // What no frame can be read of.
  const std::string mp4 = seeds[0].bytes;
  const auto add = [&seeds](const std::string& kind, std::string bytes) {
    seeds.emplace_back();
    seeds.back().kind = kind;
    seeds.back().bytes = std::move(bytes);
  };
  add(".mp4 without its index", WithoutIndex(mp4));
  add(".mp4 without frames", WithoutFrames(mp4));
  add(".mp4 of an unknown codec", WithoutDecoder(mp4));
  pipelines::media::WriteSound(folder + "/sound.m4a", 1);
  for (const std::string& path :
       {folder + "/sound.m4a",
        absl::StrCat(kTestdata, "song-with-cover.mp3")}) {
    ASSIGN_OR_RETURN(std::string sound, networks::files::ReadFile(path));
    add(path.substr(path.rfind('.')) + ", sound alone", std::move(sound));
  }
  return seeds;
}

}  // namespace reliability
