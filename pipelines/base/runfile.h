// Files that come with the program.
#ifndef PIPELINES_BASE_RUNFILE_H_
#define PIPELINES_BASE_RUNFILE_H_

#include <string>

namespace pipelines {

// Where the file `path` (from the workspace's root, as
// "pipelines/config/shipped/demo.textproto") is now: in the folder that Bazel
// makes beside the program, however the program was started, or in the folder
// cpab_animation that an installed program lies in (tools/install). `path`
// itself where it is in none, so that opening it names it.
std::string RunfilePath(const std::string& path);

}  // namespace pipelines

#endif  // PIPELINES_BASE_RUNFILE_H_
