#include "pipelines/media/transport_stream.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

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

bool IsOf(std::string_view packet, int pid) {
  const unsigned head = Byte(packet, 1) << 8 | Byte(packet, 2);
  return static_cast<int>(head & 0x1fff) == pid;
}

bool BeginsPiece(std::string_view packet) { return Byte(packet, 1) & 0x40; }

bool HasStartCode(std::string_view piece) {
  return piece.substr(0, 3) == std::string_view("\0\0\1", 3);
}

// [ISO 13818-1, 2.4.3.7] The head of a piece of video, which stands nowhere
// else in one.
bool IsVideoPiece(std::string_view payload) {
  return HasStartCode(payload) && (Byte(payload, 3) & 0xf0) == 0xe0;
}

// [ISO 13818-1, 2.4.3.6] The eighth byte's upper bits tell of time stamps.
bool StatesTime(std::string_view piece) { return Byte(piece, 7) & 0x80; }

// When a piece is to be decoded, in units of 1/90000 s, if it states that.
std::optional<int64_t> DecodingTime(std::string_view piece) {
  if (!StatesTime(piece)) return std::nullopt;
  const bool has_both = Byte(piece, 7) & 0x40;
  const uint64_t bytes = BigEndian(piece, has_both ? 14 : 9, 5);
  // Three, fifteen and fifteen bits, a one behind each.
  return static_cast<int64_t>((bytes >> 33 & 7) << 30 |
                              (bytes >> 17 & 0x7fff) << 15 |
                              (bytes >> 1 & 0x7fff));
}

// Whether the clock of 33 bits, which wraps, has not gone on from `before`.
bool IsBack(int64_t time, int64_t before) {
  constexpr int64_t kWrap = int64_t{1} << 33;
  const int64_t ahead = (time - before + kWrap) % kWrap;
  return ahead == 0 || ahead > kWrap / 2;
}

// [ISO 13818-1, 2.4.3.4] Whether an adaptation field with more bytes than it
// needs shortens the payload, as in the last packet of a piece. In one of 184
// pieces the last payload fits as it is.
bool IsFilledUp(std::string_view packet) {
  if (!(Byte(packet, 3) & 0x20)) return false;
  const unsigned length = Byte(packet, 4), flags = Byte(packet, 5);
  unsigned used = 1;
  if (flags & 0x10) used += 6;                           // clock
  if (flags & 0x08) used += 6;                           // original clock
  if (flags & 0x04) used += 1;                           // splice countdown
  if (flags & 0x02) used += 1 + Byte(packet, 5 + used);  // private data
  if (flags & 0x01) used += 1 + Byte(packet, 5 + used);  // extension
  return length == 0 || used < length;
}

bool IsMarkedDiscontinuous(std::string_view packet) {
  return Byte(packet, 3) & 0x20 && Byte(packet, 4) > 0 &&
         Byte(packet, 5) & 0x80;
}

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

// The packets of one elementary stream, one after the other.
class OrderCheck {
 public:
  explicit OrderCheck(int pid) : pid_(pid) {}

  // DataLoss where a packet does not follow the one before.
  absl::Status Take(std::string_view packet, int64_t at);

  // DataLoss if the piece that ends before byte `at` is shorter than it states.
  absl::Status EndPiece(int64_t at) const;

  int64_t num_joints() const { return num_joints_; }

 private:
  bool IsInOrder(std::string_view packet);
  bool IsJoint(std::string_view packet) const;

  int pid_;
  int64_t num_joints_ = 0;
  std::optional<unsigned> number_;  // of the packet before, 0 to 15
  std::optional<int64_t> time_;     // of the last piece that states one
  // Of the piece under way.
  int64_t stated_size_ = 0;  // 0: not stated
  int64_t size_ = 0;
  bool is_filled_up_ = false;
};

// [ISO 13818-1, 2.4.3.3] Packets with a payload are counted.
bool OrderCheck::IsInOrder(std::string_view packet) {
  const bool has_payload = Byte(packet, 3) & 0x10;
  const unsigned number = Byte(packet, 3) & 0xf;
  const bool follows =
      !number_ || number == ((*number_ + (has_payload ? 1 : 0)) & 0xf);
  number_ = number;
  return follows || IsMarkedDiscontinuous(packet);
}

bool OrderCheck::IsJoint(std::string_view packet) const {
  if (!BeginsPiece(packet) || !(stated_size_ > 0 || is_filled_up_)) {
    return false;
  }
  const std::optional<int64_t> time = DecodingTime(Payload(packet));
  return time && time_ && IsBack(*time, *time_);
}

absl::Status OrderCheck::EndPiece(int64_t at) const {
  if (size_ >= stated_size_) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the file is damaged: of a frame before byte ", at, " ",
                   size_, " of ", stated_size_, " bytes are there"));
}

absl::Status OrderCheck::Take(std::string_view packet, int64_t at) {
  if (!IsOf(packet, pid_)) return absl::OkStatus();
  if (Byte(packet, 1) & 0x80) {
    return absl::DataLossError(
        absl::StrCat("the file is damaged: its packet at byte ", at,
                     " is marked as received with errors"));
  }
  const bool is_in_order = IsInOrder(packet);
  if (BeginsPiece(packet)) RETURN_IF_ERROR(EndPiece(at));
  if (!is_in_order) {
    if (!IsJoint(packet)) {
      return absl::DataLossError(absl::StrCat(
          "the numbers of its packets jump at byte ", at,
          ": a piece is missing there",
          BeginsPiece(packet) ? ", or two recordings were joined there" : ""));
    }
    ++num_joints_;
  }
  const std::string_view payload = Payload(packet);
  if (payload.empty()) return absl::OkStatus();
  if (BeginsPiece(packet)) {
    const auto stated = static_cast<int64_t>(BigEndian(payload, 4, 2));
    stated_size_ = stated > 0 ? stated + 6 : 0;
    size_ = 0;
    const std::optional<int64_t> time = DecodingTime(payload);
    if (time) time_ = time;
  }
  size_ += static_cast<int64_t>(payload.size());
  is_filled_up_ = IsFilledUp(packet);
  return absl::OkStatus();
}

}  // namespace

PacketOrder CheckPacketOrder(std::istream& file, int pid) {
  ByteReader bytes(file);
  const std::optional<Layout> layout = FindLayout(bytes);
  if (!layout) return {};
  OrderCheck check(pid);
  absl::Status flaw =
      ForEachPacket(bytes, *layout, [&](std::string_view packet, int64_t at) {
        return packet[0] == kMark ? check.Take(packet, at) : DamagedAt(at);
      });
  if (flaw.ok()) flaw = check.EndPiece(bytes.size());
  return {check.num_joints(), std::move(flaw)};
}

absl::StatusOr<std::optional<int64_t>> CountTimedPieces(std::istream& file,
                                                        int pid) {
  ByteReader bytes(file);
  const std::optional<Layout> layout = FindLayout(bytes);
  if (!layout) return std::nullopt;
  int64_t count = 0;
  RETURN_IF_ERROR(ForEachPacket(
      bytes, *layout, [&](std::string_view packet, int64_t at) -> absl::Status {
        if (packet[0] != kMark) return DamagedAt(at);
        const std::string_view piece = Payload(packet);
        if (!IsOf(packet, pid) || piece.empty()) return absl::OkStatus();
        if (BeginsPiece(packet) ? !HasStartCode(piece) : IsVideoPiece(piece)) {
          return DamagedAt(at);
        }
        if (BeginsPiece(packet) && StatesTime(piece)) ++count;
        return absl::OkStatus();
      }));
  return count;
}

}  // namespace pipelines::media
