#include "tools/studio/jobs/device_in_use.h"

#include <cstdlib>
#include <filesystem>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::testing::HasSubstr;

class DeviceInUseTest : public networks::files::FolderTest {
 protected:
  DeviceInUseTest() {
    places_.processor = Path("cpuinfo");
    places_.nvidia_gpus = Path("gpus");
    places_.gpu_files = {Path("nvidiactl")};
    Write("cpuinfo",
          "processor\t: 0\nmodel name\t: AMD EPYC 9R14: 96 cores\n"
          "processor\t: 1\nmodel name\t: another\n");
  }

  DevicePlaces places_;
};

TEST_F(DeviceInUseTest, IsTheProcessorWhereThereIsNoGpu) {
  for (const char* asked : {"cpu", "auto"}) {
    const auto found = FindDevice(asked, places_);
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->device, "cpu");
    EXPECT_EQ(found->name, "AMD EPYC 9R14: 96 cores");
  }
}

TEST_F(DeviceInUseTest, HasNoNameWhereTheSystemTellsNone) {
  Write("cpuinfo", "processor : 0\n");
  const auto found = FindDevice("cpu", places_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->name, "");
}

// The file of a driver is there, but no GPU for LibTorch: the worker knows.
TEST_F(DeviceInUseTest, AsksTheWorkerWhereThereMayBeAGpu) {
  Write("nvidiactl", "");
  const auto found = FindDevice("auto", places_);
  ASSERT_THAT(found, IsOk());
  EXPECT_FALSE(found->device.empty());
  EXPECT_NE(found->device, "auto");
}

// They choose among GPUs for jobs, too.
TEST_F(DeviceInUseTest, AsksWithTheVariablesOfTheServer) {
  Write("worker",
        "#!/bin/sh\nprintf '{\"device\":\"%s\"}' \"$CUDA_VISIBLE_DEVICES\"\n");
  places_.worker = Path("worker");
  std::filesystem::permissions(places_.worker,
                               std::filesystem::perms::owner_all);
  ASSERT_EQ(setenv("CUDA_VISIBLE_DEVICES", "3", 1), 0);
  const auto found = FindDevice("cuda", places_);
  ASSERT_EQ(unsetenv("CUDA_VISIBLE_DEVICES"), 0);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->device, "3");
}

TEST_F(DeviceInUseTest, RefusesADeviceThatIsNotThere) {
  EXPECT_THAT(FindDevice("cuda:99", places_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--device: there is no cuda:99 here")));
  EXPECT_THAT(
      FindDevice("abacus", places_),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("abacus")));
}

TEST(ValueOfTest, TakesTheFirstLineOfTheName) {
  EXPECT_EQ(ValueOf("Model: \t NVIDIA H100 80GB HBM3\nIRQ: 1\n", "Model"),
            "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(ValueOf("Other Model: x", "Model"), "");
  EXPECT_EQ(ValueOf("Model", "Model"), "");
  EXPECT_EQ(ValueOf("", "Model"), "");
}

}  // namespace
}  // namespace studio
