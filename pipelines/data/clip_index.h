// Which clips a folder holds and what is in them. Private to this folder.
// Tested by dataset_test.cc.
#ifndef PIPELINES_DATA_CLIP_INDEX_H_
#define PIPELINES_DATA_CLIP_INDEX_H_

#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/data/dataset.h"

namespace pipelines::data {

struct ClipIndex {
  std::vector<IndexedClip> clips;  // those that can be read, by name
  std::vector<BadClip> bad;
};

// Looks at everything in the folder of options.split that may be a clip; not
// again at what has not changed since an earlier call, by its time and size.
// NotFound when there is nothing.
absl::StatusOr<ClipIndex> IndexClips(const DatasetOptions& options);

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_CLIP_INDEX_H_
