#include "pipelines/media/webp_animation.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_header.h"

namespace pipelines::media {
namespace {

constexpr size_t kHeadBytes = 8;     // type and size of a chunk
constexpr size_t kFileHead = 12;     // "RIFF", size, "WEBP"
constexpr size_t kCanvasHead = 18;   // "VP8X" with its content
constexpr size_t kFrameFields = 16;  // of an "ANMF" before its chunks

// The bits of "VP8X" and "ANMF".
constexpr char kHasAlpha = 0x10, kHasProfile = 0x20;
constexpr uint32_t kClears = 1, kReplaces = 2;

// Chunks one after the other: type, size, content, each at an even place.
class Chunks {
 public:
  explicit Chunks(std::string_view bytes) : rest_(bytes) {}

  // Goes to the next chunk; false at the end, and where none is whole.
  bool Next() {
    const uint64_t size = LittleEndian(rest_, 4, 4);
    if (rest_.size() < kHeadBytes || rest_.size() - kHeadBytes < size) {
      return false;
    }
    whole_ = rest_.substr(0, kHeadBytes + size);
    rest_.remove_prefix(std::min(rest_.size(), whole_.size() + size % 2));
    return true;
  }

  // Whether no chunk can follow the last one.
  bool at_end() const { return rest_.size() < kHeadBytes; }

  std::string_view type() const { return whole_.substr(0, 4); }
  std::string_view whole() const { return whole_; }
  std::string_view content() const { return whole_.substr(kHeadBytes); }

 private:
  std::string_view rest_;
  std::string_view whole_;
};

// Twice the value of three bytes: frames lie at even places.
int Place(std::string_view fields, size_t at) {
  return 2 * static_cast<int>(LittleEndian(fields, at, 3));
}

int Side(std::string_view fields, size_t at) {
  return static_cast<int>(LittleEndian(fields, at, 3)) + 1;
}

// [WebP Lossless Bitstream, 3] A signature, twice 14 bits of size, the flag.
bool LosslessHasAlpha(std::string_view content) {
  return (LittleEndian(content, 1, 4) >> 28 & 1) != 0;
}

// The chunks of a frame that are its picture; empty if they hold none.
std::string_view PictureChunks(std::string_view bytes, bool* has_alpha) {
  size_t size = 0;
  for (Chunks chunks(bytes); chunks.Next();) {
    size += chunks.whole().size() + chunks.whole().size() % 2;
    if (chunks.type() == "ALPH") *has_alpha = true;
    if (chunks.type() == "VP8L" && LosslessHasAlpha(chunks.content())) {
      *has_alpha = true;
    }
    if (chunks.type() == "VP8L" || chunks.type() == "VP8 ") {
      return bytes.substr(0, size);
    }
  }
  return {};
}

// Appends the frame of an "ANMF" chunk; what is wrong with it, or nothing.
const char* AppendFrame(std::string_view content, WebpAnimation* animation) {
  if (content.size() < kFrameFields) return "has no head";
  WebpFrame frame;
  frame.place = cv::Rect(Place(content, 0), Place(content, 3), Side(content, 6),
                         Side(content, 9));
  frame.milliseconds = static_cast<int>(LittleEndian(content, 12, 3));
  const uint32_t flags = Byte(content, 15);
  frame.blends = (flags & kReplaces) == 0;
  frame.is_cleared = (flags & kClears) != 0;
  if ((frame.place & cv::Rect({0, 0}, animation->canvas)) != frame.place) {
    return "lies outside the picture";
  }
  frame.chunks = PictureChunks(content.substr(kFrameFields), &frame.has_alpha);
  if (frame.chunks.empty()) return "holds no picture";
  animation->frames.push_back(frame);
  return nullptr;
}

}  // namespace

absl::StatusOr<WebpAnimation> ReadWebpAnimation(std::string_view bytes,
                                                const std::string& name) {
  const uint64_t stated = LittleEndian(bytes, 4, 4) + kHeadBytes;
  const uint64_t size = std::min<uint64_t>(bytes.size(), stated);
  if (size < kFileHead + kCanvasHead) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": the animated WebP is truncated, it ends after ",
                     size, " bytes"));
  }
  WebpAnimation animation;
  animation.canvas = cv::Size(Side(bytes, 24), Side(bytes, 27));
  animation.orientation = ReadWebpOrientation(bytes);
  const auto damaged = [&](const auto&... what) {
    return absl::DataLossError(
        absl::StrCat(name, ": the animated WebP is damaged: ", what...));
  };
  Chunks chunks(bytes.substr(kFileHead, size - kFileHead));
  while (animation.end.ok() && chunks.Next()) {
    if (chunks.type() == "ICCP") animation.profile = chunks.whole();
    if (chunks.type() != "ANMF") continue;
    const char* const wrong = AppendFrame(chunks.content(), &animation);
    if (wrong == nullptr) continue;
    animation.end = damaged("frame ", animation.frames.size() + 1, " ", wrong);
  }
  if (animation.end.ok() && (size < stated || !chunks.at_end())) {
    animation.end = damaged("its last piece is cut short");
  }
  if (animation.end.ok() && animation.frames.empty()) {
    animation.end = damaged("it holds no frame");
  }
  return animation;
}

void SetWebpDuration(int64_t milliseconds, std::string* webp) {
  const auto animation = ReadWebpAnimation(*webp, /*name=*/"");
  if (!animation.ok() || animation->frames.empty()) return;
  const WebpFrame& last = animation->frames.back();
  for (const WebpFrame& frame : animation->frames) {
    if (&frame != &last) milliseconds -= frame.milliseconds;
  }
  if (milliseconds <= 0) return;
  // The three bytes in front of the flags, which the picture follows.
  constexpr int64_t kMost = (1 << 24) - 1;
  webp->replace(static_cast<size_t>(last.chunks.data() - webp->data()) - 4, 3,
                ThreeBytes(static_cast<int>(std::min(milliseconds, kMost))));
}

std::string StillOf(const WebpAnimation& animation, const WebpFrame& frame) {
  const char flags =
      static_cast<char>((frame.has_alpha ? kHasAlpha : 0) |
                        (animation.profile.empty() ? 0 : kHasProfile));
  std::string content = absl::StrCat(
      "WEBPVP8X", LittleEndianBytes(10), std::string{flags, 0, 0, 0},
      ThreeBytes(frame.place.width - 1), ThreeBytes(frame.place.height - 1));
  content.append(animation.profile.data(), animation.profile.size());
  if (content.size() % 2 != 0) content += '\0';
  content.append(frame.chunks.data(), frame.chunks.size());
  if (content.size() % 2 != 0) content += '\0';
  return "RIFF" + LittleEndianBytes(static_cast<uint32_t>(content.size())) +
         content;
}

}  // namespace pipelines::media
