#include "networks/weights/read.h"

#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/pytorch.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/safetensors.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using files::ReadText;
using ::testing::HasSubstr;

constexpr char kTestdata[] = "networks/weights/testdata/";

TEST(ReadWeights, TellsFormatsByContent) {
  const auto format_of = [](const std::string& name) {
    return ReadWeights(absl::StrCat(kTestdata, name))->format;
  };
  EXPECT_EQ(format_of("tiny_zip.pth"), "PyTorch zip");
  EXPECT_EQ(format_of("tiny_legacy.pth"), "PyTorch legacy");
  EXPECT_EQ(format_of("tiny_expected.safetensors"), "safetensors");
  const Weights zip =
      ReadWeights(absl::StrCat(kTestdata, "tiny_zip.pth")).value();
  EXPECT_EQ(zip.metadata.at("epoch"), "12");
  EXPECT_EQ(zip.tensors.size(), 19);
  const std::string path = ::testing::TempDir() + "/text.pth";
  ASSERT_THAT(files::WriteAtomically(path, "these are no weights.."), IsOk());
  EXPECT_THAT(ReadWeights(path).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       path + ": is neither a safetensors file nor one of "
                              "torch.save (22 bytes)"));
}

// The length of such a header begins with the byte that pickles begin with.
TEST(ReadWeights, ReadsSafetensorsWithAHeaderOf384Bytes) {
  const std::string path = ::testing::TempDir() + "/header.safetensors";
  const std::string name(384 - 57, 'n');
  ASSERT_THAT(WriteSafetensors(path, {{name, torch::ones({1})}}), IsOk());
  ASSERT_EQ(ReadText(path).substr(0, 2), std::string("\x80\x01"));
  EXPECT_EQ(ReadWeights(path)->format, "safetensors");
}

TEST(ReadWeights, SaysThatTheFileWasCutShortWhileItWasRead) {
  const std::string path = ::testing::TempDir() + "/cut.pth";
  ASSERT_THAT(WritePytorch(path, {{"a", torch::ones({100000})}}), IsOk());
  const Weights weights = ReadWeights(path).value();
  const PytorchFile file = PytorchFile::Open(path).value();
  EXPECT_THAT(weights.Check(), IsOk());
  std::filesystem::resize_file(path, 8192);
  EXPECT_LT(weights.tensors.at("a").sum().item<float>(), 100000);
  const auto is_unavailable =
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr(path));
  EXPECT_THAT(weights.Check(), is_unavailable);
  EXPECT_THAT(file.tensor("a").status(), is_unavailable);
}

TEST(ReadWeights, GivesWhatNoWriterTakesFromAFileThatHasChanged) {
  const std::string from = ::testing::TempDir() + "/changed.safetensors";
  const std::string to = ::testing::TempDir() + "/of_changed";
  ASSERT_THAT(WriteSafetensors(from, {{"a", torch::ones({100})}}), IsOk());
  const Weights weights = ReadWeights(from).value();
  const MappedFile* source = weights.file.get();
  std::ofstream(from, std::ios::app) << "more";
  const auto is_unavailable =
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr(from));
  EXPECT_THAT(
      WriteSafetensors(to, weights.tensors, {}, Checksum::kSha256, source),
      is_unavailable);
  EXPECT_THAT(WritePytorch(to, weights.tensors, source), is_unavailable);
  EXPECT_FALSE(std::filesystem::exists(to));
}

}  // namespace
}  // namespace networks::weights
