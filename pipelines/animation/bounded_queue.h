// A queue between two threads that never holds more than so many items, so that
// memory stays flat however much faster one of them is.
#ifndef PIPELINES_ANIMATION_BOUNDED_QUEUE_H_
#define PIPELINES_ANIMATION_BOUNDED_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace pipelines {

// First in, first out. Safe to use from any number of threads.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False, without keeping `item`, once the queue is closed.
  bool Push(T item) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock,
                  [this] { return closed_ || items_.size() < capacity_; });
    return Append(std::move(item));
  }

  // Never waits: the oldest item makes room. For cameras, where a late frame is
  // worth less than the next.
  bool PushDroppingOldest(T item) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (items_.size() >= capacity_) items_.pop_front();
    return Append(std::move(item));
  }

  // Waits for an item. Empty once the queue is closed and all are taken.
  std::optional<T> Pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !items_.empty(); });
    return TakeFirst();
  }

  // Like Pop, without waiting: empty if nothing is there now.
  std::optional<T> TryPop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return TakeFirst();
  }

  // Nothing more comes; what is in the queue can still be taken.
  void Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  // Nothing more comes or goes.
  void Cancel() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    items_.clear();
    changed_.notify_all();
  }

 private:
  bool Append(T item) {
    if (closed_) return false;
    items_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }

  std::optional<T> TakeFirst() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_BOUNDED_QUEUE_H_
