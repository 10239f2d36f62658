#include "losses/embedding_cache.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "networks/weights/sha256.h"
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

  // Twice the images, counting how many were computed.
  Tensor Through(EmbeddingCache& cache, const Tensor& images) {
    return cache.Through(images, [&](const Tensor& image) {
      ++computed_;
      return 2 * image;
    });
  }

  EmbeddingCacheOptions options_;
  int64_t computed_ = 0;
  const Tensor images_ = torch::arange(24).view({3, 8}).to(torch::kFloat32);
};

TEST_F(EmbeddingCacheTest, ComputesAnImageOnceAlsoAcrossRuns) {
  {
    EmbeddingCache cache = Open();
    EXPECT_TRUE(torch::equal(Through(cache, images_), 2 * images_));
    EXPECT_EQ(computed_, 3);
  }
  EmbeddingCache cache = Open();
  // In another order, with one that is new.
  Tensor images = images_.flip(0).clone();
  images[1] += 100;
  EXPECT_TRUE(torch::equal(Through(cache, images), 2 * images));
  EXPECT_EQ(computed_, 4);
  EXPECT_THAT(cache.insert_status(), IsOk());
}

TEST_F(EmbeddingCacheTest, TellsExtractorsAndShapesApart) {
  EmbeddingCache cache = Open();
  Through(cache, images_);
  EXPECT_FALSE(cache.Find(images_.narrow(0, 0, 1).view({1, 2, 4})).has_value());
  options_.extractor = "another";
  EmbeddingCache other = Open();
  EXPECT_FALSE(other.Find(images_.narrow(0, 0, 1)).has_value());
  EXPECT_EQ(other.size(), cache.size());  // the folder's budget is one
}

TEST_F(EmbeddingCacheTest, NamesAnExtractorByItsWeights) {
  torch::nn::Linear a(2, 3), b(2, 3);
  EXPECT_NE(ExtractorName(*a), ExtractorName(*b));
  torch::NoGradGuard no_grad;
  b->weight.copy_(a->weight);
  b->bias.copy_(a->bias);
  EXPECT_EQ(ExtractorName(*a), ExtractorName(*b));
}

// MobileSAM's image encoder normalises by statistics that are no weights.
TEST_F(EmbeddingCacheTest, NamesAnExtractorByItsStatistics) {
  torch::nn::BatchNorm2d a(2), b(2);
  EXPECT_EQ(ExtractorName(*a), ExtractorName(*b));
  b->running_mean.fill_(1);
  EXPECT_NE(ExtractorName(*a), ExtractorName(*b));
}

TEST_F(EmbeddingCacheTest, StaysWithinItsBudget) {
  options_.budget = 2000;  // some files of 32 bytes and a header
  EmbeddingCache cache = Open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(cache.Insert(images_[0] + i, images_[0]), IsOk());
  }
  EXPECT_GT(cache.size(), 0);
  int64_t on_disk = 0;
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    on_disk += static_cast<int64_t>(entry.file_size());
  }
  EXPECT_EQ(cache.size(), on_disk);
  EXPECT_LE(on_disk, options_.budget);
  EXPECT_TRUE(cache.Find(images_[0] + 0).has_value());
  EXPECT_FALSE(cache.Find(images_[0] + 19).has_value());
}

// Another process's files count, too, though not at once.
TEST_F(EmbeddingCacheTest, SharesItsBudgetWithOtherProcesses) {
  options_.budget = 64 * 1000;
  EmbeddingCache caches[] = {Open(), Open()};
  for (int i = 0; i < 400; ++i) {
    ASSERT_THAT(caches[i % 2].Insert(images_[0] + i, images_[0]), IsOk());
  }
  int64_t on_disk = 0, largest = 0;
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    const auto size = static_cast<int64_t>(entry.file_size());
    on_disk += size;
    largest = std::max(largest, size);
  }
  EXPECT_LE(on_disk, options_.budget + 2 * 32 * largest);
  EXPECT_LT(on_disk, 3 * options_.budget / 2);
}

TEST_F(EmbeddingCacheTest, ComputesWhatIsDamaged) {
  EmbeddingCache cache = Open();
  Through(cache, images_);
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    fs::resize_file(entry.path(), 20);
  }
  EXPECT_TRUE(torch::equal(Through(cache, images_), 2 * images_));
  EXPECT_EQ(computed_, 6);
  EXPECT_TRUE(cache.Find(images_.narrow(0, 0, 1)).has_value());
}

// Each embedding of 32 bytes has one bit flipped.
TEST_F(EmbeddingCacheTest, ComputesWhereABitIsFlipped) {
  EmbeddingCache cache = Open();
  Through(cache, images_);
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    std::fstream file(entry.path(),
                      std::ios::in | std::ios::out | std::ios::binary);
    const auto place = static_cast<int64_t>(entry.file_size()) -
                       networks::weights::Sha256::kSize - 1;
    file.seekg(place);
    const char byte = static_cast<char>(file.get());
    file.seekp(place);
    file.put(static_cast<char>(byte ^ 1));
  }
  EXPECT_TRUE(torch::equal(Through(cache, images_), 2 * images_));
  EXPECT_EQ(computed_, 6);
}

TEST_F(EmbeddingCacheTest, GoesOnWithoutItsFolder) {
  EmbeddingCache cache = Open();
  fs::remove_all(options_.folder);
  EXPECT_TRUE(torch::equal(Through(cache, images_), 2 * images_));
  EXPECT_THAT(cache.insert_status(),
              StatusIs(absl::StatusCode::kNotFound,
                       ::testing::HasSubstr(options_.folder)));
  // It does not try again for every image.
  fs::create_directories(options_.folder);
  Through(cache, images_);
  EXPECT_EQ(cache.size(), 0);
}

TEST_F(EmbeddingCacheTest, SaysThatItsFolderCannotBeMade) {
  std::ofstream(options_.folder) << "a file in the way";
  EXPECT_FALSE(EmbeddingCache::Open(options_).ok());
}

}  // namespace
}  // namespace losses
