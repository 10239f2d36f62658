// A job's changes as server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
#ifndef TOOLS_STUDIO_API_EVENT_STREAM_H_
#define TOOLS_STUDIO_API_EVENT_STREAM_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "tools/studio/http/response.h"
#include "tools/studio/jobs/job_queue.h"

namespace studio {

// "event: job" with the job as data at the beginning and after each change, at
// most ten a second; "event: frame" with {"index":K} when LatestFrame gives a
// new one; a comment when nothing happened for `heartbeat`, by which a
// connection that is gone is found. Ends when the job has ended or was removed,
// or `is_stopping` says so. `jobs` outlives it.
StreamBody JobEvents(const JobQueue* jobs, const std::string& id,
                     std::function<bool()> is_stopping,
                     absl::Duration heartbeat = absl::Seconds(5));

}  // namespace studio

#endif  // TOOLS_STUDIO_API_EVENT_STREAM_H_
