#include <torch/torch.h>

#include <limits>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/weights/read.h"
#include "networks/weights/safetensors.h"
#include "third_party/absl/status_matchers.h"
#include "tools/weights/convert.h"
#include "tools/weights/diff.h"
#include "tools/weights/list.h"

namespace tools::weights {
namespace {

using ::absl::StatusCode;
using ::networks::weights::ReadWeights;
using ::networks::weights::TensorMap;
using ::networks::weights::Weights;
using ::networks::weights::WriteSafetensors;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTiny[] = "networks/weights/testdata/tiny_legacy.pth";
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string TempPath(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

std::string Written(const std::string& name, const TensorMap& tensors) {
  const std::string path = TempPath(name);
  EXPECT_THAT(WriteSafetensors(path, tensors, {{"step", "3"}}), IsOk());
  return path;
}

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

bool Same(const std::string& a, const std::string& b,
          const DiffOptions& options = {}, std::string* text = nullptr) {
  std::ostringstream out;
  const bool same = Diff(a, b, options, out).value();
  if (text != nullptr) *text = out.str();
  return same;
}

TEST(Diff, FindsNothingInAFileAndItself) {
  EXPECT_TRUE(Same(kTiny, kTiny));
  const std::string nan =
      Written("nan.safetensors", {{"w", torch::full({2}, kNan)}});
  EXPECT_TRUE(Same(nan, nan));
}

TEST(Diff, NamesWhatDiffers) {
  const std::string a = Written("a.safetensors", {{"left", torch::ones({1})},
                                                  {"same", torch::ones({1})},
                                                  {"shape", torch::ones({1})},
                                                  {"dtype", torch::ones({1})},
                                                  {"value", torch::zeros({3})},
                                                  {"nan", torch::zeros({1})}});
  const std::string b =
      Written("b.safetensors", {{"right", torch::ones({1})},
                                {"same", torch::ones({1})},
                                {"shape", torch::ones({2, 1})},
                                {"dtype", torch::ones({1}, torch::kHalf)},
                                {"value", torch::tensor({0., .5, -.25})},
                                {"nan", torch::full({1}, kNan)}});
  std::string text;
  EXPECT_FALSE(Same(a, b, {}, &text));
  EXPECT_EQ(text,
            "! dtype: dtype float32 and float16\n"
            "- left: only in " +
                a +
                "\n"
                "! nan: 1 of 1 values differ, by at most inf\n"
                "! shape: shape 1 and 2x1\n"
                "! value: 2 of 3 values differ, by at most 0.5\n"
                "+ right: only in " +
                b +
                "\n"
                "1 tensors are the same, 6 differ\n");
}

TEST(Diff, TakesATolerance) {
  const std::string a = Written("a.safetensors", {{"w", torch::zeros({2})}});
  const std::string b =
      Written("b.safetensors", {{"w", torch::full({2}, 0.25, torch::kHalf)}});
  EXPECT_FALSE(Same(a, b, {0.5, false}));
  EXPECT_TRUE(Same(a, b, {0.25, true}));
  EXPECT_FALSE(Same(a, b, {0.125, true}));
}

TEST(Convert, GoesThroughEveryFormatUnchanged) {
  const std::string safetensors = TempPath("tiny.safetensors");
  const std::string pytorch = TempPath("tiny.pth.tar");
  std::ostringstream out;
  ConvertOptions options;
  options.overwrite = true;
  ASSERT_THAT(Convert(kTiny, safetensors, options, out), IsOk());
  ASSERT_THAT(Convert(safetensors, pytorch, options, out), IsOk());
  EXPECT_TRUE(Same(kTiny, safetensors));
  EXPECT_TRUE(Same(kTiny, pytorch));
  EXPECT_EQ(ReadWeights(safetensors)->metadata.at("epoch"), "12");
  EXPECT_EQ(ReadWeights(pytorch)->format, "PyTorch zip");
  EXPECT_THAT(out.str(), HasSubstr("wrote 19 tensors to " + pytorch));
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
