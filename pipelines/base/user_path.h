// Paths as the user means them.
#ifndef PIPELINES_BASE_USER_PATH_H_
#define PIPELINES_BASE_USER_PATH_H_

#include <string>

namespace pipelines {

// A relative path is relative to where the user stands, which `bazel run` and
// tools/bazelw tell in environment variables, not to where Bazel starts the
// binary. "~/" is the home folder: $HOME or, without it, that of the system's
// list of users. An empty path stays empty.
std::string UserPath(const std::string& path);

// The absolute `path` without ".", ".." and slashes that are not needed. As it
// is where that leads elsewhere: behind a link, ".." is not the folder that the
// link lies in.
std::string NormalPath(const std::string& path);

// The folder for what can be made or fetched again: $XDG_CACHE_HOME or
// ~/.cache (as above), and in it "cpab_animation". Of a user without any home,
// below "/", where making it fails unless the user may write there.
std::string CacheFolder();

}  // namespace pipelines

#endif  // PIPELINES_BASE_USER_PATH_H_
