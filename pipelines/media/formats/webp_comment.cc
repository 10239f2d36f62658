#include "pipelines/media/formats/webp_comment.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

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

// As RIFF has numbers: the lowest byte first.
std::string Number(int64_t value, int bytes = 4) {
  std::string number;
  for (int i = 0; i < bytes; ++i) {
    number += static_cast<char>(value >> (8 * i));
  }
  return number;
}

std::string ChunkOf(absl::string_view comment) {
  std::string xmp = XmpOf(comment);
  const auto size = static_cast<int64_t>(xmp.size());
  if (size % 2 != 0) xmp += '\0';
  return absl::StrCat("XMP ", Number(size), xmp);
}

}  // namespace

void AddWebpComment(absl::string_view comment, cv::Size size, bool has_alpha,
                    std::string* webp) {
  constexpr int kFirstChunkAt = 12;
  if (webp->compare(kFirstChunkAt, 4, "VP8X") != 0) {
    // A file of the picture alone has no place for flags yet.
    constexpr char kHasAlpha = 16;
    webp->insert(
        kFirstChunkAt,
        absl::StrCat("VP8X", Number(10), Number(has_alpha ? kHasAlpha : 0),
                     Number(size.width - 1, 3), Number(size.height - 1, 3)));
  }
  webp->at(kFlagsAt) = static_cast<char>(webp->at(kFlagsAt) | kHasXmp);
  *webp += ChunkOf(comment);
  webp->replace(kRiffSizeAt, 4, Number(static_cast<int64_t>(webp->size()) - 8));
}

}  // namespace pipelines::media
