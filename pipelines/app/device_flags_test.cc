#include "pipelines/app/device_flags.h"

#include <ATen/Context.h>
#include <torch/cuda.h>
#include <torch/utils.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SelectDevice, KnowsTheCpu) {
  ASSERT_THAT(SelectDevice("cpu"), IsOk());
  EXPECT_TRUE(SelectDevice("cpu")->is_cpu());
  EXPECT_THAT(SelectDevice("auto"), IsOk());
}

TEST(AllowTf32, IsForConvolutionsAndProducts) {
  for (const bool allowed : {true, false}) {
    AllowTf32(allowed);
    EXPECT_EQ(at::globalContext().allowTF32CuBLAS(), allowed);
    EXPECT_EQ(at::globalContext().allowTF32CuDNN(), allowed);
  }
}

TEST(SelectDevice, RefusesAnAbsentDevice) {
  EXPECT_THAT(
      SelectDevice("cuda:" + std::to_string(torch::cuda::device_count())),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("there is no cuda")));
}

TEST(SelectDevice, SaysWhatToDoAboutAnAbsentGpu) {
  const auto message = [](const std::string& name, const Gpus& gpus) {
    return std::string(SelectDevice(name, gpus).status().message());
  };
  EXPECT_THAT(message("cuda", {0, false}),
              AllOf(HasSubstr("has no CUDA"), HasSubstr("LIBTORCH")));
  EXPECT_THAT(message("cuda", {0, true}),
              AllOf(HasSubstr("nvidia-smi"), Not(HasSubstr("LIBTORCH"))));
  EXPECT_THAT(message("cuda:1", {1, true}), EndsWith("the only GPU is cuda:0"));
  EXPECT_THAT(message("cuda:4", {4, true}), EndsWith("are cuda:0 to cuda:3"));
  EXPECT_EQ(*SelectDevice("cuda:3", {4, true}), c10::Device(c10::kCUDA, 3));
}

// c10::Device takes "cuda:256" for the first GPU, "cuda:128" for none.
TEST(SelectDevice, RefusesAnAbsentDeviceOfAHighNumber) {
  for (const char* name : {"cuda:128", "cuda:256", "cuda:300"}) {
    EXPECT_THAT(SelectDevice(name), StatusIs(StatusCode::kFailedPrecondition,
                                             HasSubstr("there is no cuda")));
  }
}

TEST(SelectDevice, RefusesANameThatIsNone) {
  for (const char* name :
       {"gpu", "cpu:3", "cuda:", "cuda:-1", "cuda:x", "cuda:01", "mps"}) {
    EXPECT_THAT(SelectDevice(name), StatusIs(StatusCode::kInvalidArgument,
                                             HasSubstr("is no device")))
        << name;
  }
}

TEST(SetThreads, SetsTheCount) {
  ASSERT_THAT(SetThreads(1), IsOk());
  EXPECT_EQ(torch::get_num_threads(), 1);
  EXPECT_EQ(DescribeDevice(c10::kCPU), "CPU, 1 thread");
  EXPECT_THAT(SetThreads(-1), StatusIs(StatusCode::kInvalidArgument,
                                       HasSubstr("--threads is -1")));
  EXPECT_THAT(SetThreads(1'000'000'000),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("use 1 to 1024, or 0 for all cores")));
}

TEST(SetThreads, RefusesInstructionsThatItDoesNotKnow) {
  const ScopedEnvironment environment("CPAB_CPU_INSTRUCTIONS", "sse");
  EXPECT_THAT(SetThreads(1), StatusIs(StatusCode::kInvalidArgument,
                                      HasSubstr("CPAB_CPU_INSTRUCTIONS")));
}

}  // namespace
}  // namespace pipelines
