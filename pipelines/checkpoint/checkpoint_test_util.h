// What the tests of checkpoints share: a training to be saved, and a folder.
#ifndef PIPELINES_CHECKPOINT_CHECKPOINT_TEST_UTIL_H_
#define PIPELINES_CHECKPOINT_CHECKPOINT_TEST_UTIL_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"

namespace pipelines {

inline void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// A training with something in every part of it.
struct Training {
  explicit Training(int seed, const std::vector<std::string>& overrides = {})
      : config(*TinyConfig(overrides)) {
    torch::manual_seed(seed);
    model = *AnimationModel::Create(config.model());
    adam.emplace(*model, AdamOptions());
    average.emplace(*model, 0.5);
    for (const torch::Tensor& p : model->parameters()) {
      p.mutable_grad() = torch::rand_like(p);
    }
    adam->Step(1e-2);
    average->Update(1);
  }

  Learnt learnt() { return {model.get(), &*adam, &*average}; }

  CheckpointState State(int64_t step) const {
    CheckpointState state;
    *state.mutable_config() = config;
    state.set_step(step);
    return state;
  }

  Config config;
  std::shared_ptr<AnimationModel> model;
  std::optional<Adam> adam;
  std::optional<WeightAverage> average;
};

inline void ExpectSame(const Learnt& a, const Learnt& b) {
  const auto tensors_a = TensorsOf(a);
  const auto tensors_b = TensorsOf(b);
  ASSERT_EQ(tensors_a.size(), tensors_b.size());
  for (const auto& [name, tensor] : tensors_a) {
    ASSERT_EQ(tensors_b.count(name), 1u) << name;
    EXPECT_TRUE(torch::equal(tensor, tensors_b.at(name))) << name;
  }
}

class CheckpointTest : public networks::files::FolderTest {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    torch::set_num_threads(1);
    path_ = folder_ + "/" + CheckpointName(3);
  }

  static absl::Status Accept(const CheckpointState&) {
    return absl::OkStatus();
  }

  std::string path_;
};

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_CHECKPOINT_TEST_UTIL_H_
