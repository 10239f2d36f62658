#include "pipelines/data/matroska_check.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/data/byte_reader.h"

namespace pipelines::data {
namespace {

enum Element : uint64_t {
  kHeader = 0x1a45dfa3,
  kSegment = 0x18538067,
  kCluster = 0x1f43b675,
  kBlockGroup = 0xa0,
  kBlock = 0xa1,
  kSimpleBlock = 0xa3,
};

// What stands in a file, a segment, a cluster or a block group beside the
// elements above. The walk looks into those three and skips these.
bool IsKnown(uint64_t id) {
  static constexpr uint64_t kOthers[] = {
      0xec,       0xbf,  // void, checksum
      0x114d9b74, 0x1549a966, 0x1654ae6b,
      0x1c53bb6b,                          // seek, info, tracks, cues
      0x1941a469, 0x1043a770, 0x1254c367,  // attachments, chapters, tags
      0xe7,       0xa7,       0xab,
      0x5854,     0xaf,  // time, position, size, silent, coded
      0x9b,       0xfb,       0xfa,
      0xfd,       0xa4,       0xa2,  // of a block: duration, references
      0x75a1,     0x75a2,     0x8e,
      0xc8};  // additions, padding, slices
  return id == kHeader || id == kSegment || id == kCluster ||
         id == kBlockGroup || id == kBlock || id == kSimpleBlock ||
         std::find(std::begin(kOthers), std::end(kOthers), id) !=
             std::end(kOthers);
}

// A block begins with its track, two bytes of time and one of flags; if those
// say that it holds several frames, their number less one follows.
int64_t NumFrames(ByteReader& file, int64_t block) {
  const int64_t flags = block + ReadEbmlNumber(file, block).length + 2;
  const bool is_laced = file.BigEndian(flags, 1) & 0x06;
  return is_laced ? static_cast<int64_t>(file.BigEndian(flags + 1, 1)) + 1 : 1;
}

}  // namespace

absl::StatusOr<int64_t> CountMatroskaFrames(std::istream& file) {
  ByteReader bytes(file);
  int64_t num_frames = 0;
  int64_t end = bytes.size();
  for (int64_t at = 0; at < end;) {
    const int id_length = ReadEbmlNumber(bytes, at).length;
    const uint64_t id = bytes.BigEndian(at, id_length);
    const EbmlNumber size = ReadEbmlNumber(bytes, at + id_length);
    const int64_t content = at + id_length + size.length;
    const bool is_container =
        id == kSegment || id == kCluster || id == kBlockGroup;
    // A recorder that could not seek back leaves containers without a size.
    if (!IsKnown(id) || (!size.value && !is_container)) {
      return absl::DataLossError(
          absl::StrCat("the file is damaged at byte ", at));
    }
    if (id == kSegment && size.value) {
      end = std::min(end, content + *size.value);
    }
    if (id == kBlock || id == kSimpleBlock) {
      num_frames += NumFrames(bytes, content);
    }
    at = is_container ? content : content + *size.value;
  }
  return num_frames;
}

}  // namespace pipelines::data
