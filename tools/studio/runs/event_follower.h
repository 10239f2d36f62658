// Follows the TensorBoard event files of a run while they grow.
#ifndef TOOLS_STUDIO_RUNS_EVENT_FOLLOWER_H_
#define TOOLS_STUDIO_RUNS_EVENT_FOLLOWER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/studio/runs/safe_folder.h"

namespace studio {

// Reads the scalars that no table has, as those of an evaluation; of the others
// it learns of which kind a column is. Pictures and whatever else is large are
// skipped without being read. A record that is being written is read the next
// time; a damaged one ends its file.
class EventFollower {
 public:
  // Reads on in all event files of `folder`, at most `max_bytes` together. True
  // if nothing is left. Where a file is gone or another one, the run was begun
  // anew: then all that was read is forgotten first.
  absl::StatusOr<bool> Follow(const SafeFolder& folder, int64_t max_bytes);

  // The same in one file. Takes what it reads from `bytes_left`.
  absl::StatusOr<bool> FollowFile(const std::string& name, const SafeFile& file,
                                  int64_t& bytes_left);

  // By name and step. A later file's value takes the place of an earlier one's.
  const std::map<std::string, std::map<int64_t, double>>& scalars() const {
    return scalars_;
  }

  // Whether a column of losses.csv was logged as "training/NAME", not as
  // "loss/NAME".
  bool IsTraining(const std::string& column) const {
    return training_.count(column) > 0;
  }

  // When the first file was begun, in seconds since 1970; 0 without one.
  int64_t started() const { return started_; }

 private:
  struct Position {
    FileIdentity identity;
    int64_t offset = 0;
    bool is_damaged = false;
  };

  // Whether `folder` still has the files that were read.
  bool HasAllFiles(const SafeFolder& folder) const;
  // Reads the records that lie in `block` as a whole, and steps over a large
  // one; `bytes_left` is what the file has from the block's begin on. Returns
  // by how much to move on; 0 if the first record is being written.
  int64_t ReadRecords(absl::string_view block, int64_t bytes_left,
                      bool& is_damaged);
  void ReadEvent(const std::string& bytes);
  void AddScalar(const std::string& tag, int64_t step, double value);

  std::map<std::string, Position> positions_;  // by name
  std::map<std::string, std::map<int64_t, double>> scalars_;
  std::set<std::string> training_;
  int64_t started_ = 0;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_RUNS_EVENT_FOLLOWER_H_
