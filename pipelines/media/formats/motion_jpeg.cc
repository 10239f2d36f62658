#include "pipelines/media/formats/motion_jpeg.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace pipelines::media {
namespace {

constexpr int64_t kBlockBytes = 1 << 16;

// More than any frame that is read has (kMaxVideoPixels).
constexpr int64_t kMostBytes = int64_t{1} << 28;

// [ITU-T T.81, B.1.1.3]
constexpr int kStartOfImage = 0xd8, kEndOfImage = 0xd9, kApplication2 = 0xe2;

// The bytes of a file, read on mostly.
class Window {
 public:
  explicit Window(std::istream& file) : file_(file) {}

  // 0 beyond the end.
  int At(int64_t place) {
    if (place < begin_ || place >= end()) Load(place);
    if (place >= end()) return 0;
    return static_cast<unsigned char>(
        block_[static_cast<size_t>(place - begin_)]);
  }

  // Of two bytes, the higher one first.
  int Number(int64_t place) { return At(place) << 8 | At(place + 1); }

  bool HasEndedBefore(int64_t place) {
    At(place);
    return place >= end();
  }

 private:
  int64_t end() const { return begin_ + static_cast<int64_t>(block_.size()); }

  void Load(int64_t place) {
    block_.resize(static_cast<size_t>(kBlockBytes));
    file_.clear();
    file_.seekg(place);
    file_.read(block_.data(), kBlockBytes);
    block_.resize(static_cast<size_t>(file_.gcount()));
    begin_ = place;
  }

  std::istream& file_;
  int64_t begin_ = 0;
  std::string block_;
};

bool BeginsPicture(Window& file, int64_t at) {
  return file.At(at) == 0xff && file.At(at + 1) == kStartOfImage &&
         file.At(at + 2) == 0xff;
}

// The next marker at or after `at`: in entropy-coded data FF 00 is a stuffed
// byte, FF D0 to D7 restart marks, FF FF fill. -1 at the end.
int64_t FindMarker(Window& file, int64_t at, int64_t limit) {
  for (; at < limit && !file.HasEndedBefore(at + 1); ++at) {
    if (file.At(at) != 0xff) continue;
    const int marker = file.At(at + 1);
    if (marker != 0 && marker != 0xff && (marker < 0xd0 || marker > 0xd7)) {
      return at;
    }
  }
  return -1;
}

// Start-of-frame segments are C0 to CF but for C4 (DHT), C8 (JPG), CC (DAC).
bool IsStartOfFrame(int marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
         marker != 0xcc;
}

struct Picture {
  int width = 0;  // 0: not stated
  int height = 0;
  bool lists_others = false;
  int64_t end = -1;  // -1: there is none
};

Picture ReadPicture(Window& file, int64_t begin) {
  const int64_t limit = begin + kMostBytes;
  Picture picture;
  int64_t at = FindMarker(file, begin + 2, limit);
  while (at >= 0) {
    const int marker = file.At(at + 1);
    if (marker == kStartOfImage) break;
    if (marker == kEndOfImage) {
      picture.end = at + 2;
      break;
    }
    if (IsStartOfFrame(marker) && picture.width == 0) {
      picture.height = file.Number(at + 5);
      picture.width = file.Number(at + 7);
    }
    if (marker == kApplication2 && file.At(at + 4) == 'M' &&
        file.At(at + 5) == 'P' && file.At(at + 6) == 'F') {
      picture.lists_others = true;
    }
    at = FindMarker(file, at + 2 + file.Number(at + 2), limit);
  }
  return picture;
}

}  // namespace

bool IsMotionJpeg(std::istream& file) {
  Window bytes(file);
  if (!BeginsPicture(bytes, 0)) return false;
  const Picture first = ReadPicture(bytes, 0);
  if (first.end < 0 || first.width == 0 || first.lists_others ||
      !BeginsPicture(bytes, first.end)) {
    return false;
  }
  const Picture second = ReadPicture(bytes, first.end);
  return second.width == first.width && second.height == first.height;
}

}  // namespace pipelines::media
