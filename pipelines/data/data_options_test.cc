// The schema's defaults and those of the option structs are one.
//
// A structured binding has as many names as the struct has members: a new one
// does not compile here until it is compared.
#include "pipelines/data/data_options.h"

#include <tuple>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

auto Members(const data::AugmentationOptions& options) {
  const auto& [horizontal_flip, time_flip, brightness, contrast, saturation,
               hue, max_zoom] = options;
  return std::tuple(horizontal_flip, time_flip, brightness, contrast,
                    saturation, hue, max_zoom);
}

// A data set without a word about augmentation has none, as the test split; it
// is the config of a training that has the paper's by default.
TEST(DataOptions, OfADataSetHaveTheDefaultsOfTheSchema) {
  const auto members = [](const data::DatasetOptions& options) {
    const auto& [root, split, image_size, id_sampling, repeats, augmentation,
                 distance, cache_bytes, max_bad_share, seed, num_index_threads,
                 index_progress] = options;
    return std::tuple(root, split, id_sampling, repeats, Members(augmentation),
                      distance.start, distance.doubling_epochs, cache_bytes,
                      max_bad_share, seed, num_index_threads);
  };
  data::DatasetOptions test;
  test.split = "test";
  EXPECT_EQ(members(test), members(DatasetOptionsOf(DataConfig(), "test")));
}

TEST(DataOptions, AugmentTheTrainingSplitOnly) {
  DataConfig config;
  config.mutable_augmentation()->set_max_zoom(0.25);
  const auto train = DatasetOptionsOf(config, "train").augmentation;
  EXPECT_TRUE(train.horizontal_flip);
  EXPECT_TRUE(train.time_flip);
  EXPECT_EQ(train.max_zoom, 0.25);
  EXPECT_EQ(Members(DatasetOptionsOf(config, "test").augmentation),
            Members(data::AugmentationOptions()));
}

TEST(DataOptions, SampleByIdentitiesInTheTrainingSplitOnly) {
  DataConfig config;
  config.set_id_sampling(true);
  EXPECT_TRUE(DatasetOptionsOf(config, "train").id_sampling);
  EXPECT_FALSE(DatasetOptionsOf(config, "test").id_sampling);
}

TEST(DataOptions, LimitDistancesInTheTrainingSplitOnly) {
  DataConfig config;
  config.mutable_frame_distance()->set_start(2);
  EXPECT_EQ(DatasetOptionsOf(config, "train").frame_distance.start, 2);
  EXPECT_EQ(DatasetOptionsOf(config, "test").frame_distance.start, 0);
}

// All but the size, which is the config's.
TEST(DataOptions, OfPuppetsHaveTheDefaultsOfTheSchema) {
  const auto members = [](const puppets::PuppetOptions& options) {
    const auto& [size, num_train, num_test, frames_per_clip, seed,
                 camera_motion, write_flow, supersampling] = options;
    return std::tuple(num_train, num_test, frames_per_clip, seed, camera_motion,
                      write_flow, supersampling);
  };
  EXPECT_EQ(members(puppets::PuppetOptions()),
            members(PuppetOptionsOf(DataConfig())));
}

}  // namespace
}  // namespace pipelines
