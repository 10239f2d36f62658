#include "pipelines/media/formats/webp_comment.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pipelines/media/formats/bytes.h"

namespace pipelines::media {
namespace {

// Where things are in a file that begins with RIFF, WEBP and VP8X.
constexpr int kRiffSizeAt = 4, kFlagsAt = 20;
constexpr char kHasXmp = 4;

std::string XmpOf(absl::string_view comment) {
  return absl::StrCat(
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
      "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
      "<rdf:Description rdf:about=\"\" "
      "xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:description><rdf:Alt>"
      "<rdf:li xml:lang=\"x-default\">",
      absl::StrReplaceAll(comment,
                          {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}}),
      "</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF>"
      "</x:xmpmeta>");
}

std::string ChunkOf(absl::string_view comment) {
  std::string xmp = XmpOf(comment);
  const auto size = static_cast<uint32_t>(xmp.size());
  if (size % 2 != 0) xmp += '\0';
  return absl::StrCat("XMP ", LittleEndianBytes(size), xmp);
}

}  // namespace

void AddWebpComment(absl::string_view comment, cv::Size size, bool has_alpha,
                    std::string* webp) {
  constexpr int kFirstChunkAt = 12;
  if (webp->compare(kFirstChunkAt, 4, "VP8X") != 0) {
    // A file of the picture alone has no place for flags yet.
    constexpr uint32_t kHasAlpha = 16;
    webp->insert(
        kFirstChunkAt,
        absl::StrCat("VP8X", LittleEndianBytes(10),
                     LittleEndianBytes(has_alpha ? kHasAlpha : 0),
                     ThreeBytes(size.width - 1), ThreeBytes(size.height - 1)));
  }
  webp->at(kFlagsAt) = static_cast<char>(webp->at(kFlagsAt) | kHasXmp);
  *webp += ChunkOf(comment);
  webp->replace(kRiffSizeAt, 4,
                LittleEndianBytes(static_cast<uint32_t>(webp->size() - 8)));
}

}  // namespace pipelines::media
