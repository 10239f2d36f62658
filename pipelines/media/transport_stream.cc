#include "pipelines/media/transport_stream.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/bytes.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

constexpr char kMark = 0x47;
constexpr int64_t kPacketBytes = 188;

// How packets lie in the file: each has `before` bytes in front (4 in Blu-ray
// and camera files) or more behind (16 for error correction in some
// broadcasts).
struct Layout {
  int64_t first = 0;  // byte where the first whole packet's mark is
  int64_t stride = kPacketBytes;
};

// Whether marks stand at `at` and every `stride` bytes behind it; a recording
// may begin in the middle of a packet, so one mark by chance does not count.
bool HasMarks(ByteReader& bytes, int64_t at, int64_t stride) {
  constexpr int kMarks = 5;
  int found = 0;
  for (; found < kMarks && at < bytes.size(); ++found, at += stride) {
    if (bytes.Bytes(at, 1)[0] != kMark) return false;
  }
  return found >= 2;
}

std::optional<Layout> FindLayout(ByteReader& bytes) {
  constexpr int64_t kStrides[] = {188, 192, 204};
  for (int64_t at = 0; at < 204; ++at) {
    if (bytes.Bytes(at, 1)[0] != kMark) continue;
    for (const int64_t stride : kStrides) {
      if (HasMarks(bytes, at, stride)) return Layout{at, stride};
    }
  }
  return std::nullopt;
}

// [ISO 13818-1, 2.4.3.2] The payload of `packet`, behind its header and
// adaptation field; empty where there is none or it is scrambled.
std::string_view Payload(std::string_view packet) {
  const unsigned control = Byte(packet, 3);
  const bool is_scrambled = control & 0xc0;
  if (is_scrambled || !(control & 0x10)) return {};
  const size_t begin = control & 0x20 ? 5 + Byte(packet, 4) : 4;
  return packet.substr(std::min(begin, packet.size()));
}

bool BeginsPiece(std::string_view packet, int pid) {
  const unsigned head = Byte(packet, 1) << 8 | Byte(packet, 2);
  return static_cast<int>(head & 0x1fff) == pid && head & 0x4000;
}

// [ISO 13818-1, 2.4.3.6] The eighth byte's upper bits tell of time stamps.
bool StatesTime(std::string_view piece) { return Byte(piece, 7) & 0x80; }

absl::Status DamagedAt(int64_t at) {
  return absl::DataLossError(absl::StrCat("the file is damaged at byte ", at));
}

// Calls visit(packet, place) for each packet; returns its first error.
template <typename Visit>
absl::Status ForEachPacket(ByteReader& bytes, const Layout& layout,
                           Visit visit) {
  constexpr int64_t kPacketsAtOnce = 4096;
  int64_t at = layout.first;
  while (at + kPacketBytes <= bytes.size()) {
    const std::string many = bytes.Bytes(
        at, static_cast<int>(
                std::min(kPacketsAtOnce * layout.stride, bytes.size() - at)));
    int64_t done = 0;
    const auto size = static_cast<int64_t>(many.size());
    for (; done + kPacketBytes <= size; done += layout.stride) {
      RETURN_IF_ERROR(visit(std::string_view(many).substr(
                                static_cast<size_t>(done), kPacketBytes),
                            at + done));
    }
    at += done;
  }
  // Behind the last packet stands at most the space to the next.
  const int64_t last_end = at - layout.stride + kPacketBytes;
  const int64_t between = layout.stride - kPacketBytes;
  if (bytes.size() <= last_end + between) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "the file is truncated: its last packet has ",
      std::max<int64_t>(0, bytes.size() - at), " of ", kPacketBytes, " bytes"));
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> CountTimedPieces(std::istream& file,
                                                        int pid) {
  ByteReader bytes(file);
  const std::optional<Layout> layout = FindLayout(bytes);
  if (!layout) return std::nullopt;
  int64_t count = 0;
  RETURN_IF_ERROR(ForEachPacket(
      bytes, *layout, [&](std::string_view packet, int64_t at) -> absl::Status {
        if (packet[0] != kMark) return DamagedAt(at);
        if (!BeginsPiece(packet, pid)) return absl::OkStatus();
        const std::string_view piece = Payload(packet);
        if (piece.empty()) return absl::OkStatus();
        if (piece.substr(0, 3) != std::string_view("\0\0\1", 3)) {
          return DamagedAt(at);
        }
        if (StatesTime(piece)) ++count;
        return absl::OkStatus();
      }));
  return count;
}

}  // namespace pipelines::media
