#include "tools/studio/jobs/worker_events.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using Json = nlohmann::json;

constexpr absl::Duration kBetweenProgress = absl::Milliseconds(100);
constexpr size_t kMaxLine = size_t{1} << 18;  // bytes
// Of noise, a PNG is a little larger than its pixels.
constexpr size_t kMaxFrame =
    size_t{kLiveSide} * kLiveSide * 4 + (size_t{1} << 16);
constexpr size_t kMaxWarnings = 100;
constexpr size_t kMaxText = 4000;
constexpr int64_t kMaxNumber = int64_t{1} << 40;
constexpr int64_t kMaxSide = int64_t{1} << 20;

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// What EventReader finds in a line. Throws Json::exception for fields that are
// missing or of another type.
class LineReader {
 public:
  explicit LineReader(const Json& json) : json_(json) {}

  std::string Text(const char* field) const {
    return json_.at(field).get<std::string>().substr(0, kMaxText);
  }

  // 0 to `most`, or -1 for what is no such number.
  int64_t Number(const char* field, int64_t most) const {
    const Json& value = json_.at(field);
    if (!value.is_number_unsigned() ||
        value.get<uint64_t>() > static_cast<uint64_t>(most)) {
      is_good_ = false;
      return -1;
    }
    return value.get<int64_t>();
  }

  std::vector<std::string> Texts(const char* field) const {
    std::vector<std::string> texts;
    for (const Json& text : json_.at(field)) {
      if (texts.size() == kMaxWarnings) break;
      texts.push_back(text.get<std::string>().substr(0, kMaxText));
    }
    return texts;
  }

  bool IsNull(const char* field) const { return json_.at(field).is_null(); }
  bool is_good() const { return is_good_; }

 private:
  const Json& json_;
  mutable bool is_good_ = true;
};

absl::Status BadLine() {
  return absl::InvalidArgumentError("the worker wrote what no worker writes");
}

absl::StatusCode CodeOf(const std::string& name) {
  for (int code = 1; code <= 16; ++code) {
    if (CodeName(static_cast<absl::StatusCode>(code)) == name) {
      return static_cast<absl::StatusCode>(code);
    }
  }
  return absl::StatusCode::kUnknown;
}

// Throws as LineReader does. bytes: of a frame.
absl::StatusOr<WorkerEvent> ReadEvent(const LineReader& line, size_t* bytes) {
  using Kind = WorkerEvent::Kind;
  WorkerEvent event;
  const std::string name = line.Text("event");
  if (name == "stage") {
    event.kind = Kind::kStage;
    event.stage = line.Text("stage");
  } else if (name == "progress") {
    event.kind = Kind::kProgress;
    event.done = line.Number("done", kMaxNumber);
    if (!line.IsNull("total")) event.total = line.Number("total", kMaxNumber);
  } else if (name == "frame") {
    event.kind = Kind::kFrame;
    event.done = line.Number("index", kMaxNumber);
    *bytes = static_cast<size_t>(line.Number("bytes", kMaxFrame));
  } else if (name == "done") {
    event.kind = Kind::kDone;
    event.done = line.Number("frames", kMaxNumber);
    event.width = static_cast<int>(line.Number("width", kMaxSide));
    event.height = static_cast<int>(line.Number("height", kMaxSide));
    event.warnings = line.Texts("warnings");
  } else if (name == "error") {
    event.kind = Kind::kError;
    event.error = absl::Status(CodeOf(line.Text("code")), line.Text("message"));
  } else {
    return BadLine();
  }
  if (!line.is_good()) return BadLine();
  return event;
}

}  // namespace

void EventWriter::Write(const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = write(descriptor_, &text[done], text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the server is gone, and ends this process
    done += static_cast<size_t>(count);
  }
}

void EventWriter::Stage(absl::string_view stage) {
  const absl::MutexLock lock(&mutex_);
  Write(Line({{"event", "stage"}, {"stage", std::string(stage)}}));
}

void EventWriter::Progress(int64_t done, int64_t total) {
  const absl::MutexLock lock(&mutex_);
  if (!next_progress_.HasPassed() && done != total) return;
  next_progress_ = pipelines::Deadline(kBetweenProgress);
  Write(Line({{"event", "progress"},
              {"done", done},
              {"total", total > 0 ? Json(total) : Json()}}));
}

void EventWriter::Frame(int64_t index, const std::string& png) {
  const absl::MutexLock lock(&mutex_);
  Write(absl::StrCat(
      Line({{"event", "frame"}, {"index", index}, {"bytes", png.size()}}),
      png));
}

void EventWriter::Done(int64_t frames, int width, int height,
                       const std::vector<std::string>& warnings) {
  const absl::MutexLock lock(&mutex_);
  Write(Line({{"event", "done"},
              {"frames", frames},
              {"width", width},
              {"height", height},
              {"warnings", warnings}}));
}

void EventWriter::Error(const absl::Status& status) {
  const absl::MutexLock lock(&mutex_);
  Write(Line({{"event", "error"},
              {"code", CodeName(status.code())},
              {"message", std::string(status.message())}}));
}

absl::StatusOr<std::optional<WorkerEvent>> EventReader::Next() {
  if (!frame_) {
    const size_t end = pending_.find('\n');
    if (end == std::string::npos && pending_.size() <= kMaxLine) {
      return std::nullopt;
    }
    if (end == std::string::npos || end > kMaxLine) return BadLine();
    const Json json = Json::parse(pending_.begin(),
                                  pending_.begin() + static_cast<int64_t>(end),
                                  nullptr, /*allow_exceptions=*/false);
    pending_.erase(0, end + 1);
    try {
      ASSIGN_OR_RETURN(WorkerEvent event,
                       ReadEvent(LineReader(json), &frame_bytes_));
      if (event.kind != WorkerEvent::Kind::kFrame) return event;
      frame_ = std::move(event);
    } catch (const Json::exception&) {
      return BadLine();
    }
  }
  if (pending_.size() < frame_bytes_) return std::nullopt;
  frame_->png = pending_.substr(0, frame_bytes_);
  pending_.erase(0, frame_bytes_);
  return std::exchange(frame_, std::nullopt);
}

}  // namespace studio
