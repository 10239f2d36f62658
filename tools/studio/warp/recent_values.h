// A small cache of values that are costly to make.
#ifndef TOOLS_STUDIO_WARP_RECENT_VALUES_H_
#define TOOLS_STUDIO_WARP_RECENT_VALUES_H_

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/statusor.h"

namespace studio {

// The values that were used last, each made once for its key. Safe to use from
// many threads: two that want the same new value may both make it, and neither
// waits for the other.
template <typename Key, typename Value>
class RecentValues {
 public:
  using Made = absl::StatusOr<std::shared_ptr<const Value>>;

  // Keeps `count` values.
  explicit RecentValues(size_t count) : count_(count) {}

  // The value for `key`, which `make` gives if it is not there. An error of
  // `make` is returned and not kept.
  Made Get(const Key& key, const std::function<Made()>& make) {
    if (auto value = Find(key); value != nullptr) return value;
    Made made = make();
    if (made.ok()) Keep(key, *made);
    return made;
  }

 private:
  using Entry = std::pair<Key, std::shared_ptr<const Value>>;

  std::shared_ptr<const Value> Find(const Key& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (!(entry->first == key)) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->second;
    }
    return nullptr;
  }

  void Keep(const Key& key, const std::shared_ptr<const Value>& value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.remove_if([&](const Entry& entry) { return entry.first == key; });
    entries_.emplace_front(key, value);
    if (entries_.size() > count_) entries_.pop_back();
  }

  const size_t count_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the newest first
};

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_RECENT_VALUES_H_
