#include "tools/weights/list.h"

#include <torch/types.h>

#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/weights/testing_weights.h"

namespace tools::weights {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(List, DescribesEveryTensor) {
  const std::string path =
      Written("list.safetensors", {{"w", torch::tensor({{1., 3.}})},
                                   {"count", torch::tensor(7)},
                                   {"none", torch::empty({0, 2})}});
  std::ostringstream out;
  ASSERT_THAT(List(path, {}, out), IsOk());
  EXPECT_EQ(out.str(),
            "name   shape   dtype            mean           std\n"
            "count  scalar  int64               7             0\n"
            "none   0x2     float32             -             -\n"
            "w      1x2     float32             2             1\n"
            "3 tensors, 3 elements, 0.0 MB (safetensors)\n");
}

TEST(List, TakesAPrefixAndMetadata) {
  std::ostringstream out;
  ASSERT_THAT(List(kTiny, {"model.a.", true}, out), IsOk());
  EXPECT_THAT(
      out.str(),
      AllOf(HasSubstr("2 tensors, 15 elements"), HasSubstr("\nepoch = 12\n"),
            HasSubstr("(PyTorch legacy)"), Not(HasSubstr("model.b"))));
}

TEST(List, RefusesAPrefixThatNoNameHas) {
  std::ostringstream out;
  EXPECT_THAT(List(kTiny, {"zzz", false}, out),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("no tensor whose name begins with 'zzz'")));
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace tools::weights
