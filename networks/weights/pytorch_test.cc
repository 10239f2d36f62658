#include "networks/weights/pytorch.h"

#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/read.h"
#include "networks/weights/safetensors.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using files::ReadText;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kTestdata[] = "networks/weights/testdata/";

class TinyFileTest : public ::testing::TestWithParam<const char*> {
 protected:
  TinyFileTest()
      : path_(absl::StrCat(kTestdata, GetParam())),
        file_(PytorchFile::Open(path_).value()) {}

  const std::string path_;
  const PytorchFile file_;
};

INSTANTIATE_TEST_SUITE_P(Files, TinyFileTest,
                         ::testing::Values("tiny_zip.pth",
                                           "tiny_zip_protocol3.pth",
                                           "tiny_zip_protocol4.pth",
                                           "tiny_legacy.pth"));

// The path of an expected tensor, and the dtype that it had before it was
// widened to float32 for safetensors.
std::string PathOf(const std::string& name) {
  if (name == "nested.dict.x") return name;
  return absl::StrCat("model.", name.substr(0, name.find('@')));
}

TEST_P(TinyFileTest, HoldsTheTensorsThatPythonSaved) {
  const SafetensorsFile expected =
      SafetensorsFile::Open(
          absl::StrCat(kTestdata, "tiny_expected.safetensors"))
          .value();
  int compared = 0;
  for (const std::string& name : expected.names()) {
    SCOPED_TRACE(name);
    const torch::Tensor tensor = file_.tensor(PathOf(name)).value();
    const torch::Tensor value = expected.tensor(name).value();
    const bool is_widened = name.find('@') != std::string::npos;
    EXPECT_EQ(tensor.scalar_type() == value.scalar_type(), !is_widened);
    EXPECT_TRUE(torch::equal(tensor.to(value.scalar_type()), value));
    ++compared;
  }
  EXPECT_EQ(compared, 17);
  EXPECT_EQ(file_.tensor("model.half")->scalar_type(), torch::kHalf);
  EXPECT_EQ(file_.tensor("model.bf16")->scalar_type(), torch::kBFloat16);
  EXPECT_EQ(file_.names().size(), 19);
  EXPECT_EQ(file_.tensors()->size(), 19);
}

TEST_P(TinyFileTest, KeepsSharedStoragesShared) {
  torch::Tensor shared = file_.tensor("model.shared").value();
  const torch::Tensor slice = file_.tensor("model.slice_of_shared").value();
  EXPECT_TRUE(shared.is_alias_of(slice));
  EXPECT_FALSE(shared.is_alias_of(file_.tensor("model.a.bias").value()));
  const torch::Tensor before = slice.clone();
  shared.add_(1);
  EXPECT_TRUE(torch::equal(slice, before + 1));
  // The file itself has not changed.
  const torch::Tensor again =
      PytorchFile::Open(path_)->tensor("model.slice_of_shared").value();
  EXPECT_TRUE(torch::equal(again, before));
}

TEST_P(TinyFileTest, KeepsTensorsAliveWithoutTheFile) {
  const TensorMap tensors = PytorchFile::Open(path_)->tensors().value();
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(torch::equal(tensor, file_.tensor(name).value())) << name;
  }
}

TEST_P(TinyFileTest, NamesWhatIsNotThere) {
  EXPECT_THAT(file_.tensor("model.none").status(),
              StatusIs(absl::StatusCode::kNotFound,
                       path_ + ": has no tensor \"model.none\""));
}

TEST(PytorchFile, VerifiesChecksumsUnlessToldNotTo) {
  const std::string path = ::testing::TempDir() + "/damaged.pth";
  std::string bytes = ReadText(absl::StrCat(kTestdata, "tiny_zip.pth"));
  const PytorchFile intact =
      PytorchFile::Open(absl::StrCat(kTestdata, "tiny_zip.pth")).value();
  const torch::Tensor bias = intact.tensor("model.a.bias").value();
  const std::string pattern(static_cast<const char*>(bias.data_ptr()), 12);
  const size_t place = bytes.find(pattern);
  ASSERT_NE(place, std::string::npos);
  bytes[place] ^= 1;
  ASSERT_THAT(files::WriteAtomically(path, bytes), IsOk());
  const PytorchFile damaged = PytorchFile::Open(path).value();
  EXPECT_THAT(damaged.tensor("model.a.weight"), IsOk());
  EXPECT_THAT(damaged.tensor("model.a.bias").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(StartsWith(path + ": tensor \"model.a.bias\": "),
                             HasSubstr("checksum"))));
  EXPECT_FALSE(damaged.tensors().ok());
  PytorchOptions options;
  options.verify_checksums = false;
  EXPECT_THAT(PytorchFile::Open(path, options)->tensor("model.a.bias"), IsOk());
}

TEST(PytorchFile, SaysWhyItCannotOpen) {
  EXPECT_THAT(PytorchFile::Open("none.pth").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.pth")));
}

TEST(LoadFile, LoadsAPartOfACheckpoint) {
  torch::nn::Linear module(4, 3);
  LoadOptions options;
  options.key_map = StripPrefix("model.a.");
  const std::string path = absl::StrCat(kTestdata, "tiny_legacy.pth");
  const LoadReport report = LoadFile(*module, path, options).value();
  EXPECT_EQ(report.Summary(), "");
  EXPECT_TRUE(torch::equal(
      module->bias, PytorchFile::Open(path)->tensor("model.a.bias").value()));
}

}  // namespace
}  // namespace networks::weights
