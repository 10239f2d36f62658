#include "networks/weights/pytorch_format.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/zip_builder.h"
#include "networks/weights/zip_index.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ReadTestdata(const std::string& name) {
  std::string bytes = files::ReadText("networks/weights/testdata/" + name);
  EXPECT_FALSE(bytes.empty()) << name;
  return bytes;
}

template <size_t N>
std::string Raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

std::string Little(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes.push_back(value >> 8 * i & 0xff);
  return bytes;
}
// A 64-bit integer, and a short string.
std::string Long(int64_t value) { return "\x8a\x08" + Little(value, 8); }
std::string Text(const std::string& text) {
  return std::string("\x8c") + static_cast<char>(text.size()) + text;
}
std::string Tuple(const std::vector<int64_t>& values) {
  std::string items = "(";
  for (const int64_t value : values) items += Long(value);
  return items + "t";
}

// One float tensor, as torch.save describes it.
struct TensorSpec {
  std::string storage = "0";
  int64_t storage_size = 4;
  int64_t offset = 0;
  std::vector<int64_t> shape = {2, 2};
  std::vector<int64_t> strides = {2, 1};
};

std::string PickleOf(const TensorSpec& spec) {
  return absl::StrCat("ctorch._utils\n_rebuild_tensor_v2\n((", Text("storage"),
                      "ctorch\nFloatStorage\n", Text(spec.storage), Text("cpu"),
                      Long(spec.storage_size), "tQ", Long(spec.offset),
                      Tuple(spec.shape), Tuple(spec.strides),
                      "\x89"
                      "ccollections\nOrderedDict\n)RtR");
}

// {"w": tensor} as a pickle.
std::string DictOf(const TensorSpec& spec) {
  return "\x80\x02}" + Text("w") + PickleOf(spec) + "s.";
}

std::string ZipOf(const TensorSpec& spec) {
  return BuildZip({Item("m/data.pkl", DictOf(spec)),
                   Item("m/data/0", std::string(16, '\x01'))});
}

std::string LegacyHead() {
  return Raw("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") +
         Raw("\x80\x02M\xe9\x03.") + "\x80\x02}" + Text("little_endian") +
         "\x88s.";
}

std::string LegacyOf(const TensorSpec& spec, int64_t count = 4) {
  return LegacyHead() + DictOf(spec) + "\x80\x02](" + Text("0") + "e." +
         Little(count, 8) + std::string(16, '\x01');
}

absl::Status ErrorOf(const std::string& file) {
  return ParsePytorch(file, "a.pth").status();
}
auto IsError(const std::string& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument,
                  AllOf(HasSubstr("a.pth: "), HasSubstr(message)));
}

class TinyFileTest : public ::testing::TestWithParam<const char*> {
 protected:
  const std::string file_ = ReadTestdata(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Files, TinyFileTest,
                         ::testing::Values("tiny_zip.pth",
                                           "tiny_zip_protocol3.pth",
                                           "tiny_zip_protocol4.pth",
                                           "tiny_legacy.pth"));

TEST_P(TinyFileTest, HoldsScalarsOfEveryKind) {
  const PytorchContents contents = ParsePytorch(file_, "tiny").value();
  const std::map<std::string, std::string> expected = {
      {"epoch", "12"},
      {"lr", "0.0001"},
      {"nested.big", "1180591620717411303424"},
      {"nested.bytes", "b'\\x00\\xff'"},
      {"nested.list.0", "1"},
      {"nested.list.1", "2.5"},
      {"nested.list.2", "s"},
      {"nested.list.3", "None"},
      {"nested.list.4", "True"},
      {"nested.list.5.0", "3"},
      {"nested.list.5.1", "4"},
      {"nested.neg", "-5"},
      {"nested.unicode", "h\xc3\xa9llo"},
      {"optimizer.param_groups.0.betas.0", "0.5"},
      {"optimizer.param_groups.0.betas.1", "0.999"},
      {"optimizer.param_groups.0.lr", "0.1"},
      {"optimizer.param_groups.0.params.0", "0"},
      {"optimizer.param_groups.0.params.1", "1"}};
  EXPECT_EQ(contents.scalars, expected);
}

TEST_P(TinyFileTest, DescribesViewsOfSharedStorages) {
  const PytorchContents contents = ParsePytorch(file_, "tiny").value();
  const auto view = [&contents](const std::string& name) {
    return *contents.tensors.at("model." + name);
  };
  EXPECT_EQ(view("shared").storage, view("slice_of_shared").storage);
  EXPECT_EQ(view("shared").storage, view("strided").storage);
  EXPECT_EQ(view("strided").strides, std::vector<int64_t>{3});
  EXPECT_EQ(view("strided").offset, 1);
  EXPECT_EQ(view("transposed").strides, (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(view("expanded").strides, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(view("bf16").type, ElementType::kBfloat16);
  EXPECT_EQ(contents.tensors.size(), 19);
}

TEST_P(TinyFileTest, IsAnErrorWhereverItIsCut) {
  for (size_t size = 0; size < file_.size(); ++size) {
    EXPECT_FALSE(ParsePytorch(file_.substr(0, size), "cut").ok()) << size;
  }
}

// Bytes of each storage, if the checksums agree.
absl::StatusOr<std::map<std::string, std::string>> StoragesOf(
    const std::string& file) {
  const auto contents = ParsePytorch(file, "damaged");
  if (!contents.ok()) return contents.status();
  std::map<std::string, std::string> storages;
  for (const auto& [key, range] : contents->storages) {
    if (range.begin > range.end || range.end > file.size()) {
      return absl::InternalError("a storage reaches out of the file");
    }
    if (range.crc32.has_value()) {
      const absl::Status intact =
          CheckZipEntry(file, {range.begin, range.end, *range.crc32});
      if (!intact.ok()) return intact;
    }
    storages[key] = file.substr(range.begin, range.end - range.begin);
  }
  return storages;
}

// 29 is coprime to 8: every place in a byte gets its turn.
TEST_P(TinyFileTest, SurvivesFlippedBits) {
  const auto intact = StoragesOf(file_).value();
  const bool has_checksums = IsZipArchive(file_);
  for (size_t bit = 0; bit < 8 * file_.size(); bit += 29) {
    std::string damaged = file_;
    damaged[bit / 8] ^= 1 << bit % 8;
    const auto storages = StoragesOf(damaged);
    EXPECT_FALSE(absl::IsInternal(storages.status())) << "bit " << bit;
    if (storages.ok() && has_checksums) {
      EXPECT_EQ(*storages, intact) << "bit " << bit;
    }
  }
}

TEST(ParsePytorch, ReadsTheFilesThatTheNextTestsDamage) {
  EXPECT_THAT(ErrorOf(ZipOf({})), IsOk());
  EXPECT_THAT(ErrorOf(LegacyOf({})), IsOk());
}

struct BadTensor {
  TensorSpec spec;
  std::string reason;
};

class BadTensorTest : public ::testing::TestWithParam<BadTensor> {};

TEST_P(BadTensorTest, IsAnErrorThatNamesIt) {
  const auto is_error = IsError("tensor \"w\": " + GetParam().reason);
  EXPECT_THAT(ErrorOf(ZipOf(GetParam().spec)), is_error);
  EXPECT_THAT(ErrorOf(LegacyOf(GetParam().spec)), is_error);
}

constexpr int64_t kMax = INT64_MAX;

INSTANTIATE_TEST_SUITE_P(
    Views, BadTensorTest,
    ::testing::Values(
        BadTensor{{"0", 4, 1, {2, 2}, {2, 1}},
                  "reaches to element 5 of a storage of 4"},
        BadTensor{{"0", 4, 5, {}, {}},
                  "reaches to element 6 of a storage of 4"},
        BadTensor{{"0", 4, 5, {0}, {1}},
                  "reaches to element 5 of a storage of 4"},
        BadTensor{{"0", 4, 0, {2, 2}, {3, 1}},
                  "reaches to element 5 of a storage of 4"},
        BadTensor{{"0", 4, -1, {2}, {1}},
                  "its offset, shape or strides are negative"},
        BadTensor{{"0", 4, 0, {-2}, {1}},
                  "its offset, shape or strides are negative"},
        BadTensor{{"0", 4, 3, {2, 2}, {-2, 1}},
                  "its offset, shape or strides are negative"},
        BadTensor{{"0", 4, 0, {2, 2}, {1}}, "has 2 sizes and 1 strides"},
        BadTensor{{"0", 4, 0, {kMax, 3}, {0, 0}},
                  "its shape overflows 63 bits"},
        BadTensor{{"0", 4, 0, {kMax}, {0}}, "its shape overflows 63 bits"},
        BadTensor{{"0", 4, 0, {2, 2}, {kMax, kMax}},
                  "its shape overflows 63 bits"},
        BadTensor{{"0", 4, kMax, {2}, {1}}, "its shape overflows 63 bits"},
        BadTensor{{"0", kMax, 0, {2}, {1}}, "its shape overflows 63 bits"},
        BadTensor{{"0", 4, 0, {50'000, 50'000}, {0, 0}},
                  "expands 16 bytes to 10000000000"}));

TEST(ParsePytorch, RefusesStoragesOfAnotherSize) {
  TensorSpec spec;
  spec.storage_size = 2'500'000'000;  // 10 GB
  EXPECT_THAT(ErrorOf(ZipOf(spec)),
              IsError("tensor \"w\": its storage \"0\" has 16 bytes instead of "
                      "10000000000"));
  EXPECT_THAT(ErrorOf(LegacyOf(spec)),
              IsError("tensor \"w\": its storage \"0\" has 16 bytes instead of "
                      "10000000000"));
  EXPECT_THAT(
      ErrorOf(LegacyOf(spec, 2'500'000'000)),
      IsError("storage \"0\": claims 2500000000 elements of 4 bytes, 16 "
              "bytes are left"));
  EXPECT_THAT(ErrorOf(LegacyOf({}, -1)),
              IsError("claims 18446744073709551615 elements"));
}

TEST(ParsePytorch, RefusesAStorageOfTwoTypes) {
  const std::string as_float = PickleOf({});
  std::string as_int = as_float;
  as_int.replace(as_int.find("FloatStorage"), 12, "IntStorage");
  const std::string pickle =
      "\x80\x02}" + Text("f") + as_float + "s" + Text("i") + as_int + "s.";
  EXPECT_THAT(ErrorOf(BuildZip({Item("m/data.pkl", pickle),
                                Item("m/data/0", std::string(16, '\x01'))})),
              IsError("tensor \"i\": its storage \"0\" has elements of another "
                      "type in another tensor"));
}

TEST(ParsePytorch, RefusesStoragesThatAreNotThere) {
  TensorSpec spec;
  spec.storage = "1";
  EXPECT_THAT(ErrorOf(ZipOf(spec)),
              IsError("tensor \"w\": its storage \"1\" is not in the file"));
  EXPECT_THAT(ErrorOf(LegacyOf(spec)),
              IsError("storage \"0\": no tensor says what it holds"));
  EXPECT_THAT(ErrorOf(LegacyHead() + DictOf({}) + "\x80\x02]."),
              IsError("tensor \"w\": its storage \"0\" is not in the file"));
}

TEST(ParsePytorch, RefusesLegacyStoragesGivenTwice) {
  const std::string storage = Little(4, 8) + std::string(16, '\x01');
  EXPECT_THAT(ErrorOf(LegacyHead() + DictOf({}) + "\x80\x02](" + Text("0") +
                      Text("0") + "e." + storage + storage),
              IsError("storage \"0\": is there twice"));
}

TEST(ParsePytorch, RefusesCodeInEitherFormat) {
  const std::string pickle =
      "\x80\x02"
      "cposix\nsystem\n" +
      Text("id") + "\x85R.";
  const auto is_error = IsError("pickle byte");
  EXPECT_THAT(ErrorOf(BuildZip({Item("m/data.pkl", pickle)})),
              AllOf(is_error, IsError("refers to posix.system")));
  EXPECT_THAT(ErrorOf(LegacyHead() + pickle),
              AllOf(is_error, IsError("refers to posix.system")));
  EXPECT_THAT(ErrorOf(pickle), IsError("refers to posix.system"));
}

TEST(ParsePytorch, RefusesOtherPicklesAndArchives) {
  EXPECT_THAT(ErrorOf("\x80\x02K\x01.K\x01.K\x01."),
              IsError("is a pickle, but not one of torch.save"));
  EXPECT_THAT(ErrorOf(BuildZip({Item("word/document.xml", "")})),
              IsError("is a zip archive, but not PyTorch's"));
  EXPECT_THAT(
      ErrorOf(BuildZip({Item("m/data.pkl", "N."), Item("m/constants.pkl", ""),
                        Item("m/code/m.py", "")})),
      IsError("is a TorchScript program"));
  EXPECT_THAT(
      ErrorOf(BuildZip({Item("m/data.pkl", "N."), Item("m/byteorder", "big")})),
      IsError("big-endian"));
  EXPECT_THAT(ErrorOf("<html>404</html>"),
              IsError("is not a file of torch.save"));
  EXPECT_THAT(ErrorOf(""), IsError("is not a file of torch.save"));
}

TEST(ParsePytorch, RefusesDamagedPicklesByTheirChecksum) {
  ZipItem pickle = Item("m/data.pkl", "N.");
  pickle.crc32 = 1;
  EXPECT_THAT(ErrorOf(BuildZip({pickle})),
              IsError("m/data.pkl: its bytes do not have the archive's"));
}

TEST(ParsePytorch, RefusesTwoValuesOfOnePath) {
  const std::string pickle =
      "\x80\x02}(" + Text("a.b") + "N" + Text("a") + "}" + Text("b") + "Nsu.";
  EXPECT_THAT(ErrorOf(BuildZip({Item("m/data.pkl", pickle)})),
              IsError("two values have the path \"a.b\""));
}

TEST(ParsePytorch, RefusesBillionsOfSharedValues) {
  std::string laughs = "N";
  for (int i = 0; i < 60; ++i) laughs += "2\x86";
  EXPECT_THAT(ErrorOf(BuildZip({Item("m/data.pkl", laughs + ".")})),
              IsError("holds too many values"));
}

TEST(ParsePytorch, CountsATextAtEachOfItsPaths) {
  // One list of one text of 60 KB, at 2^16 paths: 3.9 GB of scalars.
  std::string laughs =
      "]" + Raw("X\x60\xea\0\0") + std::string(60'000, 'x') + "a";
  for (int i = 0; i < 16; ++i) laughs += "2\x86";
  EXPECT_THAT(ErrorOf(BuildZip({Item("m/data.pkl", laughs + ".")})),
              IsError("too long names or texts"));
}

// {"w0": tensor, "w1": tensor, ...}, all of them on the storage "0".
std::string DictOfMany(const TensorSpec& spec, int count) {
  std::string pickle = "\x80\x02}";
  for (int i = 0; i < count; ++i) {
    pickle += Text(absl::StrCat("w", i)) + PickleOf(spec) + "s";
  }
  return pickle + ".";
}

absl::Status ErrorOfMany(const TensorSpec& spec, int count) {
  return ErrorOf(BuildZip({Item("m/data.pkl", DictOfMany(spec, count)),
                           Item("m/data/0", std::string(16, '\x01'))}));
}

TEST(ParsePytorch, LimitsTheSumOfExpandedTensors) {
  // 64 MB less the storage, as one tensor may have: two of them may not.
  const TensorSpec expanded = {"0", 4, 0, {4096, 4096}, {0, 0}};
  EXPECT_THAT(ErrorOfMany(expanded, 1), IsOk());
  EXPECT_THAT(ErrorOfMany(expanded, 2),
              IsError("tensor \"w1\": expands 16 bytes to 67108864; with the "
                      "tensors before it"));
  // Tensors that merely share a storage, as tied weights do, expand nothing.
  EXPECT_THAT(ErrorOfMany(TensorSpec(), 1000), IsOk());
}

}  // namespace
}  // namespace networks::weights
