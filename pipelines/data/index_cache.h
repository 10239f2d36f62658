// The index of a folder of clips from one run to the next. Private to this
// folder.
//
// It lies in the folder itself, as the hidden file .clip_index, so that it goes
// where the clips go; or, where that cannot be written, in the user's cache
// folder. It carries a checksum; a damaged one is made anew. One of a later
// version, and one that may not be read, stay as they are.
#ifndef PIPELINES_DATA_INDEX_CACHE_H_
#define PIPELINES_DATA_INDEX_CACHE_H_

#include <map>
#include <string>
#include <vector>

#include "pipelines/data/clip_index.pb.h"

namespace pipelines::data {

// Name, time and size of what stands at `path`, all else unset; of a folder of
// frames, the last change of it or of a file in it, and the bytes of all files.
// A time of 0 if nothing stands there.
ClipRecord Stamp(const std::string& path, const std::string& name);

class IndexCache {
 public:
  // What was found at one of the two places.
  struct Saved {
    ClipIndexProto index;
    bool may_be_replaced = true;
  };

  // What was saved for `folder`; empty if nothing was.
  explicit IndexCache(std::string folder);

  // What is known of a clip with this stamp, or null.
  const ClipRecord* Find(const ClipRecord& stamp) const;

  // Replaces what was saved, unless the same is there already. Does what it
  // can: an index that cannot be written costs time, not correctness.
  void Save(const std::vector<ClipRecord>& records) const;

 private:
  std::string folder_;
  Saved in_folder_, in_users_cache_;
  std::multimap<std::string, ClipRecord> records_;  // by name, of both
};

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_INDEX_CACHE_H_
