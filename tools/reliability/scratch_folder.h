// A folder for the files that a program makes on the way.
#ifndef TOOLS_RELIABILITY_SCRATCH_FOLDER_H_
#define TOOLS_RELIABILITY_SCRATCH_FOLDER_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace reliability {

// New, and with a name that nobody else has: a program never touches what a
// user has beside it, and two programs never share one. Removed at the end with
// all that is in it; of a program that is killed it stays.
class ScratchFolder {
 public:
  // `parent`/`name`-XXXXXX; `parent` is made if it is not there. An empty one
  // is the folder of temporary files. The system's error if it cannot be made.
  static absl::StatusOr<ScratchFolder> Make(const std::string& parent,
                                            const std::string& name);

  ScratchFolder(ScratchFolder&& other) noexcept
      : path_(std::exchange(other.path_, "")) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();

  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty: moved from
};

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_SCRATCH_FOLDER_H_
