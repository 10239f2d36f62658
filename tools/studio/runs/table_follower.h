// Follows a losses.csv or timing.csv while it grows.
#ifndef TOOLS_STUDIO_RUNS_TABLE_FOLLOWER_H_
#define TOOLS_STUDIO_RUNS_TABLE_FOLLOWER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/studio/runs/safe_folder.h"
#include "tools/studio/runs/thinned_table.h"

namespace studio {

// Reads what was added since the last time, whole lines only: one that is being
// written is read the next time. A file that was replaced or cut, as a run does
// that resumes, is read anew.
class TableFollower {
 public:
  explicit TableFollower(int max_points) : max_points_(max_points) {}

  // Reads on, at most `max_bytes`. True if nothing is left.
  absl::StatusOr<bool> Follow(const SafeFile& file, int64_t max_bytes);

  // Names of the columns after "step"; empty before the first line is there.
  const std::vector<std::string>& columns() const { return columns_; }
  // Null before the first line is there.
  const ThinnedTable* table() const { return table_ ? &*table_ : nullptr; }
  // Lines that are no row of the table.
  int64_t bad_lines() const { return bad_lines_ + (has_endless_line_ ? 1 : 0); }

 private:
  absl::StatusOr<bool> WasReplaced(const SafeFile& file) const;
  void Restart(FileIdentity identity);
  void ReadLine(absl::string_view line);
  void ReadHeader(absl::string_view line);

  const int max_points_;
  FileIdentity identity_;
  int64_t offset_ = 0;  // of what is to be read
  std::vector<std::string> columns_;
  std::optional<ThinnedTable> table_;
  int64_t bad_lines_ = 0;
  bool has_endless_line_ = false;  // at the end of the file
};

// The step of the last whole line at the end of such a file; -1 without one.
int64_t LastStepOf(const SafeFile& file);

}  // namespace studio

#endif  // TOOLS_STUDIO_RUNS_TABLE_FOLLOWER_H_
