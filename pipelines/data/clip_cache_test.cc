#include "pipelines/data/clip_cache.h"

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/data/clip.h"

namespace pipelines::data {
namespace {

constexpr int64_t kFrameBytes = 8 * 8 * 3;

std::shared_ptr<const Clip> ClipOf(int num_frames) {
  auto clip = std::make_shared<Clip>();
  for (int i = 0; i < num_frames; ++i) {
    clip->frames.emplace_back(8, 8, CV_8UC3, cv::Scalar::all(i));
  }
  return clip;
}

TEST(ClipCache, GivesBackTheClipOfAKey) {
  ClipCache cache(10 * kFrameBytes);
  EXPECT_EQ(cache.Find(7), nullptr);
  const auto clip = ClipOf(2), other = ClipOf(3);
  cache.Insert(7, clip);
  cache.Insert(8, other);
  EXPECT_EQ(cache.Find(7), clip);
  EXPECT_EQ(cache.Find(8), other);
  EXPECT_EQ(cache.Find(9), nullptr);
  EXPECT_EQ(cache.num_bytes(), 5 * kFrameBytes);
}

TEST(ClipCache, FillsItsBudgetToTheLastByte) {
  ClipCache cache(3 * kFrameBytes);
  for (int64_t key = 0; key < 3; ++key) cache.Insert(key, ClipOf(1));
  for (int64_t key = 0; key < 3; ++key) EXPECT_NE(cache.Find(key), nullptr);
  EXPECT_EQ(cache.num_bytes(), 3 * kFrameBytes);
}

TEST(ClipCache, DropsTheClipThatWasNotUsedForLongest) {
  ClipCache cache(3 * kFrameBytes);
  for (int64_t key = 0; key < 3; ++key) cache.Insert(key, ClipOf(1));
  // 1 is now the one that was used before all others.
  ASSERT_NE(cache.Find(0), nullptr);
  cache.Insert(3, ClipOf(1));
  EXPECT_EQ(cache.Find(1), nullptr);
  EXPECT_NE(cache.Find(2), nullptr);
  EXPECT_NE(cache.Find(0), nullptr);
  EXPECT_NE(cache.Find(3), nullptr);
  EXPECT_EQ(cache.num_bytes(), 3 * kFrameBytes);
}

TEST(ClipCache, DropsAsManyAsANewOneNeeds) {
  ClipCache cache(4 * kFrameBytes);
  for (int64_t key = 0; key < 4; ++key) cache.Insert(key, ClipOf(1));
  cache.Insert(4, ClipOf(3));
  for (int64_t key = 0; key < 3; ++key) EXPECT_EQ(cache.Find(key), nullptr);
  EXPECT_NE(cache.Find(3), nullptr);
  EXPECT_NE(cache.Find(4), nullptr);
  EXPECT_EQ(cache.num_bytes(), 4 * kFrameBytes);
}

TEST(ClipCache, TakesADroppedClipAgain) {
  ClipCache cache(kFrameBytes);
  const auto clip = ClipOf(1);
  cache.Insert(0, clip);
  cache.Insert(1, ClipOf(1));
  ASSERT_EQ(cache.Find(0), nullptr);
  cache.Insert(0, clip);
  EXPECT_EQ(cache.Find(0), clip);
  EXPECT_EQ(cache.Find(1), nullptr);
}

// Nothing is dropped for it.
TEST(ClipCache, LeavesOutAClipLargerThanItsBudget) {
  ClipCache cache(2 * kFrameBytes);
  cache.Insert(0, ClipOf(2));
  cache.Insert(1, ClipOf(3));
  EXPECT_NE(cache.Find(0), nullptr);
  EXPECT_EQ(cache.Find(1), nullptr);
  EXPECT_EQ(cache.num_bytes(), 2 * kFrameBytes);
}

TEST(ClipCache, KeepsTheFirstClipOfAKey) {
  ClipCache cache(10 * kFrameBytes);
  const auto clip = ClipOf(2);
  cache.Insert(0, clip);
  cache.Insert(0, ClipOf(3));
  EXPECT_EQ(cache.Find(0), clip);
  EXPECT_EQ(cache.num_bytes(), 2 * kFrameBytes);
}

TEST(ClipCache, LeavesADroppedClipToWhoHoldsIt) {
  ClipCache cache(kFrameBytes);
  cache.Insert(0, ClipOf(1));
  const std::shared_ptr<const Clip> held = cache.Find(0);
  cache.Insert(1, ClipOf(1));
  ASSERT_EQ(cache.Find(0), nullptr);
  EXPECT_EQ(held->num_bytes(), kFrameBytes);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ClipCache, KeepsToItsBudgetWithManyThreads) {
  ClipCache cache(5 * kFrameBytes);
  std::vector<std::thread> threads;
  for (int64_t first = 0; first < 4; ++first) {
    threads.emplace_back([&cache, first] {
      for (int64_t i = 0; i < 200; ++i) {
        const int64_t key = (first + 3 * i) % 11;
        if (cache.Find(key) == nullptr) cache.Insert(key, ClipOf(1));
        EXPECT_LE(cache.num_bytes(), 5 * kFrameBytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.num_bytes(), 5 * kFrameBytes);
}

}  // namespace
}  // namespace pipelines::data
