// Decoded clips within a memory budget; the least recently used go first.
// Private to this folder.
#ifndef PIPELINES_DATA_CLIP_CACHE_H_
#define PIPELINES_DATA_CLIP_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "pipelines/data/clip.h"

namespace pipelines::data {

// Safe to use from many threads.
class ClipCache {
 public:
  explicit ClipCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // The clip stored under `key`, or null.
  std::shared_ptr<const Clip> Find(int64_t key);

  // Stores `clip`, unless it is larger than the whole budget.
  void Insert(int64_t key, std::shared_ptr<const Clip> clip);

  int64_t num_bytes() const;

 private:
  struct Entry {
    int64_t key;
    int64_t num_bytes;
    std::shared_ptr<const Clip> clip;
  };

  void Evict();

  const int64_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<int64_t, std::list<Entry>::iterator> places_;
  int64_t num_bytes_ = 0;
};

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_CLIP_CACHE_H_
