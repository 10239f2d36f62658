#include "pipelines/app/allocation.h"

#include <sys/resource.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;

TEST(CheckAddressSpace, SaysWhatIsAllowedAndWhatIsNeeded) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit limit = {rlim_t{700} << 20, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  const absl::Status status = CheckAddressSpace();
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("700 MB of address space (ulimit -v); "
                                         "at least 1300 MB")));
  EXPECT_THAT(CheckAddressSpace(), IsOk());
}

}  // namespace
}  // namespace pipelines
