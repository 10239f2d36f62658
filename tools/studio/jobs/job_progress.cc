#include "tools/studio/jobs/job_progress.h"

#include <algorithm>
#include <cstdint>

namespace studio {

void ProgressMeter::Take(const WorkerEvent& event, absl::Duration since_start) {
  if (event.kind == WorkerEvent::Kind::kStage) {
    progress_.stage = event.stage;
    if (event.stage != "encoding") stage_begin_ = since_start;
    return;
  }
  if (event.kind != WorkerEvent::Kind::kProgress) return;
  progress_.done = event.done;
  progress_.total = event.total;
  progress_.seconds_left.reset();
  const double seconds = absl::ToDoubleSeconds(since_start - stage_begin_);
  if (event.done == 0 || seconds <= 0) return;
  progress_.per_second = static_cast<double>(event.done) / seconds;
  if (!event.total) return;
  progress_.seconds_left =
      static_cast<double>(std::max<int64_t>(0, *event.total - event.done)) /
      progress_.per_second;
}

}  // namespace studio
