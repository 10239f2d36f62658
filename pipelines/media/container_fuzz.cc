// libFuzzer target of our own walks over video files. Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/media:container_fuzz
//   bazel-bin/pipelines/media/container_fuzz FOLDER
//       pipelines/media/testdata/fuzz_container
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "pipelines/media/formats/avi_index.h"
#include "pipelines/media/formats/container_end.h"
#include "pipelines/media/formats/motion_jpeg.h"
#include "pipelines/media/formats/mp4_movies.h"
#include "pipelines/media/formats/mp4_times.h"
#include "pipelines/media/formats/packet_count.h"
#include "pipelines/media/transport_stream.h"

namespace pipelines::media {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Parse(const std::string& bytes) {
  std::istringstream file(bytes);
  const auto end = StatedEnd(file);
  Require(!end || *end >= 0);
  const auto packets = CountStoredPackets(file);
  Require(!packets.ok() || packets->value_or(0) >= 0);
  CheckMp4Times(file).IgnoreError();
  IsMotionJpeg(file);
  const auto pieces_of_avi = ListedByAvi(file, /*stream=*/0);
  Require(!pieces_of_avi || pieces_of_avi->filled <= pieces_of_avi->all);
  const auto second = SecondMovie(file);
  Require(!second || *second >= 8);
  const auto second_asf = SecondAsf(file);
  Require(!second_asf || *second_asf >= 24);
  constexpr int kFirstPid = 256;  // of FFmpeg's muxer
  const auto pieces = CountTimedPieces(file, kFirstPid);
  Require(!pieces.ok() || pieces->value_or(0) >= 0);
  Require(CheckPacketOrder(file, kFirstPid).num_joints >= 0);
}

}  // namespace
}  // namespace pipelines::media

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pipelines::media::Parse(
      std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
