#include "pipelines/media/formats/container_end.h"

#include <algorithm>
#include <string>

#include "pipelines/media/formats/byte_reader.h"

namespace pipelines::media {
namespace {

using namespace std::string_literals;

// [ISO 14496-12] A box is its size (4 bytes; 1: 8 more after the type; 0: up to
// the end of the file), its type and its content. A box is believed as long as
// its type is printable: some files carry foreign bytes at the end.
std::optional<int64_t> StatedEndOfBoxes(ByteReader& file) {
  int64_t at = 0;
  while (at < file.size()) {
    if (at + 8 > file.size()) return at + 8;
    uint64_t size = file.BigEndian(at, 4);
    if (size == 0) break;
    for (unsigned char c : file.Bytes(at + 4, 4)) {
      if (c < ' ') return at;
    }
    if (size == 1) size = file.BigEndian(at + 8, 8);
    at += std::max<int64_t>(8, Bounded(size));
  }
  return at;
}

// [RIFF, OpenDML] "RIFF", size of what follows, "AVI "; further ones for files
// beyond a gigabyte. Size 0 or, by FFmpeg, 2^32 - 1: the writer did not come to
// fill it in.
std::optional<int64_t> StatedEndOfRiff(ByteReader& file) {
  int64_t at = 0;
  while (file.Bytes(at, 4) == "RIFF") {
    const uint64_t size = file.LittleEndian(at + 4, 4);
    if (size == 0 || size == UINT32_MAX) return std::nullopt;
    at += 8 + Bounded(size);
  }
  return at;
}

// An EBML header, then a segment that holds the rest.
std::optional<int64_t> StatedEndOfEbml(ByteReader& file) {
  constexpr int kIdLength = 4;  // of both elements
  const EbmlNumber header = ReadEbmlNumber(file, kIdLength);
  const int64_t segment = kIdLength + header.length + header.value.value_or(0);
  if (file.Bytes(segment, kIdLength) != "\x18\x53\x80\x67") return std::nullopt;
  const EbmlNumber size = ReadEbmlNumber(file, segment + kIdLength);
  if (!size.value) return std::nullopt;
  return segment + kIdLength + size.length + *size.value;
}

constexpr int kAsfIdBytes = 16, kAsfHead = 24;

constexpr char kAsf[] = "\x30\x26\xb2\x75";  // begins its identifier

int64_t AsfSize(ByteReader& file, int64_t object) {
  return Bounded(file.LittleEndian(object + kAsfIdBytes, 8));
}

// [ASF 1.2, 3.1, 3.2 and 5.1] A header of further objects, then the object of
// the packets: each an identifier of 16 bytes, a size and a content. The sizes
// of a broadcast mean nothing.
std::optional<int64_t> StatedEndOfAsf(ByteReader& file) {
  constexpr int kFirst = 30, kFlags = 88;
  constexpr uint64_t kBroadcast = 1;
  const std::string properties =
      "\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\0\xc0\x0c\x20\x53\x65"s;
  const std::string packets =
      "\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"s;
  const int64_t begin = AsfSize(file, 0);
  for (int64_t at = kFirst; at + kAsfHead <= begin; at += AsfSize(file, at)) {
    if (AsfSize(file, at) < kAsfHead) return std::nullopt;
    if (file.Bytes(at, kAsfIdBytes) == properties &&
        (file.LittleEndian(at + kFlags, 4) & kBroadcast) != 0) {
      return std::nullopt;
    }
  }
  if (file.Bytes(begin, kAsfIdBytes) != packets) return std::nullopt;
  return begin + AsfSize(file, begin);
}

// [RFC 3533, 6] Pages of 27 bytes, the last of which is the number of pieces,
// then the length of each, then the pieces.
std::optional<int64_t> StatedEndOfOgg(ByteReader& file) {
  constexpr int kHead = 27;
  int64_t at = 0;
  while (file.Bytes(at, 4) == "OggS") {
    const auto pieces = static_cast<int>(file.BigEndian(at + kHead - 1, 1));
    int64_t size = kHead + pieces;
    for (const unsigned char length : file.Bytes(at + kHead, pieces)) {
      size += length;
    }
    at += size;
  }
  return at;
}

// [SMPTE 377-1, 7.1] The first pack of a partition: a key of 16 bytes, a length
// and a content, in which the place of the last partition is 0 until that is
// written.
std::optional<int64_t> StatedEndOfMxf(ByteReader& file) {
  constexpr int kKey = 16, kFooter = 24;
  // [ISO 8825-1, 8.1.3] From 128 on, the first byte counts those of the length.
  const auto content_of = [&](int64_t pack) {
    const auto first = static_cast<int>(file.BigEndian(pack + kKey, 1));
    return pack + kKey + 1 + (first < 128 ? 0 : first - 128);
  };
  const int64_t footer = Bounded(file.BigEndian(content_of(0) + kFooter, 8));
  if (footer == 0) return std::nullopt;
  return content_of(footer);
}

}  // namespace

std::optional<int64_t> StatedEnd(std::istream& file) {
  ByteReader bytes(file);
  const std::string head = bytes.Bytes(0, 12);
  if (head.substr(0, 4) == "RIFF") return StatedEndOfRiff(bytes);
  if (head.substr(0, 4) == "\x1a\x45\xdf\xa3") return StatedEndOfEbml(bytes);
  if (head.substr(0, 4) == kAsf) return StatedEndOfAsf(bytes);
  if (head.substr(0, 4) == "OggS") return StatedEndOfOgg(bytes);
  if (bytes.Bytes(0, 14) ==
      "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02") {
    return StatedEndOfMxf(bytes);
  }
  for (const char* type : {"ftyp", "moov", "mdat", "free", "skip", "wide"}) {
    if (head.substr(4, 4) == type) return StatedEndOfBoxes(bytes);
  }
  return std::nullopt;
}

std::optional<int64_t> SecondAsf(std::istream& file) {
  ByteReader bytes(file);
  if (bytes.Bytes(0, 4) != kAsf) return std::nullopt;
  const std::string header = bytes.Bytes(0, kAsfIdBytes);
  int64_t at = 0;
  while (at + kAsfHead <= bytes.size()) {
    if (AsfSize(bytes, at) < kAsfHead) return std::nullopt;
    if (at > 0 && bytes.Bytes(at, kAsfIdBytes) == header) return at;
    at += AsfSize(bytes, at);
  }
  return std::nullopt;
}

}  // namespace pipelines::media
