// Files that come with the program.
#ifndef PIPELINES_BASE_RUNFILE_H_
#define PIPELINES_BASE_RUNFILE_H_

#include <string>

namespace pipelines {

// Where the file `path` (from the workspace's root, as
// "pipelines/config/shipped/demo.textproto") is now: beside the program, in the
// folder that Bazel makes for it, however the program was started. `path`
// itself where it is in neither, so that opening it names it.
std::string RunfilePath(const std::string& path);

}  // namespace pipelines

#endif  // PIPELINES_BASE_RUNFILE_H_
