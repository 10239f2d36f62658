#include "networks/weights/safetensors.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using files::ReadText;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string TempPath(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

TEST(Safetensors, ReadsWhatItWroteInEveryDtype) {
  const std::string path = TempPath("dtypes.safetensors");
  torch::manual_seed(1);
  TensorMap tensors;
  for (const auto dtype :
       {torch::kBool, torch::kUInt8, torch::kInt8, torch::kInt16, torch::kInt32,
        torch::kInt64, torch::kHalf, torch::kBFloat16, torch::kFloat32,
        torch::kFloat64, torch::kComplexFloat}) {
    tensors[toString(dtype)] =
        (torch::rand({3, 5}) * 100 - (dtype == torch::kBool ? 50 : 0))
            .round()
            .to(dtype);
  }
  ASSERT_THAT(WriteSafetensors(path, tensors, {{"step", "12"}}), IsOk());
  const SafetensorsFile file = SafetensorsFile::Open(path).value();
  EXPECT_EQ(file.metadata(), (StringMap{{"step", "12"}}));
  EXPECT_EQ(file.path(), path);
  EXPECT_EQ(file.names().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(file.Contains(name));
    const torch::Tensor read = file.tensor(name).value();
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(torch::equal(read, tensor)) << name;
  }
  EXPECT_EQ(file.tensors().value().size(), tensors.size());
}

TEST(Safetensors, ChecksumIsNoTensorOfTheFile) {
  const std::string path = TempPath("checksum.safetensors");
  const TensorMap tensors = {{"a", torch::arange(6.)},
                             {"b", torch::ones({3}, torch::kUInt8)}};
  ASSERT_THAT(WriteSafetensors(path, tensors, {}, Checksum::kSha256), IsOk());
  const SafetensorsFile file = SafetensorsFile::Open(path).value();
  EXPECT_TRUE(file.has_checksum());
  EXPECT_THAT(file.VerifyChecksum(), IsOk());
  EXPECT_THAT(file.names(), ElementsAre("a", "b"));
  EXPECT_TRUE(torch::equal(*file.tensor("b"), tensors.at("b")));
}

TEST(Safetensors, NamesAFileWithoutChecksum) {
  const std::string path = TempPath("no_checksum.safetensors");
  ASSERT_THAT(WriteSafetensors(path, {{"a", torch::ones({2})}}), IsOk());
  EXPECT_THAT(SafetensorsFile::Open(path)->VerifyChecksum(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path)));
}

// What helps with most such files comes first.
TEST(Safetensors, SaysWhatADamagedFileNeeds) {
  const std::string path = TempPath("damaged.safetensors");
  ASSERT_THAT(
      WriteSafetensors(path, {{"a", torch::ones({2})}}, {}, Checksum::kSha256),
      IsOk());
  std::string bytes = ReadText(path);
  bytes.back() ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_THAT(SafetensorsFile::Open(path)->VerifyChecksum(),
              StatusIs(absl::StatusCode::kDataLoss,
                       MatchesRegex(path + ": .*download it again.*rewrote.*"
                                           "drop the tensor __sha256__")));
}

// Every bit of the file, one after the other, and every length.
TEST(Safetensors, ChecksumFindsEveryFlippedBitAndEveryTruncation) {
  const std::string path = TempPath("whole.safetensors");
  ASSERT_THAT(WriteSafetensors(path, {{"a", torch::arange(5.)}},
                               {{"state", "step: 3"}}, Checksum::kSha256),
              IsOk());
  const std::string whole = ReadText(path);
  const auto is_whole = [&](const std::string& contents) {
    const std::string damaged = TempPath("damaged.safetensors");
    std::ofstream(damaged, std::ios::binary) << contents;
    const auto file = SafetensorsFile::Open(damaged);
    return file.ok() && file->VerifyChecksum().ok();
  };
  EXPECT_TRUE(is_whole(whole));
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(is_whole(flipped)) << "bit " << bit;
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(is_whole(whole.substr(0, size))) << size << " bytes";
  }
}

TEST(Safetensors, WritesViewsScalarsAndEmptyTensors) {
  const std::string path = TempPath("views.safetensors");
  const torch::Tensor base = torch::arange(24.).reshape({4, 6});
  const TensorMap tensors = {
      {"transposed", base.t()},
      {"strided", base.slice(1, 1, 6, 2)},
      {"expanded", base[0].expand({3, 6})},
      {"scalar", torch::tensor(2.5)},
      {"empty", torch::empty({0, 7})},
      {"negated", torch::_neg_view(base)},
      {"conjugated", torch::complex(base, base + 1).conj()},
      {"parameter", base.clone().set_requires_grad(true)}};
  ASSERT_THAT(WriteSafetensors(path, tensors), IsOk());
  const TensorMap read = SafetensorsFile::Open(path)->tensors().value();
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(torch::equal(read.at(name), tensor)) << name;
  }
}

TEST(Safetensors, WritesTheSameBytesForTheSameTensors) {
  const TensorMap tensors = {{"b", torch::ones({3})},
                             {"a", torch::zeros({2}, torch::kBool)}};
  ASSERT_THAT(WriteSafetensors(TempPath("1"), tensors, {{"k", "v"}}), IsOk());
  ASSERT_THAT(WriteSafetensors(TempPath("2"), tensors, {{"k", "v"}}), IsOk());
  EXPECT_EQ(ReadText(TempPath("1")), ReadText(TempPath("2")));
}

TEST(Safetensors, MapsTensorsThatOutliveTheFile) {
  const std::string path = TempPath("mapped.safetensors");
  ASSERT_THAT(WriteSafetensors(path, {{"a", torch::arange(4.)}}), IsOk());
  torch::Tensor a;
  {
    const SafetensorsFile file = SafetensorsFile::Open(path).value();
    a = file.tensor("a").value();
    EXPECT_EQ(a.data_ptr(), file.tensor("a").value().data_ptr());
  }
  // Replacing the file leaves what was read from the old one.
  ASSERT_THAT(WriteSafetensors(path, {{"a", torch::zeros({4})}}), IsOk());
  a.add_(1);
  EXPECT_TRUE(torch::equal(a, torch::arange(4.) + 1));
  EXPECT_TRUE(torch::equal(SafetensorsFile::Open(path)->tensor("a").value(),
                           torch::zeros({4})));
}

TEST(Safetensors, ReadsTensorsThatAreNotAligned) {
  const std::string path = TempPath("unaligned.safetensors");
  const std::string json =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
      R"("b":{"dtype":"I32","shape":[1],"data_offsets":[1,5]},)"
      R"("c":{"dtype":"BOOL","shape":[2],"data_offsets":[5,7]}})";
  ASSERT_THAT(files::WriteAtomically(
                  path, std::string(1, json.size()) + std::string(7, '\0') +
                            json + std::string("\x05\x01\x02\0\0\xff\0", 7)),
              IsOk());
  const SafetensorsFile file = SafetensorsFile::Open(path).value();
  EXPECT_EQ(file.tensor("b")->item<int32_t>(), 0x201);
  // 255 is no bool; it counts as true.
  EXPECT_TRUE(torch::equal(*file.tensor("c"), torch::tensor({true, false})));
}

TEST(Safetensors, NamesWhatIsNotThere) {
  const std::string path = TempPath("one.safetensors");
  ASSERT_THAT(WriteSafetensors(path, {{"a", torch::ones({1})}}), IsOk());
  EXPECT_THAT(
      SafetensorsFile::Open(path)->tensor("b").status(),
      StatusIs(absl::StatusCode::kNotFound, path + ": has no tensor \"b\""));
  EXPECT_THAT(SafetensorsFile::Open(path + ".none").status(),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr(path + ".none"),
                             HasSubstr("No such file or directory"))));
  EXPECT_THAT(SafetensorsFile::Open(::testing::TempDir()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is a folder; name a file in it")));
}

// Without the guard of the mapping each touch of it would be a SIGBUS.
TEST(Safetensors, SaysThatTheFileWasCutShortWhileItWasRead) {
  const std::string path = TempPath("cut.safetensors");
  const TensorMap tensors = {{"a", torch::ones({100000})}};
  ASSERT_THAT(WriteSafetensors(path, tensors, {}, Checksum::kSha256), IsOk());
  const SafetensorsFile file = SafetensorsFile::Open(path).value();
  const torch::Tensor early = file.tensor("a").value();
  EXPECT_THAT(file.Check(), IsOk());
  std::filesystem::resize_file(path, 8192);
  EXPECT_LT(early.sum().item<float>(), 100000);
  const auto is_unavailable = StatusIs(
      absl::StatusCode::kUnavailable,
      AllOf(HasSubstr(path), HasSubstr("changed it while it was read")));
  EXPECT_THAT(file.Check(), is_unavailable);
  EXPECT_THAT(file.VerifyChecksum(), is_unavailable);
}

TEST(Safetensors, IsNotWrittenFromAFileThatIsCutShort) {
  const std::string from = TempPath("from.safetensors");
  const std::string to = TempPath("to.safetensors");
  for (const Checksum checksum : {Checksum::kNone, Checksum::kSha256}) {
    ASSERT_THAT(WriteSafetensors(from, {{"a", torch::ones({100000})}}), IsOk());
    const TensorMap tensors = SafetensorsFile::Open(from)->tensors().value();
    std::filesystem::resize_file(from, 8192);
    EXPECT_FALSE(WriteSafetensors(to, tensors, {}, checksum).ok());
    EXPECT_FALSE(std::filesystem::exists(to));
  }
}

TEST(Safetensors, NamesDtypesThatLibTorchLacks) {
  const std::string path = TempPath("u16.safetensors");
  const std::string json =
      R"({"a":{"dtype":"U16","shape":[1],"data_offsets":[0,2]}})";
  ASSERT_THAT(
      files::WriteAtomically(path, std::string(1, json.size()) +
                                       std::string(7, '\0') + json + "xx"),
      IsOk());
  const SafetensorsFile file = SafetensorsFile::Open(path).value();
  EXPECT_THAT(file.tensor("a").status(),
              StatusIs(absl::StatusCode::kUnimplemented,
                       path + ": tensor \"a\": LibTorch has no dtype U16"));
  EXPECT_FALSE(file.tensors().ok());
}

TEST(Safetensors, NamesTensorsThatItCannotWriteAndWritesNothing) {
  const std::string path = TempPath("unwritable.safetensors");
  const auto error_of = [&path](const torch::Tensor& tensor) {
    return WriteSafetensors(path, {{"good", torch::ones({1})}, {"w", tensor}});
  };
  EXPECT_THAT(error_of(torch::Tensor()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       path + ": tensor \"w\": is undefined"));
  EXPECT_THAT(error_of(torch::zeros({1}, torch::kComplexDouble)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no dtype ComplexDouble")));
  EXPECT_THAT(
      error_of(torch::eye(2).to_sparse()),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not dense")));
  EXPECT_THAT(SafetensorsFile::Open(path).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
}

}  // namespace
}  // namespace networks::weights
