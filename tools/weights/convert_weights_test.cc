#include "tools/weights/convert_weights.h"

#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/read.h"
#include "networks/weights/safetensors.h"
#include "third_party/absl/status_matchers.h"
#include "tools/weights/diff.h"
#include "tools/weights/testing_weights.h"

namespace tools::weights {
namespace {

using ::networks::weights::ReadWeights;
using ::networks::weights::Weights;
using ::testing::HasSubstr;

TEST(Convert, GoesThroughEveryFormatUnchanged) {
  const std::string safetensors = TempPath("tiny.safetensors");
  const std::string pytorch = TempPath("tiny.pth.tar");
  std::ostringstream out;
  ConvertOptions options;
  options.overwrite = true;
  ASSERT_THAT(Convert(kTiny, safetensors, options, out), IsOk());
  ASSERT_THAT(Convert(safetensors, pytorch, options, out), IsOk());
  EXPECT_THAT(Diff(kTiny, safetensors, {}, out), IsOkAndHolds(true));
  EXPECT_THAT(Diff(kTiny, pytorch, {}, out), IsOkAndHolds(true));
  EXPECT_EQ(ReadWeights(safetensors)->metadata.at("epoch"), "12");
  EXPECT_EQ(ReadWeights(pytorch)->format, "PyTorch zip");
  EXPECT_THAT(out.str(), HasSubstr("wrote 19 tensors to " + pytorch));
}

TEST(Convert, GivesDamageNoNewChecksum) {
  const std::string input = TempPath("flipped.safetensors");
  ASSERT_THAT(
      networks::weights::WriteSafetensors(input, {{"a", torch::ones({2})}}, {},
                                          networks::weights::Checksum::kSha256),
      IsOk());
  std::string bytes = networks::files::ReadText(input);
  bytes[bytes.size() - 33] ^= 1;  // the last byte before the checksum
  std::ofstream(input, std::ios::binary) << bytes;
  std::ostringstream out;
  for (const char* name : {"of_flipped.safetensors", "of_flipped.pth"}) {
    EXPECT_THAT(Convert(input, TempPath(name), {}, out),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(input)));
    EXPECT_FALSE(std::filesystem::exists(TempPath(name)));
  }
}

TEST(Convert, ChangesDtypeAndNames) {
  const std::string input =
      Written("wide.safetensors", {{"a.w", torch::tensor({1.5, 1e6})},
                                   {"a.n", torch::tensor({7})},
                                   {"b.w", torch::ones({1})}});
  const std::string output = TempPath("half.safetensors");
  std::ostringstream out;
  ConvertOptions options;
  options.dtype = "float16";
  options.prefix = "a.";
  options.overwrite = true;
  ASSERT_THAT(Convert(input, output, options, out), IsOk());
  const Weights weights = ReadWeights(output).value();
  ASSERT_EQ(weights.tensors.size(), 2);
  EXPECT_EQ(weights.tensors.at("w").scalar_type(), torch::kHalf);
  EXPECT_EQ(weights.tensors.at("w")[0].item<float>(), 1.5);
  EXPECT_EQ(weights.tensors.at("n").scalar_type(), torch::kInt64);
  options.keep_prefix = true;
  ASSERT_THAT(Convert(input, output, options, out), IsOk());
  EXPECT_EQ(ReadWeights(output)->tensors.count("a.w"), 1);
  EXPECT_THAT(out.str(), HasSubstr("warning: w: 1 values are beyond float16"));
}

TEST(Convert, KeepsAChecksumThatIsThere) {
  using networks::weights::SafetensorsFile;
  const std::string with = TempPath("with.safetensors");
  const std::string converted = TempPath("converted.safetensors");
  ASSERT_THAT(
      networks::weights::WriteSafetensors(with, {{"a", torch::ones({2})}}, {},
                                          networks::weights::Checksum::kSha256),
      IsOk());
  std::ostringstream out;
  ASSERT_THAT(Convert(with, converted, {}, out), IsOk());
  const auto file = SafetensorsFile::Open(converted);
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->VerifyChecksum(), IsOk());
}

TEST(Convert, RefusesWhatItCannotDoAndWritesNothing) {
  const std::string input =
      Written("in.safetensors", {{"w", torch::ones({1})}});
  const std::string output = TempPath("never.safetensors");
  std::ostringstream out;
  const auto error_of = [&](const std::string& to, ConvertOptions options) {
    return Convert(input, to, options, out);
  };
  EXPECT_THAT(error_of(TempPath("a.onnx"), {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.onnx: the name must end in")));
  EXPECT_THAT(error_of(output, {"int8", "", false}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("dtype 'int8' is not")));
  EXPECT_THAT(error_of(output, {"", "x.", false}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no tensor whose name begins with 'x.'")));
  EXPECT_THAT(error_of(input, {}),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       HasSubstr("exists; name another output")));
  EXPECT_THAT(ReadWeights(output).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(output)));
}

}  // namespace
}  // namespace tools::weights
