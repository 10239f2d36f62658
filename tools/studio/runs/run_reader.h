// Reads training runs below one folder, while they grow.
//
// A run's folder is that of pipelines/training/run_folder.h; here nothing in it
// is trusted. No symbolic link below the root is followed, only regular files
// are opened, and each call does bounded work.
#ifndef TOOLS_STUDIO_RUNS_RUN_READER_H_
#define TOOLS_STUDIO_RUNS_RUN_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace studio {

// Bytes of a file and their media type.
struct RunFile {
  std::string bytes;
  std::string content_type;
};

// Safe to use from many threads.
class RunReader {
 public:
  // `root` need not be there yet: then there are no runs.
  explicit RunReader(std::string root);
  ~RunReader();
  RunReader(const RunReader&) = delete;
  RunReader& operator=(const RunReader&) = delete;

  // The root itself, if it is a run, and the runs up to three folders below it,
  // newest first:
  //
  //   [{id, name, state, step, steps, started, modified}, ...]
  //
  // id: 22 characters of [A-Za-z0-9_-], the same as long as the run's path is.
  // name: the path below the root. state: "running", "ended" or "stopped".
  // step: the last of losses.csv; steps: null unless the config has max_steps.
  // started, modified: RFC 3339, UTC.
  absl::StatusOr<nlohmann::json> List();

  // Their folders, in this order; none if the root cannot be read. Not made of
  // the names, which are for people.
  std::vector<std::string> Folders();

  // The fields of List() for one run, and
  //
  //   series    [{name, kind, points: [[step, mean, low, high], ...]}, ...]:
  //             those points that end after step `since`; kind is "loss",
  //             "training", "time" or "test"
  //   stride    rows of the table in a point: doubled when there would be more
  //             than 1000 points. If it changes, points known so far are to be
  //             replaced by those of since = 0
  //   complete  false if there is more to read at once: ask again
  //   pictures  names for Picture(), oldest first
  //   has_page  whether Page() finds something
  //   settings  the config's text
  //   warnings  what could not be read, in sentences
  //
  // NotFound for an id of no run.
  absl::StatusOr<nlohmann::json> Read(absl::string_view id, int64_t since);

  // A picture of Read()'s list (PNG), or a file that the page names:
  // "evaluation:NAME.png" for evaluation/NAME.png, and "animation.mp4".
  // InvalidArgument for another name, NotFound if it is not there.
  absl::StatusOr<RunFile> Picture(absl::string_view id, absl::string_view name);

  // index.html.
  absl::StatusOr<RunFile> Page(absl::string_view id);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_RUNS_RUN_READER_H_
