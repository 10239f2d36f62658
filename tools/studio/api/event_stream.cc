#include "tools/studio/api/event_stream.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "pipelines/base/deadline.h"
#include "tools/studio/jobs/job.h"

namespace studio {
namespace {

constexpr absl::Duration kLeastPause = absl::Milliseconds(100);
// How soon the end of the server is seen.
constexpr absl::Duration kSlice = absl::Seconds(1);

class Events {
 public:
  Events(const JobQueue* jobs, std::string id,
         std::function<bool()> is_stopping, absl::Duration heartbeat)
      : jobs_(jobs),
        id_(std::move(id)),
        is_stopping_(std::move(is_stopping)),
        heartbeat_(heartbeat) {}

  std::string Next() {
    if (has_ended_) return "";
    absl::SleepFor(pause_.Left());
    const pipelines::Deadline heartbeat(heartbeat_);
    while (!is_stopping_()) {
      const absl::StatusOr<Job> job =
          jobs_->Wait(id_, version_, std::min(kSlice, heartbeat.Left()));
      if (!job.ok()) return "";
      if (job->version != version_) return Describe(*job);
      if (heartbeat.HasPassed()) return ":\n\n";
    }
    return "";
  }

 private:
  std::string Describe(const Job& job) {
    version_ = job.version;
    has_ended_ = HasEnded(job.state);
    pause_ = pipelines::Deadline(kLeastPause);
    std::string events = absl::StrCat(
        "event: job\ndata: ",
        JobToJson(job).dump(-1, ' ', /*ensure_ascii=*/false,
                            nlohmann::json::error_handler_t::replace),
        "\n\n");
    if (job.latest_frame > frame_) {
      frame_ = job.latest_frame;
      absl::StrAppend(&events, "event: frame\ndata: {\"index\":", frame_,
                      "}\n\n");
    }
    return events;
  }

  const JobQueue* jobs_;
  const std::string id_;
  const std::function<bool()> is_stopping_;
  const absl::Duration heartbeat_;
  int64_t version_ = -1;
  int64_t frame_ = -1;
  bool has_ended_ = false;
  pipelines::Deadline pause_{absl::ZeroDuration()};
};

}  // namespace

StreamBody JobEvents(const JobQueue* jobs, const std::string& id,
                     std::function<bool()> is_stopping,
                     absl::Duration heartbeat) {
  return
      [events = std::make_shared<Events>(jobs, id, std::move(is_stopping),
                                         heartbeat)] { return events->Next(); };
}

}  // namespace studio
