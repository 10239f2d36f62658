#include "pipelines/media/formats/gif_pixel_count.h"

namespace pipelines::media {
namespace {

constexpr int kMaxWidth = 12;

}  // namespace

GifPixelCount::GifPixelCount(int code_size)
    : code_size_(code_size), clear_(1 << code_size) {
  Clear();
}

void GifPixelCount::Add(const std::string& bytes) {
  for (const char byte : bytes) {
    bits_ |= static_cast<uint32_t>(static_cast<unsigned char>(byte))
             << num_bits_;
    num_bits_ += 8;
    while (num_bits_ >= width_) {
      const uint32_t code = bits_ & ((1u << width_) - 1);
      bits_ >>= width_;
      num_bits_ -= width_;
      if (!ended_) Take(static_cast<int>(code));
    }
  }
}

void GifPixelCount::Clear() {
  next_ = clear_ + 2;
  width_ = code_size_ + 1;
  previous_ = 0;
}

int GifPixelCount::LengthOf(int code) const {
  if (code < clear_) return 1;
  if (code < next_) return lengths_[code];
  return code == next_ && previous_ > 0 ? previous_ + 1 : 0;
}

void GifPixelCount::Take(int code) {
  if (code == clear_) return Clear();
  const int length = code == clear_ + 1 ? 0 : LengthOf(code);
  if (length == 0) {
    ended_ = true;
    return;
  }
  if (previous_ > 0 && next_ < kCodes) {
    lengths_[next_++] = previous_ + 1;
    if (next_ == 1 << width_ && width_ < kMaxWidth) ++width_;
  }
  count_ += length;
  previous_ = length;
}

}  // namespace pipelines::media
