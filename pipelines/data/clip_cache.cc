#include "pipelines/data/clip_cache.h"

namespace pipelines::data {

std::shared_ptr<const Clip> ClipCache::Find(int64_t key) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->clip;
}

void ClipCache::Insert(int64_t key, std::shared_ptr<const Clip> clip) {
  const int64_t num_bytes = clip->num_bytes();
  std::lock_guard<std::mutex> lock(mutex_);
  // Two threads may have decoded the same clip.
  if (num_bytes > max_bytes_ || places_.count(key) > 0) return;
  entries_.push_front({key, num_bytes, std::move(clip)});
  places_[key] = entries_.begin();
  num_bytes_ += num_bytes;
  Evict();
}

int64_t ClipCache::num_bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return num_bytes_;
}

void ClipCache::Evict() {
  while (num_bytes_ > max_bytes_) {
    num_bytes_ -= entries_.back().num_bytes;
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace pipelines::data
