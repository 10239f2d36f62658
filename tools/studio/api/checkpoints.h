// The checkpoints that a job may take, by ids that say nothing of their paths.
#ifndef TOOLS_STUDIO_API_CHECKPOINTS_H_
#define TOOLS_STUDIO_API_CHECKPOINTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace studio {

struct CheckpointPlaces {
  std::string shipped;  // the file that comes with the program
  // The folders of training runs.
  std::function<std::vector<std::string>()> runs;
  // Folders with .safetensors and .pth.tar files, such files, folders of runs.
  std::vector<std::string> folders;
  std::string fetched;  // the folder of fetched weights
};

// Whether `path` can be one of CheckpointPlaces::folders. InvalidArgument where
// there is nothing, or a file that is no checkpoint by its name.
absl::Status CheckCheckpoints(const std::string& path);

struct CheckpointFile {
  std::string id;
  std::string name;  // for people
  std::string from;  // "shipped", "run", "folder" or "fetched"
  std::string path;
  int64_t bytes = 0;
  absl::Time modified;
  // What the file states; 0 and "" where it does not, as .pth.tar files.
  int width = 0;
  int sets = 0;
  std::string motion;
  // Whether mode avd can be used; empty where only loading would tell.
  std::optional<bool> has_avd;
};

// Looks anew at each call, so that a run's checkpoint appears when it is there.
// Safe to use from many threads.
class Checkpoints {
 public:
  explicit Checkpoints(CheckpointPlaces places) : places_(std::move(places)) {}

  // Shipped, fetched, of folders, of runs (the best one, or the newest). A file
  // that cannot be read is left out.
  std::vector<CheckpointFile> List() const;

  // The path of the file with this id. NotFound.
  absl::StatusOr<std::string> Find(absl::string_view id) const;

 private:
  // Each path with its name and origin alone.
  std::vector<CheckpointFile> Paths() const;

  CheckpointPlaces places_;
};

// {"id","name","from","bytes","modified"}, and "size" (the width of what the
// model sees), "sets", "motion" and "avd" where they are known.
nlohmann::json CheckpointToJson(const CheckpointFile& file);

}  // namespace studio

#endif  // TOOLS_STUDIO_API_CHECKPOINTS_H_
