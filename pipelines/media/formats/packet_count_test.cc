// Containers put together by hand; video tests read those of real writers.
#include "pipelines/media/formats/packet_count.h"

#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_chunks_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using namespace std::string_literals;
using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::Optional;

absl::StatusOr<std::optional<int64_t>> Count(const std::string& bytes) {
  std::istringstream file(bytes);
  return CountStoredPackets(file);
}

// An element of fewer than 127 bytes.
std::string Element(const std::string& id, const std::string& content) {
  return id + static_cast<char>(0x80 | content.size()) + content;
}

std::string EbmlHeader() { return Element("\x1a\x45\xdf\xa3", "webm"); }

std::string Block(char flags, const std::string& content) {
  return Element("\xa3", "\x81\0\0"s + flags + content);
}

std::string Cluster(const std::string& content) {
  return Element("\x1f\x43\xb6\x75", content);
}

std::string Segment(const std::string& content) {
  return Element("\x18\x53\x80\x67", content);
}

TEST(CountStoredPackets, LooksIntoSegmentsClustersAndBlockGroups) {
  const std::string group = Element("\xa0", Element("\xa1", "\x81\0\0\0f"s));
  EXPECT_THAT(Count(EbmlHeader() + Segment(Cluster(Block('\0', "f")) +
                                           Cluster(Block('\0', "f") + group))),
              IsOkAndHolds(Optional(3)));
}

TEST(CountStoredPackets, CountsTheFramesOfALacedBlock) {
  // Three frames: their number less one.
  EXPECT_THAT(Count(EbmlHeader() + Segment(Cluster(Block('\2',
                                                         "\2"
                                                         "fff")))),
              IsOkAndHolds(Optional(3)));
}

TEST(CountStoredPackets, GoesOnWhereARecorderLeftSizesOpen) {
  EXPECT_THAT(Count(EbmlHeader() + "\x18\x53\x80\x67\xff" +
                    "\x1f\x43\xb6\x75\xff" + Block('\0', "f")),
              IsOkAndHolds(Optional(1)));
}

TEST(CountStoredPackets, SaysWhereMatroskaIsDamaged) {
  std::string file = EbmlHeader() + Segment(Cluster(Block('\0', "f")));
  const size_t cluster = file.find("\x1f\x43\xb6\x75");
  file[cluster + 1] ^= 0x10;
  EXPECT_THAT(Count(file),
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("damaged at byte ", cluster))));
}

std::string Gif(const std::string& blocks) {
  // 1x1, a table of two colours.
  return "GIF89a\1\0\1\0\x80\0\0......"s + blocks;
}

// With a table of its own, then the code size and two sub-blocks.
std::string GifImage() { return ",\0\0\0\0\1\0\1\0\x80......\2\2ab\1c\0"s; }

// One bit of a block's identifier makes it another element of the format, which
// would be skipped.
TEST(CountStoredPackets, FindsABlockThatIsCalledSomethingElse) {
  for (const char* id : {"\xa2", "\xa7", "\xab", "\xa1", "\xaf", "\xe7"}) {
    const std::string block = Element(id, "\x81\0\0\0"s + std::string(20, 'x'));
    EXPECT_THAT(Count(EbmlHeader() + Segment(Cluster(block))),
                StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte")))
        << id;
  }
}

// Behind it, no block would be looked for.
TEST(CountStoredPackets, FindsAnElementThatEndsBehindTheFile) {
  const std::string blocks = Segment(Cluster(Block('\0', "f")));
  EXPECT_THAT(Count(EbmlHeader() + "\xec\x82.." + blocks),
              IsOkAndHolds(Optional(1)));
  EXPECT_THAT(Count(EbmlHeader() + "\xec\xfe.." + blocks),
              StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte")));
}

// A block of a few bytes may have the size of a number.
TEST(CountStoredPackets, FindsANumberOfAClusterBehindItsBlocks) {
  const std::string block = Element("\xa3", "\x81\0\0\0xx"s);
  const std::string number = Element("\xab", "\x81\0\0\0xx"s);
  EXPECT_THAT(Count(EbmlHeader() +
                    Segment(Cluster(number + block) + Cluster(number + block))),
              IsOkAndHolds(Optional(2)));
  EXPECT_THAT(Count(EbmlHeader() + Segment(Cluster(block + number))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte")));
}

TEST(CountStoredPackets, CountsTheImagesOfAGif) {
  const std::string extension = "!\xf9\4\0\0\0\0\0"s;
  EXPECT_THAT(Count(Gif(";")), IsOkAndHolds(Optional(0)));
  EXPECT_THAT(Count(Gif(extension + GifImage() + GifImage() + ";")),
              IsOkAndHolds(Optional(2)));
  EXPECT_THAT(Count(Gif(GifImage() + "x;")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte")));
  EXPECT_THAT(Count(Gif(GifImage())),
              StatusIs(StatusCode::kDataLoss, HasSubstr("truncated")));
}

// A bit of the mark where the pieces of an image end makes it a piece.
TEST(CountStoredPackets, FindsWhatAnImageHasSwallowed) {
  std::string image = GifImage();  // a byte behind its pixel
  image.back() = 3;
  EXPECT_THAT(Count(Gif(image + "...\0;"s)), IsOkAndHolds(Optional(1)));
  image.back() = 4;
  EXPECT_THAT(Count(Gif(image + "....\0;"s)),
              StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte")));
}

TEST(CountStoredPackets, FindsWhatTheHeadOfAGifImageHasSwallowed) {
  EXPECT_THAT(Count(Gif("!\xf9\4\0\0\0\0\4....\0"s + GifImage() + ";")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte")));
}

TEST(CountStoredPackets, CountsTheFramesOfAnAnimatedPng) {
  const std::string begin = "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", "size") +
                            PngChunk("fcTL", "") + PngChunk("IDAT", "x") +
                            PngChunk("fcTL", "") + PngChunk("fdAT", "y");
  EXPECT_THAT(Count(begin + PngChunk("IEND", "")), IsOkAndHolds(Optional(2)));
  EXPECT_THAT(Count(begin),
              StatusIs(StatusCode::kDataLoss, HasSubstr("truncated")));
}

TEST(CountStoredPackets, FollowsTheSizesOfFlv) {
  const auto tag = [](const std::string& content) {
    const auto size = static_cast<uint32_t>(content.size());
    return "\x09" + BigEndianBytes(size).substr(1) + std::string(7, '\0') +
           content + BigEndianBytes(11 + size);
  };
  const std::string begin = "FLV\1\5" + BigEndianBytes(9) + BigEndianBytes(0);
  EXPECT_THAT(Count(begin + tag("abc") + tag("")), IsOkAndHolds(std::nullopt));
  std::string damaged = begin + tag("abc") + tag("d");
  damaged[begin.size() + 3] ^= 1;  // a size
  EXPECT_THAT(Count(damaged),
              StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte 13")));
}

TEST(CountStoredPackets, LeavesOtherFilesAlone) {
  EXPECT_THAT(Count(""), IsOkAndHolds(std::nullopt));
  EXPECT_THAT(Count("\0\0\0\x14"
                    "ftypisom"s),
              IsOkAndHolds(std::nullopt));
}

}  // namespace
}  // namespace pipelines::media
