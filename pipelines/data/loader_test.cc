#include "pipelines/data/loader.h"

#include <sys/stat.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/data/dataset.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::data {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

constexpr int kClips = 7, kFrames = 8, kSide = 24;

std::unique_ptr<Dataset> MakeDataset(const std::string& name,
                                     int64_t cache_bytes = 1 << 20,
                                     int repeats = 1) {
  DatasetOptions options;
  options.root = media::TempFolder(name);
  mkdir((options.root + "/train").c_str(), 0755);
  for (int i = 0; i < kClips; ++i) {
    media::WriteNumberedStack(absl::StrCat(options.root, "/train/", i, ".png"),
                              kSide, kFrames);
  }
  options.seed = 9;
  options.cache_bytes = cache_bytes;
  options.repeats = repeats;
  options.max_bad_share = 0;
  options.augmentation.horizontal_flip = true;
  options.augmentation.brightness = 0.2;
  auto dataset = Dataset::Open(options);
  EXPECT_THAT(dataset, IsOk());
  return dataset.ok() ? *std::move(dataset) : nullptr;
}

std::unique_ptr<Loader> MustCreate(Dataset* dataset,
                                   const LoaderOptions& options) {
  auto loader = Loader::Create(dataset, options);
  EXPECT_THAT(loader, IsOk());
  return loader.ok() ? *std::move(loader) : nullptr;
}

std::vector<Batch> Take(Loader& loader, int num_batches) {
  std::vector<Batch> batches;
  for (int i = 0; i < num_batches; ++i) {
    auto batch = loader.Next();
    EXPECT_THAT(batch, IsOk());
    if (batch.ok()) batches.push_back(*batch);
  }
  return batches;
}

void ExpectEqual(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.pairs, b.pairs);
  EXPECT_TRUE(torch::equal(a.source, b.source));
  EXPECT_TRUE(torch::equal(a.driving, b.driving));
  EXPECT_EQ(a.position.epoch, b.position.epoch);
  EXPECT_EQ(a.position.step, b.position.step);
}

LoaderOptions Options(int batch_size, int num_workers) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.num_workers = num_workers;
  return options;
}

TEST(Loader, GivesFloatImagesInUnitRange) {
  const auto dataset = MakeDataset("shapes");
  const auto loader = MustCreate(dataset.get(), Options(2, 1));
  const Batch batch = Take(*loader, 1).at(0);
  for (const torch::Tensor& images : {batch.source, batch.driving}) {
    EXPECT_EQ(images.sizes(), (std::vector<int64_t>{2, 3, kSide, kSide}));
    EXPECT_EQ(images.scalar_type(), torch::kFloat32);
    EXPECT_GE(images.min().item<float>(), 0);
    EXPECT_LE(images.max().item<float>(), 1);
    EXPECT_GT(images.max().item<float>(), 0.5);
  }
}

// The sequence law of loader.h; two epochs and a bit, so that their borders are
// crossed while workers are ahead.
TEST(Loader, SequenceDoesNotDependOnWorkersNorOnTheCache) {
  const auto dataset = MakeDataset("workers");
  constexpr int kBatches = 8;
  const auto alone = MustCreate(dataset.get(), Options(2, 0));
  EXPECT_EQ(alone->steps_per_epoch(), kClips / 2);
  const std::vector<Batch> expected = Take(*alone, kBatches);
  for (int num_workers : {1, 2, 5}) {
    const auto cold = MakeDataset("workers", /*cache_bytes=*/0);
    for (Dataset* source : {dataset.get(), cold.get()}) {
      LoaderOptions options = Options(2, num_workers);
      options.num_prefetched = num_workers;
      const auto loader = MustCreate(source, options);
      const std::vector<Batch> batches = Take(*loader, kBatches);
      for (int i = 0; i < kBatches; ++i) {
        ExpectEqual(batches[static_cast<size_t>(i)],
                    expected[static_cast<size_t>(i)]);
      }
    }
  }
}

// As where several processes go on with what one has begun.
TEST(Loader, BeginsTheNextEpochWhereItsStartIsBehindTheLastStep) {
  const auto dataset = MakeDataset("behind");
  const int64_t steps =
      MustCreate(dataset.get(), Options(2, 0))->steps_per_epoch();
  for (const int64_t step : {steps, steps + 1, 3 * steps + 1}) {
    LoaderOptions options = Options(2, 0);
    options.start = {5, step};
    const LoaderPosition position =
        MustCreate(dataset.get(), options)->position();
    EXPECT_EQ(position.epoch, 6) << step;
    EXPECT_EQ(position.step, 0) << step;
  }
}

TEST(Loader, GoesOnFromEveryPosition) {
  const auto dataset = MakeDataset("resume");
  const auto whole = MustCreate(dataset.get(), Options(2, 1));
  const std::vector<Batch> expected = Take(*whole, 8);
  const auto first = MustCreate(dataset.get(), Options(2, 2));
  for (int taken = 0; taken < 7; ++taken) {
    LoaderOptions options = Options(2, 2);
    options.start = first->position();
    const auto resumed = MustCreate(dataset.get(), options);
    ExpectEqual(Take(*resumed, 1).at(0), expected[static_cast<size_t>(taken)]);
    Take(*first, 1);
  }
}

TEST(Loader, ShardsTogetherGiveTheBatchesOfOne) {
  const auto dataset = MakeDataset("shards");
  const auto one = MustCreate(dataset.get(), Options(2, 1));
  std::vector<std::unique_ptr<Loader>> shards;
  for (int i = 0; i < 2; ++i) {
    LoaderOptions options = Options(1, 1);
    options.num_shards = 2;
    options.shard_index = i;
    shards.push_back(MustCreate(dataset.get(), options));
    EXPECT_EQ(shards.back()->steps_per_epoch(), one->steps_per_epoch());
  }
  for (const Batch& whole : Take(*one, 5)) {
    for (int64_t i = 0; i < 2; ++i) {
      const Batch part = Take(*shards[static_cast<size_t>(i)], 1).at(0);
      EXPECT_TRUE(torch::equal(part.source[0], whole.source[i]));
      EXPECT_TRUE(torch::equal(part.driving[0], whole.driving[i]));
    }
  }
}

// The pairs of the next `steps` steps from *position, which moves on: four a
// step, of `processes` one after the other.
std::vector<std::string> PairsOfSteps(Dataset* dataset, int processes,
                                      int num_workers, int steps,
                                      LoaderPosition* position) {
  std::vector<std::unique_ptr<Loader>> loaders;
  for (int i = 0; i < processes; ++i) {
    LoaderOptions options = Options(4 / processes, num_workers);
    options.num_shards = processes;
    options.shard_index = i;
    options.start = *position;
    loaders.push_back(MustCreate(dataset, options));
  }
  std::vector<std::string> pairs;
  for (int step = 0; step < steps; ++step) {
    for (const std::unique_ptr<Loader>& loader : loaders) {
      const Batch batch = Take(*loader, 1).at(0);
      pairs.insert(pairs.end(), batch.pairs.begin(), batch.pairs.end());
    }
  }
  *position = loaders[0]->position();
  return pairs;
}

// 28 samples are an epoch of seven steps; two more are of the next epoch.
TEST(Loader, GivesTheSamePairsToAnyNumberOfProcessesAndWorkers) {
  const auto dataset = MakeDataset("lists", 1 << 20, /*repeats=*/4);
  constexpr int kSteps = 9;
  LoaderPosition end;
  const std::vector<std::string> expected =
      PairsOfSteps(dataset.get(), 1, 0, kSteps, &end);
  EXPECT_EQ(end.epoch, 1);
  for (int processes : {1, 2, 4}) {
    for (int num_workers : {0, 1, 2, 4}) {
      LoaderPosition position;
      EXPECT_EQ(PairsOfSteps(dataset.get(), processes, num_workers, kSteps,
                             &position),
                expected)
          << processes << " processes, " << num_workers << " workers";
    }
  }
}

// Each of the seven clips four times.
TEST(Loader, GivesAnEpochOnceToTwoThenOneThenFourProcesses) {
  constexpr int kRepeats = 4;
  const auto dataset = MakeDataset("changing", 1 << 20, kRepeats);
  LoaderPosition end;
  const std::vector<std::string> epoch =
      PairsOfSteps(dataset.get(), 1, 1, 7, &end);
  EXPECT_EQ(end.epoch, 1);
  EXPECT_EQ(end.step, 0);
  LoaderPosition position;
  std::vector<std::string> seen;
  for (const auto& [processes, steps] :
       {std::pair(2, 2), std::pair(1, 3), std::pair(4, 2)}) {
    for (const std::string& pair :
         PairsOfSteps(dataset.get(), processes, 1, steps, &position)) {
      seen.push_back(pair);
    }
  }
  EXPECT_EQ(seen, epoch);
  std::map<std::string, int> visits;
  for (const std::string& pair : seen) ++visits[pair.substr(0, pair.find(' '))];
  EXPECT_EQ(visits.size(), size_t{kClips});
  for (const auto& [clip, count] : visits) EXPECT_EQ(count, kRepeats) << clip;
}

// Seven samples are three batches of two, of which two make a step.
TEST(Loader, EpochsAreMultiplesOfTheBatchesOfAStep) {
  const auto dataset = MakeDataset("steps");
  LoaderOptions options = Options(2, 1);
  EXPECT_EQ(MustCreate(dataset.get(), options)->steps_per_epoch(), 3);
  options.batches_per_step = 2;
  const auto loader = MustCreate(dataset.get(), options);
  EXPECT_EQ(loader->steps_per_epoch(), 2);
  EXPECT_EQ(Take(*loader, 3).at(2).position.epoch, 1);
}

// Where another process's dataset is smaller. What is left out of this epoch
// is as likely as any other sample to be in the next.
TEST(Loader, EpochsEndWhereTheyAreToldTo) {
  const auto dataset = MakeDataset("ends");
  LoaderOptions options = Options(2, 1);
  const auto whole = MustCreate(dataset.get(), options);
  options.max_steps_per_epoch = 2;
  EXPECT_EQ(Loader::StepsPerEpoch(*dataset, options), 2);
  const auto short_one = MustCreate(dataset.get(), options);
  const std::vector<Batch> all = Take(*whole, 5);
  const std::vector<Batch> few = Take(*short_one, 4);
  ExpectEqual(few[1], all[1]);
  ExpectEqual(few[2], all[3]);
  ExpectEqual(few[3], all[4]);
  options.max_steps_per_epoch = 9;
  EXPECT_EQ(MustCreate(dataset.get(), options)->steps_per_epoch(), 3);
}

TEST(Loader, PassesErrorsOnAndRepeatsThem) {
  const auto dataset = MakeDataset("errors", /*cache_bytes=*/0);
  for (int i = 0; i < kClips; ++i) {
    unlink(
        absl::StrCat(media::TempPath("errors"), "/train/", i, ".png").c_str());
  }
  for (int num_workers : {0, 2}) {
    const auto loader = MustCreate(dataset.get(), Options(2, num_workers));
    const absl::Status status = loader->Next().status();
    EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition,
                                 HasSubstr("cannot be read")));
    EXPECT_EQ(loader->Next().status(), status);
  }
}

// As lack of memory does in a worker.
TEST(Loader, ThrowsInItsCallersThreadWhatAWorkerThrew) {
  if (torch::cuda::is_available()) {
    GTEST_SKIP() << "page-locked memory is to be had here";
  }
  const auto dataset = MakeDataset("throws");
  LoaderOptions options = Options(2, 2);
  options.page_locked = true;
  const auto loader = MustCreate(dataset.get(), options);
  EXPECT_ANY_THROW(loader->Next().IgnoreError());
  EXPECT_ANY_THROW(loader->Next().IgnoreError());
}

TEST(Loader, NamesBadOptions) {
  const auto dataset = MakeDataset("options");
  EXPECT_THAT(Loader::Create(dataset.get(), Options(0, 1)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("batch_size")));
  EXPECT_THAT(Loader::Create(dataset.get(), Options(2, -1)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("num_workers")));
  EXPECT_THAT(
      Loader::Create(dataset.get(), Options(kClips + 1, 1)),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("raise data.repeats")));
  LoaderOptions options = Options(2, 1);
  options.shard_index = 1;
  EXPECT_THAT(Loader::Create(dataset.get(), options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("shard_index")));
}

}  // namespace
}  // namespace pipelines::data
