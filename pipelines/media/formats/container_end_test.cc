#include "pipelines/media/formats/container_end.h"

#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "pipelines/media/formats/bytes.h"

namespace pipelines::media {
namespace {

using namespace std::string_literals;

std::optional<int64_t> EndOf(const std::string& bytes) {
  std::istringstream file(bytes);
  return StatedEnd(file);
}

// A box that states `size` bytes and has `content` behind its head.
std::string Box(const std::string& type, uint32_t size,
                const std::string& content) {
  return BigEndianBytes(size) + type + content;
}

TEST(StatedEnd, OfBoxesIsTheirSum) {
  const std::string head = Box("ftyp", 16, "isomisom");
  EXPECT_EQ(EndOf(head + Box("mdat", 12, "1234")), 28);
  // Cut off: the box wants more than there is.
  EXPECT_EQ(EndOf(head + Box("mdat", 100, "1234")), 116);
  EXPECT_EQ(EndOf(head + "\0\0\0"s), 24);
  // 64 bits of size; the rest of the file.
  EXPECT_EQ(EndOf(head + Box("mdat", 1, BigEndianBytes(1) + BigEndianBytes(0))),
            16 + (int64_t{1} << 32));
  EXPECT_EQ(EndOf(head + Box("mdat", 0, "1234567")), 16);
}

TEST(StatedEnd, OfBoxesIsWhereForeignBytesBegin) {
  EXPECT_EQ(EndOf(Box("ftyp", 16, "isomisom") + std::string(20, '\1')), 16);
}

TEST(StatedEnd, OfBoxesThatClaimTheMostIsAPetabyte) {
  EXPECT_EQ(EndOf(Box("ftyp", 16, "isomisom") +
                  Box("mdat", 1, BigEndianBytes(~0u) + BigEndianBytes(~0u))),
            16 + (int64_t{1} << 50));
}

TEST(StatedEnd, OfRiffIsTheLastOfItsParts) {
  const std::string part = "RIFF" + LittleEndianBytes(6) + "AVI ab";
  EXPECT_EQ(EndOf(part), 14);
  EXPECT_EQ(EndOf(part + part), 28);
  EXPECT_EQ(EndOf(part + "RIFF" + LittleEndianBytes(1000) + "AVIX"), 1022);
  // The writer did not come to say.
  EXPECT_EQ(EndOf("RIFF" + LittleEndianBytes(0) + "AVI abcd"), std::nullopt);
  EXPECT_EQ(EndOf("RIFF" + LittleEndianBytes(UINT32_MAX) + "AVI abcd"),
            std::nullopt);
}

TEST(StatedEnd, OfEbmlIsThatOfTheSegment) {
  const std::string head = "\x1a\x45\xdf\xa3\x84"s + "1234";
  EXPECT_EQ(EndOf(head + "\x18\x53\x80\x67\x41\x00"s), 15 + 256);
  // A live recording: all bits of the size are 1.
  EXPECT_EQ(EndOf(head + "\x18\x53\x80\x67\xff"s), std::nullopt);
  EXPECT_EQ(EndOf(head + "another element"), std::nullopt);
}

std::string Asf(char flags) {
  const auto object = [](const std::string& id, const std::string& content) {
    const auto size = static_cast<uint32_t>(24 + content.size());
    return id + LittleEndianBytes(size) + LittleEndianBytes(0) + content;
  };
  const std::string kind = "\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"s;
  const std::string properties =
      object("\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\0\xc0\x0c\x20\x53\x65"s,
             std::string(64, '\0') + flags + std::string(15, '\0'));
  return object("\x30\x26\xb2\x75" + kind, std::string(6, '\0') + properties) +
         object("\x36\x26\xb2\x75" + kind, std::string(100, 'p'));
}

TEST(StatedEnd, OfAsfIsThatOfItsPackets) {
  const std::string whole = Asf(2);
  EXPECT_EQ(EndOf(whole), static_cast<int64_t>(whole.size()));
  EXPECT_EQ(EndOf(whole.substr(0, whole.size() - 30)),
            static_cast<int64_t>(whole.size()));
  EXPECT_EQ(EndOf(Asf(3)), std::nullopt);  // a broadcast
}

TEST(SecondAsf, BeginsBehindTheObjectsOfTheFirst) {
  const auto second = [](const std::string& bytes) {
    std::istringstream file(bytes);
    return SecondAsf(file);
  };
  const std::string whole = Asf(2);
  EXPECT_EQ(second(whole), std::nullopt);
  EXPECT_EQ(second(whole + whole), static_cast<int64_t>(whole.size()));
  EXPECT_EQ(second(whole + "foreign bytes, 24 or more"), std::nullopt);
  EXPECT_EQ(second("another format"), std::nullopt);
  // A size that leads nowhere.
  EXPECT_EQ(second(whole.substr(0, 16) + std::string(100, '\0')), std::nullopt);
}

TEST(StatedEnd, OfOggIsThatOfItsPages) {
  const std::string page =
      "OggS" + std::string(22, '\0') + "\2\xff\5" + std::string(260, 'o');
  const auto two = static_cast<int64_t>(2 * page.size());
  EXPECT_EQ(EndOf(page + page), two);
  EXPECT_EQ(EndOf((page + page).substr(0, page.size() + 100)), two);
}

TEST(StatedEnd, OfMxfIsInItsLastPartition) {
  const std::string key = "\x06\x0e\x2b\x34\2\5\1\1\x0d\1\2\1\1"s;
  const auto pack = [&](char kind, uint32_t footer) {
    const std::string content =
        std::string(28, '\0') + BigEndianBytes(footer) + std::string(56, '\0');
    return key + kind + "\4\0\x83\0\0\x58"s + content;
  };
  const std::string whole = pack(2, 300) + std::string(192, 'f') + pack(4, 300);
  ASSERT_EQ(whole.find(pack(4, 300)), 300u);
  EXPECT_EQ(EndOf(whole), 320);
  // Cut off before the last partition, whose length is then unknown.
  EXPECT_EQ(EndOf(whole.substr(0, 290)), 317);
  // The writer did not come to say.
  EXPECT_EQ(EndOf(pack(2, 0) + std::string(192, 'f')), std::nullopt);
}

TEST(StatedEnd, OfOtherFilesIsUnknown) {
  EXPECT_EQ(EndOf(""), std::nullopt);
  EXPECT_EQ(EndOf("a text that is long enough"), std::nullopt);
}

}  // namespace
}  // namespace pipelines::media
