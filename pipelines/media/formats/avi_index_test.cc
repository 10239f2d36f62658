#include "pipelines/media/formats/avi_index.h"

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "pipelines/media/formats/bytes.h"

namespace pipelines::media {
namespace {

std::string Piece(const std::string& type, const std::string& content) {
  return type + LittleEndianBytes(static_cast<uint32_t>(content.size())) +
         content + std::string(content.size() % 2, '\0');
}

std::string Entry(const std::string& name, uint32_t size) {
  return name + LittleEndianBytes(16) + LittleEndianBytes(4) +
         LittleEndianBytes(size);
}

std::string Avi(const std::string& pieces) {
  return Piece("RIFF", "AVI " + pieces);
}

std::optional<AviPieces> Listed(const std::string& bytes, int stream = 0) {
  std::istringstream file(bytes);
  return ListedByAvi(file, stream);
}

TEST(ListedByAvi, CountsThePiecesOfAStream) {
  const std::string index =
      Piece("idx1", Entry("00dc", 7) + Entry("01wb", 9) + Entry("00dc", 0) +
                        Entry("00db", 5) + Entry("00pc", 4));
  const auto pieces = Listed(Avi(Piece("LIST", "movi odd") + index));
  ASSERT_TRUE(pieces);
  EXPECT_EQ(pieces->all, 3);
  EXPECT_EQ(pieces->filled, 2);
  EXPECT_EQ(Listed(Avi(index), 10)->all, 0);
}

TEST(ListedByAvi, FindsNoIndexWhereThereIsNone) {
  EXPECT_FALSE(Listed(""));
  EXPECT_FALSE(Listed("GIF89a and more"));
  EXPECT_FALSE(Listed(Avi(Piece("LIST", "movi"))));
  EXPECT_FALSE(Listed(Avi("LIST" + LittleEndianBytes(UINT32_MAX) + "movi")));
}

// Whatever a size claims, nothing is read beyond the end.
TEST(ListedByAvi, TakesACutFileAnywhere) {
  const std::string whole =
      Avi(Piece("LIST", "movi") +
          Piece("idx1", Entry("00dc", 7) + Entry("00dc", 8)));
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto pieces = Listed(whole.substr(0, size));
    EXPECT_TRUE(!pieces || pieces->all < 2) << size;
  }
}

}  // namespace
}  // namespace pipelines::media
