#include "pipelines/parallel/process_environment.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::parallel {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

class ProcessEnvironmentTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
          "MASTER_PORT"}) {
      Set(name, std::nullopt);
    }
  }
  void Set(const char* name, const std::optional<std::string>& value) {
    variables_.push_back(std::make_unique<ScopedEnvironment>(name, value));
  }
  ~ProcessEnvironmentTest() override {
    while (!variables_.empty()) variables_.pop_back();
  }

 private:
  std::vector<std::unique_ptr<ScopedEnvironment>> variables_;
};

TEST_F(ProcessEnvironmentTest, IsOneProcessWithoutVariables) {
  const auto environment = ReadProcessEnvironment();
  ASSERT_THAT(environment, IsOk());
  EXPECT_FALSE(environment->is_parallel());
}

TEST_F(ProcessEnvironmentTest, ReadsTorchrunsVariables) {
  Set("WORLD_SIZE", "4");
  Set("RANK", "3");
  Set("LOCAL_RANK", "1");
  Set("LOCAL_WORLD_SIZE", "2");
  Set("MASTER_ADDR", "node0");
  Set("MASTER_PORT", "29500");
  const auto environment = ReadProcessEnvironment();
  ASSERT_THAT(environment, IsOk());
  EXPECT_EQ(environment->size, 4);
  EXPECT_EQ(environment->rank, 3);
  EXPECT_EQ(environment->local_rank, 1);
  EXPECT_EQ(environment->local_size, 2);
  EXPECT_EQ(environment->address, "node0");
  EXPECT_EQ(environment->port, 29500);
}

TEST_F(ProcessEnvironmentTest, NamesTheVariableThatIsMissingOrWrong) {
  Set("WORLD_SIZE", "2");
  EXPECT_THAT(ReadProcessEnvironment(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("RANK")));
  Set("RANK", "2");
  EXPECT_THAT(ReadProcessEnvironment(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'2'")));
  Set("RANK", "1");
  Set("MASTER_PORT", "123");
  EXPECT_THAT(ReadProcessEnvironment(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("MASTER_ADDR")));
}

}  // namespace
}  // namespace pipelines::parallel
