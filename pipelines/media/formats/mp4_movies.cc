#include "pipelines/media/formats/mp4_movies.h"

#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/mp4_boxes.h"

namespace pipelines::media {
namespace {

// [ISO 14496-12, 8.7.3] Behind version, flags and a size stands the number of
// frames or packets, in both forms of this box.
bool ListsSamples(ByteReader& file, const Mp4Box& track) {
  for (const char* type : {"stsz", "stz2"}) {
    const Mp4Box sizes = FindBox(file, track, {"mdia", "minf", "stbl", type});
    if (sizes.is_there() && file.BigEndian(sizes.begin + 8, 4) > 0) return true;
  }
  return false;
}

bool ListsSamplesOfTracks(ByteReader& file, const Mp4Box& movie) {
  for (Mp4Box track = NextBox(file, movie, "trak", movie.begin);
       track.is_there(); track = NextBox(file, movie, "trak", track.end)) {
    if (ListsSamples(file, track)) return true;
  }
  return false;
}

}  // namespace

std::optional<int64_t> SecondMovie(std::istream& file) {
  ByteReader bytes(file);
  const Mp4Box whole = {0, bytes.size()};
  const Mp4Box first = NextBox(bytes, whole, "ftyp", 0);
  if (!first.is_there()) return std::nullopt;
  const Mp4Box second = NextBox(bytes, whole, "ftyp", first.end);
  if (!second.is_there()) return std::nullopt;
  for (Mp4Box movie = NextBox(bytes, whole, "moov", second.end);
       movie.is_there(); movie = NextBox(bytes, whole, "moov", movie.end)) {
    constexpr int64_t kHeader = 8;
    if (ListsSamplesOfTracks(bytes, movie)) return second.begin - kHeader;
  }
  return std::nullopt;
}

}  // namespace pipelines::media
