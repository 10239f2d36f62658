#include "losses/embedding_cache.h"

#include <torch/torch.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace losses {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

class EmbeddingCacheTest : public ::testing::Test {
 protected:
  EmbeddingCacheTest() {
    options_.folder =
        ::testing::TempDir() + "/embeddings_" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    options_.extractor = "twice";
    fs::remove_all(options_.folder);
  }

  EmbeddingCache Open() { return *EmbeddingCache::Open(options_); }

  // Twice the images, counting how many were asked for.
  Tensor Through(EmbeddingCache& cache, const std::vector<std::string>& frames,
                 const Tensor& images) {
    return cache.Through(frames, images, [&](const Tensor& some) {
      computed_ += some.size(0);
      return 2 * some;
    });
  }

  EmbeddingCacheOptions options_;
  int64_t computed_ = 0;
  const Tensor images_ = torch::arange(24).view({3, 8}).to(torch::kFloat32);
};

TEST_F(EmbeddingCacheTest, ComputesAFrameOnceAlsoAcrossRuns) {
  {
    EmbeddingCache cache = Open();
    EXPECT_TRUE(
        torch::equal(Through(cache, {"a", "b", "c"}, images_), 2 * images_));
    EXPECT_EQ(computed_, 3);
  }
  EmbeddingCache cache = Open();
  // In another order, with one that is new.
  const Tensor images = images_.flip(0);
  EXPECT_TRUE(
      torch::equal(Through(cache, {"c", "new", "a"}, images), 2 * images));
  EXPECT_EQ(computed_, 4);
  EXPECT_THAT(cache.insert_status(), IsOk());
}

TEST_F(EmbeddingCacheTest, NeverKeepsAnAugmentedFrame) {
  EmbeddingCache cache = Open();
  Through(cache, {"", "", ""}, images_);
  Through(cache, {"", "", ""}, images_);
  EXPECT_EQ(computed_, 6);
  EXPECT_EQ(cache.size(), 0);
}

TEST_F(EmbeddingCacheTest, TellsExtractorsApart) {
  EmbeddingCache cache = Open();
  Through(cache, {"a", "b", "c"}, images_);
  options_.extractor = "another";
  EmbeddingCache other = Open();
  EXPECT_FALSE(other.Find("a").has_value());
  EXPECT_EQ(other.size(), cache.size());  // the folder's budget is one
}

TEST_F(EmbeddingCacheTest, StaysWithinItsBudget) {
  options_.budget = 2000;  // some files of 32 bytes and a header
  EmbeddingCache cache = Open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(cache.Insert(std::to_string(i), images_[0]), IsOk());
  }
  EXPECT_GT(cache.size(), 0);
  int64_t on_disk = 0;
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    on_disk += static_cast<int64_t>(entry.file_size());
  }
  EXPECT_EQ(cache.size(), on_disk);
  EXPECT_LE(on_disk, options_.budget);
  EXPECT_TRUE(cache.Find("0").has_value());
  EXPECT_FALSE(cache.Find("19").has_value());
}

TEST_F(EmbeddingCacheTest, StoresInHalfTheSize) {
  options_.stored_as = torch::kFloat16;
  EmbeddingCache cache = Open();
  ASSERT_THAT(cache.Insert("a", images_[1]), IsOk());
  const auto found = cache.Find("a");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::equal(*found, images_[1]));  // small integers are exact
}

TEST_F(EmbeddingCacheTest, ComputesWhatIsDamaged) {
  EmbeddingCache cache = Open();
  Through(cache, {"a", "b", "c"}, images_);
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    fs::resize_file(entry.path(), 20);
  }
  EXPECT_TRUE(
      torch::equal(Through(cache, {"a", "b", "c"}, images_), 2 * images_));
  EXPECT_EQ(computed_, 6);
  EXPECT_TRUE(cache.Find("a").has_value());
}

TEST_F(EmbeddingCacheTest, GoesOnWithoutItsFolder) {
  EmbeddingCache cache = Open();
  fs::remove_all(options_.folder);
  EXPECT_TRUE(
      torch::equal(Through(cache, {"a", "b", "c"}, images_), 2 * images_));
  EXPECT_THAT(cache.insert_status(),
              StatusIs(absl::StatusCode::kNotFound,
                       ::testing::HasSubstr(options_.folder)));
}

TEST_F(EmbeddingCacheTest, SaysThatItsFolderCannotBeMade) {
  std::ofstream(options_.folder) << "a file in the way";
  EXPECT_FALSE(EmbeddingCache::Open(options_).ok());
}

}  // namespace
}  // namespace losses
