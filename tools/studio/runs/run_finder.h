// Finds the folders of runs below a root.
#ifndef TOOLS_STUDIO_RUNS_RUN_FINDER_H_
#define TOOLS_STUDIO_RUNS_RUN_FINDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/studio/runs/safe_folder.h"

namespace studio {

// The names below the root; none for the root itself.
using RunPath = std::vector<std::string>;

// The path as text, and the name of the root's folder for the root itself.
std::string NameOfRun(const std::string& root, const RunPath& path);

// 22 characters of [A-Za-z0-9_-] that follow from the path.
std::string IdOfRun(const RunPath& path);

// The root, if it is a run, and the runs in up to three levels of folders below
// it, but not below runs: a run has a losses.csv, or a config.textproto beside
// a folder of checkpoints. At most 500 runs among 5000 folders: the last by
// name, from the last on (run10 before run9). None if the root is not there.
absl::StatusOr<std::vector<RunPath>> FindRuns(const std::string& root);

// The run's folder. NotFound if it is gone, or is no run any more.
absl::StatusOr<SafeFolder> OpenRun(const std::string& root,
                                   const RunPath& path);

// The run with this id. NotFound.
absl::StatusOr<RunPath> FindRun(const std::string& root, absl::string_view id);

}  // namespace studio

#endif  // TOOLS_STUDIO_RUNS_RUN_FINDER_H_
