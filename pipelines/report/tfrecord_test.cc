#include "pipelines/report/tfrecord.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::ElementsAre;

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
TEST(Crc32c, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(Crc32c(ascending), 0x46DD794Eu);
  EXPECT_EQ(Crc32c(""), 0u);
}

// Every event file that TensorFlow writes begins with an event of 24 bytes, and
// so with these 12: the length and its checksum.
TEST(TfRecord, BeginsAsTensorFlowsEventFilesDo) {
  const std::string record = TfRecord(std::string(24, 'x'));
  EXPECT_EQ(record.substr(0, 12),
            std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22", 12));
  EXPECT_EQ(record.size(), 24u + 16u);
}

TEST(TfRecord, ReadsBackUntilTheFirstDamage) {
  const std::string file = TfRecord("one") + TfRecord("") + TfRecord("three");
  EXPECT_THAT(ParseTfRecords(file), ElementsAre("one", "", "three"));
  EXPECT_THAT(ParseTfRecords(file.substr(0, file.size() - 1)),
              ElementsAre("one", ""));
  for (size_t i = 19; i < file.size(); ++i) {
    std::string damaged = file;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_LT(ParseTfRecords(damaged).size(), 3u) << "flipped a bit of " << i;
  }
}

}  // namespace
}  // namespace pipelines
