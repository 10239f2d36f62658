#include "pipelines/media/npy.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kFolder[] = "pipelines/media/testdata/npy/";

std::string InTempDir(const std::string& name, const std::string& content) {
  const std::string path = ::testing::TempDir() + "/" + name;
  EXPECT_THAT(networks::files::WriteAtomically(path, content), IsOk());
  return path;
}

TEST(ReadNpy, ReadsHalfPrecision) {
  const auto array = ReadNpy(std::string(kFolder) + "half.npy");
  ASSERT_THAT(array, IsOk());
  EXPECT_THAT(array->shape, ElementsAre(2, 3));
  EXPECT_THAT(array->values, ElementsAre(-1, -0.75, -0.5, -0.25, 0, 0.25));
}

TEST(ReadNpy, BringsFortranOrderIntoRowMajorOrder) {
  const auto array = ReadNpy(std::string(kFolder) + "fortran.npy");
  ASSERT_THAT(array, IsOk());
  EXPECT_THAT(array->shape, ElementsAre(2, 3));
  EXPECT_THAT(array->values, ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(ReadNpy, ReadsBooleansAndScalars) {
  const auto mask = ReadNpy(std::string(kFolder) + "mask.npy");
  ASSERT_THAT(mask, IsOk());
  EXPECT_THAT(mask->values, ElementsAre(1, 0, 1));
  const auto scalar = ReadNpy(std::string(kFolder) + "scalar.npy");
  ASSERT_THAT(scalar, IsOk());
  EXPECT_THAT(scalar->shape, ElementsAre());
  EXPECT_THAT(scalar->values, ElementsAre(2.5));
}

TEST(ReadNpy, ReadsWhatNpyHeaderBegins) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{4}, std::vector<int64_t>{2, 2}}) {
    const std::string header = NpyHeader("|u1", shape);
    EXPECT_EQ(header.size() % 64, 0u);
    const auto array = ReadNpy(InTempDir("own.npy", header + "\1\2\3\4"));
    ASSERT_THAT(array, IsOk());
    EXPECT_EQ(array->shape, shape);
    EXPECT_THAT(array->values, ElementsAre(1, 2, 3, 4));
  }
}

TEST(ReadNpy, SaysWhatIsWrong) {
  const auto error = [](const std::string& message) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message));
  };
  EXPECT_THAT(ReadNpy("/no/such.npy"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("such.npy")));
  EXPECT_THAT(ReadNpy(InTempDir("text.npy", "not an array at all")),
              error("text.npy: does not begin as a .npy file"));
  EXPECT_THAT(ReadNpy(std::string(kFolder) + "complex.npy"),
              error("elements of type <c16"));
  std::string big_endian = NpyHeader("<f4", {1});
  big_endian.replace(big_endian.find("<f4"), 3, ">f4");
  EXPECT_THAT(ReadNpy(InTempDir("big.npy", big_endian + "1234")),
              error("holds big-endian elements, of type >f4; save them as "
                    ".astype('<f4')"));
  const std::string header = NpyHeader("<f4", {1000, 1000});
  EXPECT_THAT(ReadNpy(InTempDir("cut.npy", header + "1234")),
              error("holds 4 bytes of data; its shape needs 4000000"));
  EXPECT_THAT(ReadNpy(InTempDir("head.npy", header.substr(0, 40))),
              error("ends inside its header"));
  EXPECT_THAT(
      ReadNpy(InTempDir("huge.npy", NpyHeader("<f4", {1 << 30, 1 << 30}))),
      error("has shape"));
}

TEST(ReadNpy, RefusesAHeaderThatIsNotOneDictionary) {
  static constexpr struct {
    absl::string_view dictionary;
    const char* message;
  } kCases[] = {
      {{"{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\0evil", 62},
       "is not one dictionary"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}{}",
       "is not one dictionary"},
      {"evil{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}",
       "is not one dictionary"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,)",
       "is not one dictionary"},
      {"  ", "is not one dictionary"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,), "
       "'shape': (2,)}",
       "has 'shape' twice"},
      {"{'descr': '|u1', 'fortran_order': true, 'shape': (1,)}",
       "has the fortran_order 'true'"},
  };
  for (const auto& [dictionary, message] : kCases) {
    std::string file("\x93NUMPY\1\0", 8);
    file += {static_cast<char>(dictionary.size()), '\0'};
    file.append(dictionary.data(), dictionary.size());
    EXPECT_THAT(
        ReadNpy(InTempDir("evil.npy", file + '\7')),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
        << dictionary;
  }
}

TEST(NpyWriter, WritesRowsOneAfterTheOther) {
  const std::string path = testing::TempDir() + "/rows.npy";
  auto writer = NpyWriter::Create(path);
  ASSERT_THAT(writer, IsOk());
  for (float i = 0; i < 12; ++i) {
    const float row[] = {i, -i};
    ASSERT_THAT(writer->Write(row, {2, 1}), IsOk());
  }
  EXPECT_THAT(ReadNpy(path),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("rows.npy")))
      << "before Finish";
  ASSERT_THAT(writer->Finish(), IsOk());
  const auto array = ReadNpy(path);
  ASSERT_THAT(array, IsOk());
  EXPECT_THAT(array->shape, testing::ElementsAre(12, 2, 1));
  EXPECT_EQ(array->values[22], 11);
  EXPECT_EQ(array->values[23], -11);
}

// The header of ten rows of this shape has a byte more than 256, that of none
// as many.
TEST(NpyWriter, HasRoomForTheNumberOfRows) {
  const std::string path = testing::TempDir() + "/deep.npy";
  auto writer = NpyWriter::Create(path);
  ASSERT_THAT(writer, IsOk());
  for (float i = 0; i < 10; ++i) {
    ASSERT_THAT(writer->Write(&i, std::vector<int64_t>(63, 1)), IsOk());
  }
  ASSERT_THAT(writer->Finish(), IsOk());
  const auto array = ReadNpy(path);
  ASSERT_THAT(array, IsOk());
  EXPECT_THAT(array->values, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(NpyWriter, RefusesRowsOfAnotherShapeAndNoRows) {
  const std::string path = testing::TempDir() + "/uneven.npy";
  auto writer = NpyWriter::Create(path);
  ASSERT_THAT(writer, IsOk());
  EXPECT_THAT(writer->Finish(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("no row was written")));
  const float row[] = {1, 2};
  ASSERT_THAT(writer->Write(row, {2, 1}), IsOk());
  EXPECT_THAT(writer->Write(row, {2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("row 1 has another shape")));
}

TEST(NpyWriter, ReplacesOnlyIfItMay) {
  const std::string path = InTempDir("precious.npy", "numbers");
  networks::files::OutputOptions options;
  options.overwrite = false;
  EXPECT_THAT(NpyWriter::Create(path, options),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(path)));
}

TEST(NpyWriter, NamesAFolderThatIsNotThere) {
  EXPECT_THAT(NpyWriter::Create("/no/such/rows.npy"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("rows.npy")));
}

}  // namespace
}  // namespace pipelines::media
