#include "cpab/torch/current_stream.h"

#include <c10/util/Exception.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

// Of all builds: with and without kernels, with and without a GPU.
TEST(CurrentStream, IsOfCudaDevicesAlone) {
  for (const char* const device : {"xpu:0", "privateuseone:0", "cpu"}) {
    try {
      CurrentStream(c10::Device(device));
      ADD_FAILURE() << device;
    } catch (const c10::Error& error) {
      EXPECT_THAT(error.what_without_backtrace(),
                  ::testing::AllOf(::testing::HasSubstr("kernels"),
                                   ::testing::HasSubstr(device)));
    }
  }
}

}  // namespace
}  // namespace cpab
