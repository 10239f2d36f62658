// How many pixels the compressed data of a GIF picture give.
#ifndef PIPELINES_MEDIA_FORMATS_GIF_PIXEL_COUNT_H_
#define PIPELINES_MEDIA_FORMATS_GIF_PIXEL_COUNT_H_

#include <array>
#include <cstdint>
#include <string>

namespace pipelines::media {

// Follows the codes of one picture [GIF89a, appendix F] by the lengths of what
// they stand for, without making pixels: decoders show whatever comes of
// damaged codes, but those of a whole picture give exactly its pixels.
class GifPixelCount {
 public:
  static constexpr int kMaxCodeSize = 11;

  // code_size: bits of a colour's number, 1 to kMaxCodeSize.
  explicit GifPixelCount(int code_size);

  // The next bytes of the picture, in any pieces.
  void Add(const std::string& bytes);

  // Pixels so far. Counting ends at the end code, and at a code that cannot be.
  int64_t count() const { return count_; }

 private:
  static constexpr int kCodes = 4096;

  void Clear();
  void Take(int code);
  // Pixels of a code; 0 if there is no such code yet.
  int LengthOf(int code) const;

  const int code_size_, clear_;
  int next_ = 0;      // the code that the next entry of the table gets
  int width_ = 0;     // bits of a code
  int previous_ = 0;  // length of the code before; 0 behind a clear code
  std::array<int, kCodes> lengths_ = {};
  uint32_t bits_ = 0;
  int num_bits_ = 0;
  int64_t count_ = 0;
  bool ended_ = false;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_GIF_PIXEL_COUNT_H_
