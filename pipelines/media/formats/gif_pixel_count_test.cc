#include "pipelines/media/formats/gif_pixel_count.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

// Codes with their widths, the low bit first.
std::string Packed(const std::vector<std::pair<int, int>>& codes) {
  std::string bytes;
  int num_bits = 0;
  for (const auto& [code, width] : codes) {
    for (int bit = 0; bit < width; ++bit, ++num_bits) {
      if (num_bits % 8 == 0) bytes += '\0';
      bytes.back() |= static_cast<char>((code >> bit & 1) << num_bits % 8);
    }
  }
  return bytes;
}

int64_t Count(int code_size, const std::vector<std::pair<int, int>>& codes) {
  GifPixelCount pixels(code_size);
  pixels.Add(Packed(codes));
  return pixels.count();
}

// With 4 colours: 4 clears, 5 ends, new codes begin with 6.
constexpr int kClear = 4, kEnd = 5;

TEST(GifPixelCount, ACodeOfAColourIsOnePixel) {
  EXPECT_EQ(Count(2, {{kClear, 3}, {1, 3}, {kEnd, 3}}), 1);
}

// The standard's own example: 1, then 6 (11), 6 (11), then 2.
TEST(GifPixelCount, ACodeThatIsMadeAsItIsReadIsOneLongerThanTheOneBefore) {
  EXPECT_EQ(Count(2, {{kClear, 3}, {1, 3}, {6, 3}, {kEnd, 3}}), 3);
  EXPECT_EQ(Count(2, {{kClear, 3}, {1, 3}, {6, 3}, {6, 3}, {2, 4}, {kEnd, 4}}),
            6);
}

TEST(GifPixelCount, AClearCodeForgetsTheTable) {
  EXPECT_EQ(Count(2, {{kClear, 3}, {1, 3}, {6, 3}, {kClear, 3}, {6, 3}}), 3);
}

TEST(GifPixelCount, NothingCountsBehindTheEndOrACodeThatCannotBe) {
  EXPECT_EQ(Count(2, {{kClear, 3}, {1, 3}, {kEnd, 3}, {1, 3}, {1, 3}}), 1);
  EXPECT_EQ(Count(2, {{kClear, 3}, {1, 3}, {7, 3}, {1, 3}, {1, 3}}), 1);
}

TEST(GifPixelCount, PiecesCountAsTheWhole) {
  const std::string bytes =
      Packed({{kClear, 3}, {1, 3}, {6, 3}, {6, 3}, {kEnd, 4}});
  GifPixelCount pixels(2);
  for (const char byte : bytes) pixels.Add(std::string(1, byte));
  EXPECT_EQ(pixels.count(), 5);
}

// The table is full at 4096 codes, and codes stay 12 bits wide.
TEST(GifPixelCount, AFullTableTakesNoMoreCodes) {
  GifPixelCount pixels(8);
  pixels.Add(std::string(20000, '\0'));
  EXPECT_GT(pixels.count(), 13000);
  EXPECT_LT(pixels.count(), 18000);
}

}  // namespace
}  // namespace pipelines::media
