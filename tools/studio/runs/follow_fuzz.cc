// libFuzzer target of the readers of files that grow. The first byte chooses
// (even: a table; odd: an event file, or of 4 n + 3 its only record), the
// second where the file is cut: what is read in two pieces has to be what is
// read at once. Build and run:
//
//   tools/bazelw build --config=fuzz //tools/studio/runs:follow_fuzz
//   bazel-bin/tools/studio/runs/follow_fuzz FOLDER
//       tools/studio/runs/testdata/fuzz_follow
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"
#include "pipelines/report/tfrecord.h"
#include "tools/studio/runs/event_follower.h"
#include "tools/studio/runs/safe_folder.h"
#include "tools/studio/runs/table_follower.h"

namespace studio {
namespace {

constexpr int kMaxPoints = 16;
constexpr int64_t kManyBytes = 1 << 24;

void Require(bool condition) {
  if (!condition) std::abort();
}

// A file in memory with this content, the same one every time.
SafeFile FileOf(std::string_view content) {
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  Require(ftruncate(file, 0) == 0);
  Require(pwrite(file, content.data(), content.size(), 0) ==
          static_cast<ssize_t>(content.size()));
  return SafeFile(Descriptor(fcntl(file, F_DUPFD_CLOEXEC, 0)), {1, 1},
                  static_cast<int64_t>(content.size()), 0);
}

// The first of the two pieces.
std::string_view FirstPiece(std::string_view content, uint8_t cut) {
  return content.substr(0, content.size() * cut / 256);
}

void FollowTable(std::string_view content, uint8_t cut) {
  TableFollower at_once(kMaxPoints), in_pieces(kMaxPoints);
  Require(in_pieces.Follow(FileOf(FirstPiece(content, cut)), kManyBytes).ok());
  Require(in_pieces.Follow(FileOf(content), kManyBytes).ok());
  const SafeFile file = FileOf(content);
  Require(at_once.Follow(file, kManyBytes).ok());
  Require(at_once.columns() == in_pieces.columns());
  Require(at_once.bad_lines() == in_pieces.bad_lines());
  for (size_t i = 0; i < at_once.columns().size(); ++i) {
    const auto column = static_cast<int>(i);
    const nlohmann::json points = at_once.table()->Points(column, -1);
    Require(points.size() <= kMaxPoints);
    Require(points == in_pieces.table()->Points(column, -1));
  }
  Require(LastStepOf(file) >= -1);
}

void FollowEvents(std::string_view content, uint8_t cut) {
  EventFollower at_once, in_pieces;
  const auto follow = [](EventFollower& follower, std::string_view bytes) {
    int64_t bytes_left = kManyBytes;
    Require(follower.FollowFile("events", FileOf(bytes), bytes_left).ok());
  };
  follow(in_pieces, FirstPiece(content, cut));
  follow(in_pieces, content);
  follow(at_once, content);
  Require(at_once.scalars() == in_pieces.scalars());
}

// A mutated event rarely has its checksums.
std::string WrapEvent(std::string_view event) {
  const std::string bytes(event);
  std::string record = pipelines::TfRecord(bytes);
  Require(pipelines::ParseTfRecords(record) == std::vector<std::string>{bytes});
  return record;
}

}  // namespace
}  // namespace studio

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 2,
                                 size - 2);
  if (data[0] % 2 == 0) {
    studio::FollowTable(content, data[1]);
  } else if (data[0] % 4 == 1) {
    studio::FollowEvents(content, data[1]);
  } else {
    studio::FollowEvents(studio::WrapEvent(content), data[1]);
  }
  return 0;
}
