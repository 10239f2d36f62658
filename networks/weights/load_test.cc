#include "networks/weights/load.h"

#include <c10/core/InferenceMode.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"
#include "networks/weights/key_map.h"
#include "networks/weights/safetensors.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using ::networks::test_util::TensorNear;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Keys 0.weight, 0.bias, 1.weight, 1.bias, 1.running_mean, 1.running_var,
// 1.num_batches_tracked.
torch::nn::Sequential MakeModule(uint64_t seed, int64_t width = 4) {
  torch::manual_seed(seed);
  torch::nn::Sequential module(torch::nn::Linear(3, width),
                               torch::nn::BatchNorm1d(width));
  torch::NoGradGuard no_grad;
  for (torch::Tensor& p : module->parameters()) p.uniform_();
  module->named_buffers()["1.running_mean"].uniform_();
  return module;
}

TensorMap Copy(const TensorMap& tensors) {
  TensorMap copies;
  for (const auto& [key, tensor] : tensors) copies[key] = tensor.clone();
  return copies;
}

void ExpectEqual(const TensorMap& actual, const TensorMap& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [key, tensor] : expected) {
    EXPECT_TRUE(torch::equal(actual.at(key), tensor)) << key;
  }
}

TEST(StateDict, SharesParametersAndBuffersByKey) {
  torch::nn::Sequential module = MakeModule(1);
  const TensorMap state = StateDict(*module);
  std::vector<std::string> keys;
  for (const auto& [key, tensor] : state) keys.push_back(key);
  EXPECT_THAT(
      keys, ElementsAre("0.bias", "0.weight", "1.bias", "1.num_batches_tracked",
                        "1.running_mean", "1.running_var", "1.weight"));
  EXPECT_FALSE(state.at("0.weight").requires_grad());
  state.at("0.weight").fill_(5);
  EXPECT_EQ(module->parameters()[0][0][0].item<float>(), 5);
}

TEST(LoadInto, RestoresWhatStateDictSaved) {
  torch::nn::Sequential module = MakeModule(1);
  const TensorMap saved = Copy(StateDict(*MakeModule(2)));
  const torch::Tensor weight = module->parameters()[0];
  const LoadReport report = LoadInto(*module, saved, {}, "test").value();
  EXPECT_EQ(report.Summary(), "");
  EXPECT_EQ(report.loaded.size(), 7);
  ExpectEqual(StateDict(*module), saved);
  EXPECT_TRUE(weight.requires_grad());
  EXPECT_TRUE(torch::equal(weight, saved.at("0.weight")));  // In place.
}

TEST(LoadInto, NamesTheFirstMismatchWithBothShapesAndChangesNothing) {
  torch::nn::Sequential module = MakeModule(1);
  const TensorMap before = Copy(StateDict(*module));
  EXPECT_THAT(
      LoadInto(*module, StateDict(*MakeModule(2, 5)), {}, "a.pth").status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "a.pth: does not fit the model: tensor \"0.bias\" is [5] Float, "
               "the model's is [4] Float; 5 more of another shape"));
  ExpectEqual(StateDict(*module), before);
}

TEST(LoadInto, NamesMissingAndUnexpectedTensors) {
  torch::nn::Sequential module = MakeModule(1);
  TensorMap tensors = Copy(StateDict(*MakeModule(2)));
  tensors["2.weight"] = torch::zeros({1});
  tensors.erase("0.bias");
  tensors.erase("1.weight");
  EXPECT_THAT(LoadInto(*module, tensors, {}, "a.pth").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "a.pth: does not fit the model: 2 missing: 0.bias, "
                       "1.weight; 1 unexpected: 2.weight"));
}

TEST(LoadInto, LoadsWhatFitsIfNotStrict) {
  torch::nn::Sequential module = MakeModule(1);
  const torch::Tensor old_bias = StateDict(*module).at("0.bias").clone();
  TensorMap tensors = Copy(StateDict(*MakeModule(2)));
  tensors["0.bias"] = torch::zeros({5});
  tensors["2.weight"] = torch::zeros({1});
  tensors.erase("1.weight");
  LoadOptions options;
  options.strict = false;
  const LoadReport report =
      LoadInto(*module, tensors, options, "a.pth").value();
  EXPECT_THAT(report.missing, ElementsAre("1.weight"));
  EXPECT_THAT(report.unexpected, ElementsAre("2.weight"));
  ASSERT_EQ(report.mismatched.size(), 1);
  EXPECT_EQ(report.mismatched[0].key, "0.bias");
  EXPECT_EQ(report.loaded.size(), 5);
  const TensorMap state = StateDict(*module);
  EXPECT_TRUE(torch::equal(state.at("0.weight"), tensors.at("0.weight")));
  EXPECT_TRUE(torch::equal(state.at("0.bias"), old_bias));
}

// By which networks/cpu/weight_cache.h tells that they have changed.
TEST(LoadInto, GivesTensorsOfInferenceModeNewMemory) {
  const TensorMap tensors = Copy(StateDict(*MakeModule(2)));
  const torch::InferenceMode inference;
  torch::nn::Sequential module = MakeModule(1);
  const torch::Tensor weight = StateDict(*module).at("0.weight");
  ASSERT_THAT(LoadInto(*module, tensors, {}, "a.pth"), IsOk());
  const torch::Tensor loaded = StateDict(*module).at("0.weight");
  EXPECT_TRUE(torch::equal(loaded, tensors.at("0.weight")));
  EXPECT_NE(loaded.data_ptr(), weight.data_ptr());
}

TEST(LoadInto, RefusesAFileThatHasNothingForTheModule) {
  LoadOptions options;
  options.strict = false;
  const TensorMap other = {{"x", torch::zeros({1})}};
  EXPECT_THAT(LoadInto(*MakeModule(1), other, options, "a.pth").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("7 missing: 0.bias, 0.weight, 1.bias, ...")));
}

TEST(LoadInto, AllowsForMissingBatchCountersAndOptionalKeys) {
  TensorMap tensors = Copy(StateDict(*MakeModule(2)));
  tensors.erase("1.num_batches_tracked");
  EXPECT_THAT(LoadInto(*MakeModule(1), tensors, {}, "a.pth"), IsOk());
  tensors.erase("0.bias");
  EXPECT_FALSE(LoadInto(*MakeModule(1), tensors, {}, "a.pth").ok());
  LoadOptions options;
  options.optional = {"0.bias"};
  const LoadReport report =
      LoadInto(*MakeModule(1), tensors, options, "a.pth").value();
  EXPECT_THAT(report.missing, ElementsAre("0.bias", "1.num_batches_tracked"));
}

TEST(LoadInto, ConvertsToTheModulesDtype) {
  torch::nn::Sequential module = MakeModule(1);
  TensorMap tensors = Copy(StateDict(*MakeModule(2)));
  const torch::Tensor weight = tensors.at("0.weight");
  tensors["0.weight"] = weight.to(torch::kHalf);
  tensors["1.bias"] = torch::tensor({1, 2, 3, 4}, torch::kInt64);
  ASSERT_THAT(LoadInto(*module, tensors, {}, "a.pth"), IsOk());
  const TensorMap state = StateDict(*module);
  EXPECT_EQ(state.at("0.weight").scalar_type(), torch::kFloat32);
  // Half precision has 11 bits; values are below 1.
  EXPECT_THAT(state.at("0.weight"), TensorNear(weight, 1. / 2048));
  EXPECT_EQ(state.at("1.bias")[2].item<float>(), 3);
  // No way from fractions to a counter.
  tensors["1.num_batches_tracked"] = torch::tensor(0.5);
  EXPECT_THAT(LoadInto(*module, tensors, {}, "a.pth").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("[] Float"), HasSubstr("[] Long"))));
}

TEST(LoadInto, SharesTheMemoryOfAMappedFileIfAsked) {
  const std::string path = ::testing::TempDir() + "/shared.safetensors";
  const TensorMap saved = Copy(StateDict(*MakeModule(2)));
  ASSERT_THAT(WriteSafetensors(path, saved), IsOk());
  torch::nn::Sequential module = MakeModule(1);
  LoadOptions options;
  options.share_memory = true;
  {
    const auto file = SafetensorsFile::Open(path).value();
    const TensorMap tensors = file.tensors().value();
    ASSERT_THAT(LoadInto(*module, tensors, options, path), IsOk());
    EXPECT_EQ(module->parameters()[0].data_ptr(),
              tensors.at("0.weight").data_ptr());
  }
  ExpectEqual(StateDict(*module), saved);
  // Training goes on as ever, and the file stays as it is.
  torch::Tensor weight = module->parameters()[0];
  weight.sum().backward();
  torch::optim::SGD(module->parameters(), 0.5).step();
  EXPECT_THAT(weight.detach(), TensorNear(saved.at("0.weight") - 0.5, 1e-6));
  const auto file = SafetensorsFile::Open(path).value();
  EXPECT_TRUE(torch::equal(*file.tensor("0.weight"), saved.at("0.weight")));
}

TEST(LoadInto, LoadsOneModelOfSeveral) {
  TensorMap tensors;
  for (const auto& [key, tensor] : StateDict(*MakeModule(2))) {
    tensors["detector." + key] = tensor;
    tensors["other." + key] = tensor + 1;
  }
  torch::nn::Sequential module = MakeModule(1);
  LoadOptions options;
  options.key_map = StripPrefix("detector.");
  const LoadReport report =
      LoadInto(*module, tensors, options, "a.pth").value();
  EXPECT_THAT(report.unexpected, IsEmpty());
  ExpectEqual(StateDict(*module), StateDict(*MakeModule(2)));
  options.key_map = [](const std::string&) { return "0.weight"; };
  EXPECT_THAT(LoadInto(*module, tensors, options, "a.pth").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("another one is also for \"0.weight\"")));
}

TEST(LoadInto, NamesWhatTheTensorsAreWhereTheyDoNotFit) {
  auto module = MakeModule(1);
  LoadOptions options;
  options.key_map = [](const std::string& name) { return "b." + name; };
  options.name_of = [](const TensorMap& tensors) {
    return absl::StrCat("weights of ", tensors.begin()->first);
  };
  EXPECT_THAT(
      LoadInto(*module, {{"x", torch::zeros({1})}}, options, "a.pth").status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("does not fit the model: weights of b.x; ")));
}

}  // namespace
}  // namespace networks::weights
