// Parts of a path, by its text alone.
#ifndef NETWORKS_FILES_PATH_PARTS_H_
#define NETWORKS_FILES_PATH_PARTS_H_

#include <string>

namespace networks::files {

// "/a/b/id7#03.mp4" -> "/a/b"; "c.mp4" -> "."; "/c.mp4" -> "/". Slashes at the
// end do not count: "/a/b/" -> "/a".
std::string FolderOf(const std::string& path);

// "/a/b/id7#03.mp4" -> "id7#03.mp4"; "/a/b/" -> "b".
std::string BaseName(const std::string& path);

// "/a/b/id7#03.mp4" -> "id7#03"; a name that only begins with a dot is kept.
std::string Stem(const std::string& path);

// "/a/b/" -> "/a/b"; "/" stays.
std::string WithoutTrailingSlashes(const std::string& path);

}  // namespace networks::files

#endif  // NETWORKS_FILES_PATH_PARTS_H_
