// At most so many at a time.
#ifndef TOOLS_STUDIO_BASE_LIMIT_H_
#define TOOLS_STUDIO_BASE_LIMIT_H_

#include <atomic>
#include <memory>

namespace studio {

// Safe to use from many threads. Outlives its places.
class Limit {
 public:
  explicit Limit(int most) : most_(most) {}

  // A place, which is free again when the last copy of it is gone; null where
  // all are taken.
  std::shared_ptr<void> Take() {
    if (taken_.fetch_add(1) >= most_) {
      --taken_;
      return nullptr;
    }
    return std::shared_ptr<void>(this, [this](void*) { --taken_; });
  }

 private:
  const int most_;
  std::atomic<int> taken_{0};
};

}  // namespace studio

#endif  // TOOLS_STUDIO_BASE_LIMIT_H_
