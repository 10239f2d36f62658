#include "pipelines/base/shipped_file.h"

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ShippedFileTest : public ::testing::Test {
 protected:
  ShippedFileTest() {
    std::ofstream(folder_ + "/demo.textproto") << "a: 1";
    std::ofstream(folder_ + "/mine.textproto") << "a: 2";
  }

  const std::string folder_ = testing::TempDir();
};

TEST_F(ShippedFileTest, PrefersTheShippedOneOfThatName) {
  EXPECT_THAT(ShippedOrUserFile("config", folder_, "demo"),
              IsOkAndHolds(folder_ + "/demo.textproto"));
}

TEST_F(ShippedFileTest, OtherwiseTakesTheUsersFile) {
  const std::string mine = folder_ + "/mine.textproto";
  EXPECT_THAT(ShippedOrUserFile("config", "/nowhere", mine),
              IsOkAndHolds(mine));
}

TEST_F(ShippedFileTest, NamesWhatIsShippedWhereThereIsNeither) {
  EXPECT_THAT(ShippedOrUserFile("config", folder_, "/no/face"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("/no/face: there is no such config"),
                             HasSubstr("demo, mine"))));
}

}  // namespace
}  // namespace pipelines
