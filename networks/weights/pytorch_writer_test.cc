#include "networks/weights/pytorch_writer.h"

#include <torch/types.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/weights/pytorch.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using ::testing::HasSubstr;

constexpr char kTestdata[] = "networks/weights/testdata/";

TEST(WritePytorch, WritesWhatPytorchFileReads) {
  const std::string path = ::testing::TempDir() + "/written.pth";
  const TensorMap tensors =
      PytorchFile::Open(absl::StrCat(kTestdata, "tiny_zip.pth"))
          ->tensors()
          .value();
  ASSERT_THAT(WritePytorch(path, tensors), IsOk());
  const PytorchFile file = PytorchFile::Open(path).value();
  EXPECT_EQ(file.names().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor read = file.tensor(name).value();
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(read, tensor)) << name;
    EXPECT_TRUE(read.is_contiguous()) << name;
  }
}

TEST(WritePytorch, WritesTheValuesOfNegatedAndConjugatedViews) {
  const std::string path = ::testing::TempDir() + "/views.pth";
  const torch::Tensor base = torch::arange(4.);
  const TensorMap tensors = {
      {"negated", torch::_neg_view(base)},
      {"conjugated", torch::complex(base, base + 1).conj()}};
  ASSERT_THAT(WritePytorch(path, tensors), IsOk());
  const PytorchFile file = PytorchFile::Open(path).value();
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(torch::equal(file.tensor(name).value(), tensor)) << name;
  }
}

TEST(WritePytorch, SaysWhyItCannotWrite) {
  EXPECT_THAT(WritePytorch("none/a.pth", {{"w", torch::ones({1})}}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/a.pth")));
  const std::string path = ::testing::TempDir() + "/unwritable.pth";
  EXPECT_THAT(WritePytorch(path, {{"w", torch::eye(2).to_sparse()}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("tensor \"w\": is undefined, sparse")));
  EXPECT_THAT(WritePytorch(path, {{"caf\xe9", torch::ones({1})}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("\"caf\\xe9\": its name is not UTF-8")));
  EXPECT_THAT(PytorchFile::Open(path).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
}

}  // namespace
}  // namespace networks::weights
