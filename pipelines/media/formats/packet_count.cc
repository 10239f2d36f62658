#include "pipelines/media/formats/packet_count.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/gif_pixel_count.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

enum Element : uint64_t {
  kHeader = 0x1a45dfa3,
  kSegment = 0x18538067,
  kCluster = 0x1f43b675,
  kBlockGroup = 0xa0,
  kBlock = 0xa1,
  kSimpleBlock = 0xa3,
};

template <size_t kCount>
bool IsOneOf(uint64_t id, const uint64_t (&ids)[kCount]) {
  return std::find(std::begin(ids), std::end(ids), id) != std::end(ids);
}

// What stands in a block group.
bool IsOfBlock(uint64_t id) {
  static constexpr uint64_t kIds[] = {
      kBlock, 0x9b,   0xfb, 0xfa, 0xfd, 0xa4, 0xa2,  // duration, references
      0x75a1, 0x75a2, 0x8e, 0xc8};  // additions, padding, slices
  return IsOneOf(id, kIds);
}

// What stands in a file, a segment or a cluster. The walk looks into segments,
// clusters and block groups and skips all others.
bool IsKnown(uint64_t id) {
  static constexpr uint64_t kIds[] = {
      kHeader,      kSegment,   kCluster,   kBlockGroup,
      kSimpleBlock, 0xec,       0xbf,                    // void, checksum
      0x114d9b74,   0x1549a966, 0x1654ae6b, 0x1c53bb6b,  // seek to cues
      0x1941a469,   0x1043a770, 0x1254c367,  // attachments, chapters, tags
      0xe7,         0xa7,       0xab,       0x5854};  // time, position, silent
  return IsOneOf(id, kIds);
}

// Time, position and size stand in front of a cluster's blocks and are numbers
// of up to 8 bytes. A block whose identifier was damaged into one of these has
// more or is elsewhere.
bool IsInPlace(uint64_t id, int64_t size, bool is_behind_block) {
  static constexpr uint64_t kNumbers[] = {0xe7, 0xa7, 0xab};
  constexpr int64_t kMaxNumberBytes = 8;
  return (size <= kMaxNumberBytes && !is_behind_block) ||
         !IsOneOf(id, kNumbers);
}

// A block begins with its track, two bytes of time and one of flags; if those
// say that it holds several frames, their number less one follows.
int64_t NumFrames(ByteReader& file, int64_t block) {
  const int64_t flags = block + ReadEbmlNumber(file, block).length + 2;
  const bool is_laced = file.BigEndian(flags, 1) & 0x06;
  return is_laced ? static_cast<int64_t>(file.BigEndian(flags + 1, 1)) + 1 : 1;
}

absl::Status DamagedAt(int64_t at) {
  return absl::DataLossError(absl::StrCat("the file is damaged at byte ", at));
}

// [RFC 9559] Elements of an identifier, a size and a content.
absl::StatusOr<int64_t> CountMatroskaPackets(ByteReader& bytes) {
  int64_t num_frames = 0;
  int64_t end = bytes.size();
  int64_t group_end = 0;
  bool is_behind_block = false;  // in its cluster
  for (int64_t at = 0; at < end;) {
    const int id_length = ReadEbmlNumber(bytes, at).length;
    const uint64_t id = bytes.BigEndian(at, id_length);
    const EbmlNumber size = ReadEbmlNumber(bytes, at + id_length);
    const int64_t content = at + id_length + size.length;
    const bool is_container =
        id == kSegment || id == kCluster || id == kBlockGroup;
    const bool is_allowed = IsKnown(id) || (IsOfBlock(id) && at < group_end);
    // A recorder that could not seek back leaves containers without a size.
    const bool fits =
        is_container || (size.value && *size.value <= end - content);
    if (!is_allowed || !fits ||
        !IsInPlace(id, size.value.value_or(0), is_behind_block)) {
      return DamagedAt(at);
    }
    if (id == kBlockGroup) {
      group_end = size.value ? content + *size.value : end;
    }
    if (id == kSegment && size.value) {
      end = std::min(end, content + *size.value);
    }
    if (id == kCluster) is_behind_block = false;
    if (id == kBlock || id == kSimpleBlock) {
      is_behind_block = true;
      num_frames += NumFrames(bytes, content);
    }
    at = is_container ? content : content + *size.value;
  }
  return num_frames;
}

// Behind the sub-blocks at `at`: each has its length in front, 0 ends them.
int64_t SkipGifSubBlocks(ByteReader& bytes, int64_t at) {
  while (at < bytes.size()) {
    const int64_t length = static_cast<int64_t>(bytes.BigEndian(at, 1));
    at += 1 + length;
    if (length == 0) break;
  }
  return at;
}

// [GIF89a, 23] What holds for the next picture has one piece of 4 bytes; where
// its end is damaged, pictures look like pieces of it.
bool IsBrokenGifControl(ByteReader& bytes, int64_t extension) {
  constexpr uint64_t kControl = 0xf9;
  return bytes.BigEndian(extension + 1, 1) == kControl &&
         (bytes.BigEndian(extension + 2, 1) != 4 ||
          bytes.BigEndian(extension + 7, 1) != 0);
}

int64_t GifColourTableBytes(uint64_t flags) {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

// The picture whose descriptor is at `at`, [GIF89a, 20]: DataLoss unless its
// codes give all its pixels, and hardly more follows them. Where it ends.
absl::StatusOr<int64_t> CheckGifPicture(ByteReader& bytes, int64_t at) {
  const auto width = static_cast<int64_t>(bytes.LittleEndian(at + 5, 2));
  const auto height = static_cast<int64_t>(bytes.LittleEndian(at + 7, 2));
  const int64_t codes =
      at + 10 + GifColourTableBytes(bytes.BigEndian(at + 9, 1));
  const auto code_size = static_cast<int>(bytes.BigEndian(codes, 1));
  if (code_size < 1 || code_size > GifPixelCount::kMaxCodeSize) {
    return DamagedAt(codes);
  }
  GifPixelCount pixels(code_size);
  int64_t bytes_behind = 0;
  int64_t block = codes + 1;
  while (block < bytes.size()) {
    const auto length = static_cast<int>(bytes.BigEndian(block, 1));
    if (length == 0) break;
    if (pixels.count() >= width * height) bytes_behind += length;
    pixels.Add(bytes.Bytes(block + 1, length));
    block += 1 + length;
  }
  // A clear code and the end code of 12 bits each may need another block, and
  // some encoders fill up.
  constexpr int64_t kMaxBytesBehind = 4;
  if (pixels.count() < width * height || bytes_behind > kMaxBytesBehind) {
    return DamagedAt(at);
  }
  return block + 1;
}

// [GIF89a] Images (',') and extensions ('!') up to the trailer (';').
absl::StatusOr<int64_t> CountGifPackets(ByteReader& bytes) {
  int64_t num_images = 0;
  int64_t at = 13 + GifColourTableBytes(bytes.BigEndian(10, 1));
  while (at < bytes.size()) {
    const uint64_t block = bytes.BigEndian(at, 1);
    if (block == ';') return num_images;
    if (block == ',') {
      ++num_images;
      ASSIGN_OR_RETURN(at, CheckGifPicture(bytes, at));
    } else if (block == '!') {
      if (IsBrokenGifControl(bytes, at)) return DamagedAt(at);
      at = SkipGifSubBlocks(bytes, at + 2);
    } else {
      return DamagedAt(at);
    }
  }
  return absl::DataLossError(
      absl::StrCat("the file is truncated: after ", bytes.size(),
                   " bytes the end mark of the GIF is missing"));
}

// [APNG 1.0] Chunks of length, type, content and checksum up to IEND; each
// frame has one fcTL.
absl::StatusOr<int64_t> CountPngPackets(ByteReader& bytes) {
  int64_t num_frames = 0;
  for (int64_t at = 8; at + 12 <= bytes.size();
       at += 12 + static_cast<int64_t>(bytes.BigEndian(at, 4))) {
    const std::string type = bytes.Bytes(at + 4, 4);
    if (type == "fcTL") ++num_frames;
    if (type == "IEND") return num_frames;
  }
  return absl::DataLossError(
      absl::StrCat("the file is truncated: after ", bytes.size(),
                   " bytes the end mark of the PNG is missing"));
}

// [FLV 10.1] After the header, tags of 11 bytes and a content; each is followed
// by its own size.
absl::Status CheckFlv(ByteReader& bytes) {
  int64_t at = static_cast<int64_t>(bytes.BigEndian(5, 4)) + 4;
  while (at < bytes.size()) {
    const int64_t size = 11 + static_cast<int64_t>(bytes.BigEndian(at + 1, 3));
    if (static_cast<int64_t>(bytes.BigEndian(at + size, 4)) != size) {
      return DamagedAt(at);
    }
    at += size + 4;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> CountStoredPackets(std::istream& file) {
  ByteReader bytes(file);
  const std::string head = bytes.Bytes(0, 4);
  if (head == "\x1a\x45\xdf\xa3") return CountMatroskaPackets(bytes);
  if (head == "GIF8") return CountGifPackets(bytes);
  if (head == "\x89PNG") return CountPngPackets(bytes);
  if (head.substr(0, 3) == "FLV") RETURN_IF_ERROR(CheckFlv(bytes));
  return std::nullopt;
}

}  // namespace pipelines::media
