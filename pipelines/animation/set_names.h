// The names of a model's keypoint sets, which a user may write into a text file
// beside the checkpoint; keypoint_set_names.proto says how.
#ifndef PIPELINES_ANIMATION_SET_NAMES_H_
#define PIPELINES_ANIMATION_SET_NAMES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pipelines {

struct SetNames {
  // The file that they are from, or would be; empty where there can be none.
  std::string path;
  // Keypoint sets, from 1, of each name.
  std::map<std::string, std::vector<int>> sets;

  // The names of a set, from 1, with commas between; empty without one.
  std::string Of(int set) const;
};

// Those of `checkpoint` with `num_sets` keypoint sets; none where there is no
// file. The errors of ReadTextFormat; InvalidArgument naming the file, the
// entry, the field and its value for a name or number that cannot be.
absl::StatusOr<SetNames> ReadSetNames(const std::string& checkpoint,
                                      int num_sets);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_SET_NAMES_H_
