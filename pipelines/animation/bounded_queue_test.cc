#include "pipelines/animation/bounded_queue.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(BoundedQueue, IsFirstInFirstOut) {
  BoundedQueue<int> queue(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.Push(i));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.Pop(), i);
  EXPECT_EQ(queue.TryPop(), std::nullopt);
}

TEST(BoundedQueue, HoldsNoMoreThanItMay) {
  BoundedQueue<int> queue(4);
  std::atomic<int> pushed{0}, popped{0}, most{0};
  std::thread producer([&] {
    for (int i = 0; i < 2000; ++i) {
      queue.Push(i);
      ++pushed;
    }
    queue.Close();
  });
  int next = 0;
  while (const std::optional<int> item = queue.Pop()) {
    EXPECT_EQ(*item, next++);
    // What was pushed and not popped: in the queue, or counted a moment later.
    most = std::max(most.load(), pushed.load() - popped.load());
    ++popped;
  }
  producer.join();
  EXPECT_EQ(next, 2000);
  EXPECT_LE(most.load(), 4 + 1);
}

TEST(BoundedQueue, DropsTheOldestForWhoDoesNotWait) {
  BoundedQueue<int> queue(2);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(queue.PushDroppingOldest(i));
  EXPECT_EQ(queue.Pop(), 3);
  EXPECT_EQ(queue.Pop(), 4);
  EXPECT_EQ(queue.TryPop(), std::nullopt);
}

TEST(BoundedQueue, GivesWhatIsInItAfterItIsClosed) {
  BoundedQueue<int> queue(3);
  queue.Push(1);
  queue.Push(2);
  queue.Close();
  EXPECT_FALSE(queue.Push(3));
  EXPECT_FALSE(queue.PushDroppingOldest(3));
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), 2);
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(BoundedQueue, GivesNothingAfterItIsCancelled) {
  BoundedQueue<int> queue(3);
  queue.Push(1);
  queue.Cancel();
  EXPECT_EQ(queue.Pop(), std::nullopt);
  EXPECT_FALSE(queue.Push(2));
}

TEST(BoundedQueue, WakesWhoWaitsWhereItEnds) {
  for (const bool cancel : {false, true}) {
    BoundedQueue<int> empty(1), full(1);
    full.Push(0);
    bool is_pushed = true;
    std::optional<int> popped = 1;
    std::thread pops([&] { popped = empty.Pop(); });
    std::thread pushes([&] { is_pushed = full.Push(1); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // both wait
    for (BoundedQueue<int>* queue : {&empty, &full}) {
      cancel ? queue->Cancel() : queue->Close();
    }
    pops.join();
    pushes.join();
    EXPECT_EQ(popped, std::nullopt);
    EXPECT_FALSE(is_pushed);
  }
}

TEST(BoundedQueue, TakesWhatCanOnlyBeMoved) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.Push(std::make_unique<int>(7)));
  EXPECT_EQ(**queue.Pop(), 7);
}

}  // namespace
}  // namespace pipelines
