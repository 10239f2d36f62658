#include "networks/weights/safetensors_header.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

std::string LittleEndian(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(value >> 8 * i & 0xff);
  return bytes;
}

// A file with this header and so many bytes of data.
std::string File(const std::string& json, size_t data_size) {
  return LittleEndian(json.size()) + json + std::string(data_size, '\x01');
}

TEST(SafetensorsHeader, ReadsTensorsAndMetadata) {
  const std::string json =
      R"({"__metadata__":{"step":"7","épée":""},)"
      R"("b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("a":{"data_offsets":[24,26],"shape":[],"dtype":"BF16"},)"
      R"("e":{"dtype":"I64","shape":[4,0],"data_offsets":[26,26]}}   )";
  const SafetensorsHeader header =
      ParseSafetensorsHeader(File(json, 26), "f").value();
  EXPECT_THAT(header.metadata,
              ElementsAre(Pair("step", "7"), Pair("épée", "")));
  ASSERT_EQ(header.tensors.size(), 3);
  const SafetensorsEntry& b = header.tensors.at("b");
  EXPECT_EQ(b.dtype, "F32");
  EXPECT_THAT(b.shape, ElementsAre(2, 3));
  EXPECT_EQ(b.begin, 8 + json.size());
  EXPECT_EQ(b.end, 8 + json.size() + 24);
  EXPECT_THAT(header.tensors.at("a").shape, IsEmpty());
  EXPECT_EQ(header.tensors.at("a").end, 8 + json.size() + 26);
  EXPECT_THAT(header.tensors.at("e").shape, ElementsAre(4, 0));
}

TEST(SafetensorsHeader, ReadsAFileWithoutTensors) {
  EXPECT_THAT(ParseSafetensorsHeader(File("{}", 0), "f").value().tensors,
              IsEmpty());
}

TEST(SafetensorsHeader, ReadsWhatItFormats) {
  const std::map<std::string, std::string> metadata = {{"a\"b", "1\n2"}};
  const std::string head =
      FormatSafetensorsHeader(
          {{"z", "F64", {2}, 16}, {"y.\"w\"", "U8", {3, 1}, 3}}, metadata)
          .value();
  EXPECT_EQ(head.size() % 8, 0);
  const SafetensorsHeader header =
      ParseSafetensorsHeader(head + std::string(19, 'x'), "f").value();
  EXPECT_EQ(header.metadata, metadata);
  ASSERT_EQ(header.tensors.size(), 2);
  EXPECT_EQ(header.tensors.at("z").begin, head.size());
  EXPECT_EQ(header.tensors.at("y.\"w\"").begin, head.size() + 16);
  EXPECT_THAT(header.tensors.at("y.\"w\"").shape, ElementsAre(3, 1));
}

TEST(SafetensorsHeader, RefusesToFormatNamesThatCannotBeRead) {
  const auto format = [](std::vector<std::string> names) {
    std::vector<SafetensorsField> fields;
    for (std::string& name : names) fields.push_back({name, "U8", {0}, 0});
    return FormatSafetensorsHeader(fields, {}).status();
  };
  EXPECT_THAT(format({"a", "b", "a"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("\"a\": the name is taken")));
  EXPECT_THAT(format({"__metadata__"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("taken")));
  EXPECT_THAT(format({"\xff"}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("not UTF-8")));
}

TEST(SafetensorsHeader, FormatsNoMoreMetadataThanItReads) {
  std::map<std::string, std::string> metadata;
  while (metadata.size() < size_t{1} << 16) {
    metadata[std::to_string(metadata.size())] = "";
  }
  const std::string head = FormatSafetensorsHeader({}, metadata).value();
  EXPECT_EQ(ParseSafetensorsHeader(head, "f")->metadata, metadata);
  metadata["one more"] = "";
  EXPECT_THAT(FormatSafetensorsHeader({}, metadata),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has 65537 metadata")));
}

struct BadHeader {
  std::string json;
  size_t data_size;
  std::string reason;
};

class BadHeaderTest : public ::testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaderTest, IsAnErrorThatNamesFileAndReason) {
  const BadHeader& bad = GetParam();
  EXPECT_THAT(
      ParseSafetensorsHeader(File(bad.json, bad.data_size), "x.safetensors")
          .status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "x.safetensors: " + bad.reason));
}

std::string One(const std::string& fields) {
  return R"({"w":{)" + fields + "}}";
}

INSTANTIATE_TEST_SUITE_P(
    Structure, BadHeaderTest,
    ::testing::Values(
        BadHeader{"", 0, "the header is not valid JSON at its byte 1"},
        BadHeader{"{}x", 0, "the header is not valid JSON at its byte 3"},
        BadHeader{"{", 0, "the header is not valid JSON at its byte 2"},
        BadHeader{"{'w':{}}", 0, "the header is not valid JSON at its byte 2"},
        BadHeader{"{\"\xff\":{}}", 0,
                  "the header is not valid JSON at its byte 3"},
        BadHeader{"[]", 0,
                  "the header is not an object of tensors: an array has no "
                  "place here"},
        BadHeader{"null", 0,
                  "the header is not an object of tensors: null has no place "
                  "here"},
        BadHeader{R"({"w":3})", 0, "tensor \"w\": a number has no place here"},
        BadHeader{R"({"w":[[[[]]]]})", 0,
                  "tensor \"w\": an array has no place here"},
        BadHeader{R"({"w":{}})", 0, "tensor \"w\": has no \"dtype\""},
        BadHeader{R"({"__metadata__":{"a":1}})", 0,
                  "tensor \"__metadata__\": \"a\" a number has no place here"},
        BadHeader{R"({"__metadata__":{"a":{}}})", 0,
                  "tensor \"__metadata__\": \"a\" an object has no place here"},
        BadHeader{R"({"__metadata__":{},"__metadata__":{}})", 0,
                  "tensor \"__metadata__\": is given twice"},
        BadHeader{R"({"__metadata__":{"a":"","a":""}})", 0,
                  "tensor \"__metadata__\": \"a\" is given twice"}));

INSTANTIATE_TEST_SUITE_P(
    Fields, BadHeaderTest,
    ::testing::Values(
        BadHeader{One(R"("dtype":"F32","shape":[1])"), 4,
                  "tensor \"w\": has no \"data_offsets\""},
        BadHeader{One(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), 4,
                  "tensor \"w\": \"data_offsets\" has 1 elements, not 2"},
        BadHeader{One(R"("dtype":"F32","dtype":"F64")"), 8,
                  "tensor \"w\": \"dtype\" is given twice"},
        BadHeader{One(R"("order":"C")"), 8,
                  "tensor \"w\": \"order\" is not a field of a tensor"},
        BadHeader{One(R"("dtype":7)"), 8,
                  "tensor \"w\": \"dtype\" a number has no place here"},
        BadHeader{One(R"("shape":"7")"), 8,
                  "tensor \"w\": \"shape\" a string has no place here"},
        BadHeader{One(R"("shape":[[1]])"), 8,
                  "tensor \"w\": \"shape\" an array has no place here"},
        BadHeader{One(R"("shape":[-1])"), 8,
                  "tensor \"w\": \"shape\" is negative: -1"},
        BadHeader{One(R"("shape":[1.0])"), 8,
                  "tensor \"w\": \"shape\" is not an integer below 2^63: 1.0"},
        BadHeader{One(R"("shape":[9223372036854775808])"), 8,
                  "tensor \"w\": \"shape\" is not an integer below 2^63: "
                  "9223372036854775808"},
        BadHeader{One(R"("shape":[99999999999999999999])"), 8,
                  "tensor \"w\": \"shape\" is not an integer below 2^63: "
                  "99999999999999999999"},
        BadHeader{One(R"("dtype":"F31","shape":[1],"data_offsets":[0,4])"), 4,
                  "tensor \"w\": unknown dtype \"F31\""},
        BadHeader{
            One(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 4,
            "tensor \"w\": its shape and dtype need 8 bytes, it has bytes 0 to "
            "4"},
        BadHeader{One(R"("dtype":"F32","shape":[4294967296,4294967296],)"
                      R"("data_offsets":[0,0])"),
                  0, "tensor \"w\": its shape overflows 63 bits"},
        BadHeader{One(R"("dtype":"F64","shape":[2305843009213693952],)"
                      R"("data_offsets":[0,0])"),
                  0, "tensor \"w\": its shape overflows 63 bits"},
        // Without elements, but with strides.
        BadHeader{One(R"("dtype":"F32","shape":[4611686018427387904,4,0],)"
                      R"("data_offsets":[0,0])"),
                  0, "tensor \"w\": its shape overflows 63 bits"},
        BadHeader{One(R"("dtype":"F32","shape":[0,2305843009213693952],)"
                      R"("data_offsets":[0,0])"),
                  0, "tensor \"w\": its shape overflows 63 bits"}));

std::string Two(const std::string& first, const std::string& second) {
  return R"({"v":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
         R"(},"w":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
}

INSTANTIATE_TEST_SUITE_P(
    Ranges, BadHeaderTest,
    ::testing::Values(
        BadHeader{Two("[0,4]", "[4,8]"), 7,
                  "tensor \"w\": its bytes 4 to 8 are not a part of the file's "
                  "7 bytes of data; the file is damaged or incomplete"},
        BadHeader{Two("[0,4]", "[8,4]"), 8,
                  "tensor \"w\": its bytes 8 to 4 are not a part of the file's "
                  "8 bytes of data; the file is damaged or incomplete"},
        BadHeader{Two("[0,4]", "[9223372036854775803,9223372036854775807]"), 8,
                  "tensor \"w\": its bytes 9223372036854775803 to "
                  "9223372036854775807 are not a part of the file's 8 bytes of "
                  "data; the file is damaged or incomplete"},
        BadHeader{Two("[0,4]", "[2,6]"), 6,
                  "tensor \"w\": overlaps the tensor before it: begins at 2 "
                  "instead of 4"},
        BadHeader{Two("[0,4]", "[0,4]"), 4,
                  "tensor \"w\": overlaps the tensor before it: begins at 0 "
                  "instead of 4"},
        BadHeader{Two("[0,4]", "[5,9]"), 9,
                  "tensor \"w\": leaves a gap before it: begins at 5 instead "
                  "of 4"},
        BadHeader{Two("[0,4]", "[4,8]"), 10,
                  "2 bytes after the last tensor belong to none"},
        BadHeader{R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                  R"("w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                  0, "tensor \"w\": is given twice"}));

TEST(SafetensorsHeader, RefusesWhatStandsBehindANul) {
  for (const std::string& tail :
       {std::string("\0", 1), std::string("\0 \"evil\": {]", 12)}) {
    EXPECT_THAT(
        ParseSafetensorsHeader(File("{}" + tail, 0), "f").status(),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("f: the header is not valid JSON at its byte 3")));
  }
}

TEST(SafetensorsHeader, RefusesMillionsOfMetadata) {
  std::string json = R"({"__metadata__":{"k":"")";
  for (int i = 1; i < 65536; ++i) json += ",\"" + std::to_string(i) + "\":\"\"";
  EXPECT_THAT(ParseSafetensorsHeader(File(json + "}}", 0), "f"), IsOk());
  json += R"(,"one more":"")";
  EXPECT_THAT(ParseSafetensorsHeader(File(json + "}}", 0), "f").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("\"one more\" is one of more than 65536")));
}

TEST(SafetensorsHeader, RefusesALengthThatTheFileDoesNotHold) {
  constexpr uint64_t kLengths[] = {3, 10'000'000'000, UINT64_MAX,
                                   UINT64_MAX - 7};
  for (const uint64_t length : kLengths) {
    EXPECT_THAT(
        ParseSafetensorsHeader(LittleEndian(length) + "{}", "f").status(),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 StartsWith("f: claims a header of " + std::to_string(length) +
                            " bytes in a file of 10")));
  }
}

TEST(SafetensorsHeader, RefusesOneOfMoreThan16Megabytes) {
  const std::string blanks(16'000'000 - 2, ' ');
  EXPECT_THAT(ParseSafetensorsHeader(File("{" + blanks + "}", 0), "f"), IsOk());
  EXPECT_THAT(
      ParseSafetensorsHeader(File("{ " + blanks + "}", 0), "f").status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               StartsWith("f: has a header of 16000001 bytes, of which at "
                          "most 16000000 can be read")));
  EXPECT_THAT(FormatSafetensorsHeader({}, {{"key", blanks}}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("at most 16000000 can be read back")));
}

TEST(SafetensorsHeader, RefusesAShapeOfMoreThan64Dimensions) {
  std::string shape = "1";
  for (int i = 0; i < 64; ++i) shape += ",1";
  const std::string json = One("\"shape\":[" + shape + "]");
  EXPECT_THAT(ParseSafetensorsHeader(File(json, 0), "f").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f: tensor \"w\": \"shape\" has more than 64 elements"));
}

TEST(SafetensorsHeader, CutsALongNameShortInAMessage) {
  const std::string json = "{\"" + std::string(100'000, 'n') + "\\n\":1}";
  const absl::Status status =
      ParseSafetensorsHeader(File(json, 0), "f").status();
  EXPECT_LT(status.message().size(), 300);
}

// Whatever byte of a valid file is damaged, the parser ends, and what it
// accepts still tiles the data.
TEST(SafetensorsHeader, SurvivesEveryTruncationAndFlippedBit) {
  const std::string file =
      FormatSafetensorsHeader({{"a", "F32", {2, 2}, 16}, {"b", "U8", {3}, 3}},
                              {{"k", "v"}})
          .value() +
      std::string(19, 'x');
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(ParseSafetensorsHeader(file.substr(0, size), "f").ok())
        << size;
  }
  for (size_t bit = 0; bit < 8 * (file.size() - 19); ++bit) {
    std::string damaged = file;
    damaged[bit / 8] ^= 1 << bit % 8;
    const auto header = ParseSafetensorsHeader(damaged, "f");
    if (!header.ok()) continue;
    uint64_t bytes = 0;
    for (const auto& [name, entry] : header->tensors) {
      EXPECT_LE(entry.end, damaged.size());
      bytes += entry.end - entry.begin;
    }
    EXPECT_EQ(bytes, 19) << "bit " << bit;
  }
}

}  // namespace
}  // namespace networks::weights
