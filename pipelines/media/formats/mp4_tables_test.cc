#include "pipelines/media/formats/mp4_tables.h"

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/bytes.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

// A file of the tables alone, and as many bytes behind them.
absl::Status Check(const std::string& tables, size_t bytes_behind = 1000) {
  std::istringstream stream(tables + std::string(bytes_behind, '\0'));
  ByteReader file(stream);
  return CheckMp4Tables(file, {0, static_cast<int64_t>(tables.size())});
}

// Version and flags, then these numbers.
std::string Table(const std::string& type,
                  const std::vector<uint32_t>& numbers) {
  std::string content = BigEndianBytes(0);
  for (const uint32_t number : numbers) content += BigEndianBytes(number);
  return BigEndianBytes(static_cast<uint32_t>(8 + content.size())) + type +
         content;
}

// Frames of 100 bytes in three chunks; of the first two each holds `first`, and
// the third `last`.
std::string Chunks(uint32_t frames, uint32_t first, uint32_t last) {
  return Table("stsz", {100, frames}) +
         Table("stsc", {2, 1, first, 1, 3, last, 1}) +
         Table("stco", {3, 0, 0, 0});
}

TEST(CheckMp4Tables, BelievesTablesThatAreWhole) {
  EXPECT_THAT(Check(""), IsOk());
  EXPECT_THAT(Check(Chunks(50, 10, 30)), IsOk());
  EXPECT_THAT(Check(Table("stsz", {0, 2, 1000, 30}) +
                    Table("stts", {1, 2, 24}) + Table("ctts", {1, 2, 48})),
              IsOk());
}

TEST(CheckMp4Tables, FindsFramesThatNoChunkHolds) {
  EXPECT_THAT(Check(Chunks(50, 10, 29)),
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr("table of chunks is damaged: it has 49 of")));
}

// FFmpeg takes such a number for a negative one, and finds one frame.
TEST(CheckMp4Tables, FindsAChunkOfMoreFramesThanAnIntegerHolds) {
  EXPECT_THAT(Check(Chunks(50, 10, 0x8000001e)),
              StatusIs(StatusCode::kDataLoss, HasSubstr("table of chunks")));
}

// FFmpeg reads on in the boxes behind it.
TEST(CheckMp4Tables, FindsATableOfMoreEntriesThanItsBoxHolds) {
  const std::string tables[] = {
      Table("stts", {2, 2, 24}),   Table("ctts", {0x08000001, 2, 48}),
      Table("stsc", {2, 1, 2, 1}), Table("stco", {2, 0}),
      Table("co64", {2, 0, 0}),    Table("stss", {2, 0}),
      Table("stsz", {0, 3, 1, 1})};
  for (const std::string& table : tables) {
    EXPECT_THAT(Check(table),
                StatusIs(StatusCode::kDataLoss, HasSubstr(table.substr(4, 4))))
        << table.substr(4, 4);
  }
}

// From a frame of a gigabyte on, FFmpeg makes no index.
TEST(CheckMp4Tables, FindsAFrameThatIsLargerThanTheFile) {
  for (const auto& sizes :
       {Table("stsz", {0, 3, 10, 1 << 30, 10}), Table("stsz", {1 << 30, 3})}) {
    EXPECT_THAT(Check(sizes),
                StatusIs(StatusCode::kDataLoss, HasSubstr("table of sizes")));
  }
}

// Whatever a table claims, nothing is read beyond the end.
TEST(CheckMp4Tables, TakesTablesThatAreCutAnywhere) {
  const std::string whole = Table("stts", {1, 2, 24}) + Chunks(50, 10, 30);
  for (size_t size = 0; size < whole.size(); ++size) {
    const StatusCode code = Check(whole.substr(0, size), 0).code();
    EXPECT_TRUE(code == StatusCode::kOk || code == StatusCode::kDataLoss)
        << size;
  }
}

}  // namespace
}  // namespace pipelines::media
