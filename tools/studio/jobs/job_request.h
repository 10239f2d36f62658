// What a client asks of a job, and the flags by which `animate` does the same.
#ifndef TOOLS_STUDIO_JOBS_JOB_REQUEST_H_
#define TOOLS_STUDIO_JOBS_JOB_REQUEST_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace studio {

struct SourceBox {
  int x = 0;
  int y = 0;
  int side = 0;  // pixels of the upright picture
};

struct JobRequest {
  bool is_motion = false;  // keypoints alone; there is no source then
  std::string source;      // ids
  std::string driving;
  std::string checkpoint;
  std::string mode = "relative";        // of the bundled pair "standard"
  std::string motion;                   // empty: as the checkpoint
  std::string start_frame = "first";    // as --start of animate takes it
  std::map<int, double> motion_scales;  // by keypoint set, from 1
  std::optional<SourceBox> crop;        // empty: the centre
  std::vector<std::string> panels = {"result"};
  int size = 0;            // of the shorter side; 0: as the model makes it
  int64_t max_frames = 0;  // 0: all
};

// What a request may name: see JobChoices (job_queue.h).
nlohmann::json RequestChoices();

// InvalidArgument, with its field (field_error.h), for what is missing,
// unknown, of another type or out of range.
absl::StatusOr<JobRequest> ParseJobRequest(const nlohmann::json& json);

// Where the files of a job are.
struct JobFiles {
  std::string source;  // empty for a motion job
  std::string driving;
  std::string checkpoint;
  std::string output;  // a video, or a motion file
  std::string device = "auto";
};

// The words behind the name of `animate`.
std::vector<std::string> AnimateFlags(const JobRequest& request,
                                      const JobFiles& files);

// The same as a line for a shell. program: the words that start `animate`.
std::string AnimateCommand(const std::string& program,
                           const JobRequest& request, const JobFiles& files);

// An error of `animate` or its library, as the user of a page is told: with the
// field of the request that it is about, and without flags and paths.
absl::Status ExplainError(const absl::Status& error, const JobFiles& files);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_REQUEST_H_
