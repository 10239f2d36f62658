#include "pipelines/media/formats/gif_blocks.h"

#include <cstddef>

#include "pipelines/media/formats/bytes.h"

namespace pipelines::media {
namespace {

constexpr unsigned char kExtension = 0x21, kTrailer = 0x3b;

// Behind the sub-blocks that begin at `at`: each has its length before it, and
// one of length 0 ends them.
size_t BehindSubBlocks(std::string_view bytes, size_t at) {
  while (Byte(bytes, at) != 0) at += 1 + Byte(bytes, at);
  return at + 1;
}

}  // namespace

bool HoldsGifPicture(std::string_view blocks) {
  size_t at = 0;
  while (Byte(blocks, at) == kExtension) {
    at = BehindSubBlocks(blocks, at + 2);  // Behind the extension's label.
  }
  return at < blocks.size() && Byte(blocks, at) != kTrailer;
}

}  // namespace pipelines::media
