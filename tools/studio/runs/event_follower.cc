#include "tools/studio/runs/event_follower.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "pipelines/report/event.pb.h"
#include "pipelines/report/event_file_name.h"
#include "pipelines/report/tfrecord.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

constexpr int kMaxFiles = 200;        // one a session
constexpr size_t kMaxTags = 64;       // beside the tables' columns
constexpr size_t kMaxValues = 10000;  // of a tag
constexpr size_t kMaxTag = 100;       // bytes of a name

// A record has a length of 8 bytes and two checksums of 4. A scalar's has less
// than 200 bytes.
constexpr int64_t kHeader = 12, kTrailer = 4, kMaxRecord = 4096;

uint64_t LengthOf(absl::string_view header) {
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;) {
    length = length << 8 | static_cast<uint8_t>(header[i]);
  }
  return length;
}

}  // namespace

bool EventFollower::HasAllFiles(const SafeFolder& folder) const {
  return std::all_of(
      positions_.begin(), positions_.end(), [&folder](const auto& read) {
        return folder.IsSameFile(read.first, read.second.identity);
      });
}

absl::StatusOr<bool> EventFollower::Follow(const SafeFolder& folder,
                                           int64_t max_bytes) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   folder.Names(kMaxFiles));
  if (!HasAllFiles(folder)) *this = EventFollower();
  bool is_complete = true;
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, pipelines::kEventFilePrefix)) continue;
    const absl::StatusOr<SafeFile> file = folder.OpenFile(name);
    if (!file.ok()) continue;
    const int64_t time = pipelines::EventFileTime(name);
    if (time > 0 && (started_ == 0 || time < started_)) started_ = time;
    ASSIGN_OR_RETURN(const bool is_read, FollowFile(name, *file, max_bytes));
    is_complete = is_complete && is_read;
  }
  return is_complete;
}

absl::StatusOr<bool> EventFollower::FollowFile(const std::string& name,
                                               const SafeFile& file,
                                               int64_t& bytes_left) {
  constexpr int64_t kBlock = 1 << 20;
  Position& position = positions_[name];
  if (!(position.identity == file.identity())) {
    position = {file.identity(), 0, false};
  }
  while (!position.is_damaged && position.offset < file.size()) {
    if (bytes_left <= 0) return false;
    ASSIGN_OR_RETURN(const std::string block,
                     file.Read(position.offset, kBlock));
    bytes_left -= kBlock;
    const int64_t step =
        ReadRecords(block, file.size() - position.offset, position.is_damaged);
    if (step == 0) return true;
    position.offset += step;
  }
  return true;
}

int64_t EventFollower::ReadRecords(absl::string_view block, int64_t bytes_left,
                                   bool& is_damaged) {
  int64_t done = 0;
  while (static_cast<int64_t>(block.size()) - done >= kHeader) {
    const absl::string_view rest = block.substr(static_cast<size_t>(done));
    const uint64_t length = LengthOf(rest);
    if (length > static_cast<uint64_t>(bytes_left)) break;
    const int64_t size = kHeader + static_cast<int64_t>(length) + kTrailer;
    if (size > bytes_left - done) break;  // is being written
    if (size > kMaxRecord) return done + size;
    if (size > static_cast<int64_t>(rest.size())) break;
    const std::vector<std::string> records =
        pipelines::ParseTfRecords(rest.substr(0, static_cast<size_t>(size)));
    is_damaged = records.empty();
    if (is_damaged) break;
    ReadEvent(records[0]);
    done += size;
  }
  return done;
}

void EventFollower::ReadEvent(const std::string& bytes) {
  pipelines::tensorboard::Event event;
  if (!event.ParseFromString(bytes)) return;
  for (const auto& value : event.summary().value()) {
    if (value.value_case() !=
        pipelines::tensorboard::Summary::Value::kSimpleValue) {
      continue;
    }
    AddScalar(value.tag(), event.step(), value.simple_value());
  }
}

void EventFollower::AddScalar(const std::string& tag, int64_t step,
                              double value) {
  absl::string_view name = tag;
  if (absl::StartsWith(name, "loss/") || absl::StartsWith(name, "time/")) {
    return;  // as in losses.csv and timing.csv
  }
  if (absl::ConsumePrefix(&name, "training/")) {
    if (training_.size() < 256) training_.insert(std::string(name));
    return;
  }
  const bool is_known = scalars_.count(tag) > 0;
  if (tag.size() > kMaxTag || step < 0 || !std::isfinite(value) ||
      (!is_known && scalars_.size() >= kMaxTags)) {
    return;
  }
  std::map<int64_t, double>& values = scalars_[tag];
  if (values.size() < kMaxValues) values[step] = value;
}

}  // namespace studio
