#include "pipelines/media/formats/gif_blocks.h"

#include <cstddef>

namespace pipelines::media {
namespace {

constexpr unsigned char kExtension = 0x21, kTrailer = 0x3b;

size_t ByteAt(absl::string_view bytes, size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

// Behind the sub-blocks that begin at `at`: each has its length before it, and
// one of length 0 ends them.
size_t BehindSubBlocks(absl::string_view bytes, size_t at) {
  while (ByteAt(bytes, at) != 0) at += 1 + ByteAt(bytes, at);
  return at + 1;
}

}  // namespace

bool HoldsGifPicture(absl::string_view blocks) {
  size_t at = 0;
  while (ByteAt(blocks, at) == kExtension) {
    at = BehindSubBlocks(blocks, at + 2);  // Behind the extension's label.
  }
  return at < blocks.size() && ByteAt(blocks, at) != kTrailer;
}

}  // namespace pipelines::media
