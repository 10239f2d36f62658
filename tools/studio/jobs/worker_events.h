// What a worker tells the server, over a pipe: lines of JSON, and frames.
//
//   {"event":"stage","stage":"loading"}       or preparing, animating,
//                                             detecting, encoding
//   {"event":"progress","done":7,"total":98}  total null where unknown
//   {"event":"frame","index":6,"bytes":1234}  followed by so many bytes: a PNG
//   {"event":"done","frames":98,"width":256,"height":256,"warnings":[...]}
//   {"event":"error","code":"not_found","message":"..."}
//
// The server trusts none of it: EventReader gives what is well formed and
// within limits, and an error for all else.
#ifndef TOOLS_STUDIO_JOBS_WORKER_EVENTS_H_
#define TOOLS_STUDIO_JOBS_WORKER_EVENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "pipelines/base/deadline.h"

namespace studio {

// The longer side of frames in the making, in pixels.
inline constexpr int kLiveSide = 512;

// Written by the worker. Safe to use from many threads.
class EventWriter {
 public:
  // descriptor: the pipe, which stays open.
  explicit EventWriter(int descriptor) : descriptor_(descriptor) {}

  void Stage(absl::string_view stage);
  // At most ten a second, and the last one (done == total).
  void Progress(int64_t done, int64_t total);
  void Frame(int64_t index, const std::string& png);
  void Done(int64_t frames, int width, int height,
            const std::vector<std::string>& warnings);
  void Error(const absl::Status& status);

 private:
  void Write(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int descriptor_;
  absl::Mutex mutex_;
  pipelines::Deadline next_progress_ ABSL_GUARDED_BY(mutex_){
      -absl::InfiniteDuration()};
};

struct WorkerEvent {
  enum class Kind { kStage, kProgress, kFrame, kDone, kError };
  Kind kind = Kind::kStage;
  std::string stage;
  int64_t done = 0;  // kProgress; kFrame: the index; kDone: frames
  std::optional<int64_t> total;
  std::string png;
  int width = 0;
  int height = 0;
  std::vector<std::string> warnings;
  absl::Status error;
};

// Reads events from pieces of what was written. One thread at a time.
class EventReader {
 public:
  void Add(absl::string_view bytes) {
    pending_.append(bytes.data(), bytes.size());
  }

  // The next event; empty where more bytes are needed first. InvalidArgument
  // for what no worker writes; the reader is of no use afterwards.
  absl::StatusOr<std::optional<WorkerEvent>> Next();

 private:
  std::string pending_;
  // A frame whose bytes are not all there.
  std::optional<WorkerEvent> frame_;
  size_t frame_bytes_ = 0;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_WORKER_EVENTS_H_
