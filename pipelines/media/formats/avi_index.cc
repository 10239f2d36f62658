#include "pipelines/media/formats/avi_index.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "pipelines/media/formats/byte_reader.h"

namespace pipelines::media {
namespace {

struct Piece {
  int64_t begin = 0, end = 0;
};

// [RIFF, OpenDML] Pieces of a type, a size and a content, filled up to even
// sizes.
std::optional<Piece> FindIndex(ByteReader& file) {
  if (file.Bytes(0, 4) != "RIFF" || file.Bytes(8, 4) != "AVI ") {
    return std::nullopt;
  }
  for (int64_t at = 12; at + 8 <= file.size();) {
    // What was not written, and would be walked over for ever.
    if (file.LittleEndian(at, 4) == 0) return std::nullopt;
    const auto size = static_cast<int64_t>(file.LittleEndian(at + 4, 4));
    if (file.Bytes(at, 4) == "idx1") {
      return Piece{at + 8, std::min(at + 8 + size, file.size())};
    }
    at += 8 + size + size % 2;
  }
  return std::nullopt;
}

}  // namespace

// Entries of the piece's name, flags, place and size. Names are the stream's
// number and "dc" or "db"; "pc" is a change of colours.
std::optional<AviPieces> ListedByAvi(std::istream& file, int stream) {
  constexpr int64_t kEntryBytes = 16;
  ByteReader bytes(file);
  const std::optional<Piece> index = FindIndex(bytes);
  if (!index) return std::nullopt;
  const std::string name = absl::StrFormat("%02xd", stream);
  AviPieces pieces;
  for (int64_t at = index->begin; at + kEntryBytes <= index->end;
       at += kEntryBytes) {
    if (bytes.Bytes(at, 3) != name) continue;
    ++pieces.all;
    if (bytes.LittleEndian(at + 12, 4) > 0) ++pieces.filled;
  }
  return pieces;
}

}  // namespace pipelines::media
