#include "pipelines/media/formats/mp4_times.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/mp4_boxes.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

// Units a second, and units that the track takes by its header.
struct MediaHeader {
  int64_t units = 0;
  int64_t duration = 0;  // 0: not stated
};

MediaHeader ReadMediaHeader(ByteReader& file, const Mp4Box& mdhd) {
  const bool is_long = file.BigEndian(mdhd.begin, 1) == 1;
  const int64_t times = mdhd.begin + (is_long ? 20 : 12);
  MediaHeader header;
  header.units = static_cast<int64_t>(file.BigEndian(times, 4));
  const uint64_t duration = file.BigEndian(times + 4, is_long ? 8 : 4);
  const uint64_t unknown = is_long ? UINT64_MAX : UINT32_MAX;
  header.duration = duration == unknown ? 0 : Bounded(duration);
  return header;
}

// The time-to-sample box: entries of a number of frames and the duration of
// each.
double SumOfDurations(ByteReader& file, const Mp4Box& stts) {
  const auto stated = static_cast<int64_t>(file.BigEndian(stts.begin + 4, 4));
  const int64_t count = std::min(stated, (stts.end - stts.begin - 8) / 8);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t entry = stts.begin + 8 + 8 * i;
    sum += static_cast<double>(file.BigEndian(entry, 4)) *
           static_cast<double>(file.BigEndian(entry + 4, 4));
  }
  return sum;
}

// What an edit list shows, in seconds.
struct Edits {
  double shown = 0;  // all entries together, empty ones included
  double end = 0;    // of the media, where the last shown part of it ends
};

// Entries of how long, from which time of the media on (-1: nothing is shown),
// and at which rate.
Edits ReadEdits(ByteReader& file, const Mp4Box& elst, double movie_units,
                double media_units) {
  const bool is_long = file.BigEndian(elst.begin, 1) == 1;
  const int bytes = is_long ? 8 : 4;
  const int64_t entry_bytes = 2 * bytes + 4;
  const auto stated = static_cast<int64_t>(file.BigEndian(elst.begin + 4, 4));
  const int64_t count =
      std::min(stated, (elst.end - elst.begin - 8) / entry_bytes);
  Edits edits;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t entry = elst.begin + 8 + entry_bytes * i;
    const double shown =
        static_cast<double>(Bounded(file.BigEndian(entry, bytes))) /
        movie_units;
    const uint64_t from = file.BigEndian(entry + bytes, bytes);
    edits.shown += shown;
    const uint64_t nothing = is_long ? UINT64_MAX : UINT32_MAX;
    if (from == nothing) continue;
    edits.end = std::max(
        edits.end, static_cast<double>(Bounded(from)) / media_units + shown);
  }
  return edits;
}

double ReadTrackDuration(ByteReader& file, const Mp4Box& tkhd) {
  const bool is_long = file.BigEndian(tkhd.begin, 1) == 1;
  return static_cast<double>(Bounded(
      file.BigEndian(tkhd.begin + (is_long ? 28 : 20), is_long ? 8 : 4)));
}

// [ISO 14496-12, 8.3.2] The duration of a track is the sum of its edits, and
// these lie within its media. Writers round to units of the movie.
absl::Status CheckEdits(ByteReader& file, const Mp4Box& movie,
                        const Mp4Box& track, const MediaHeader& media) {
  const Mp4Box elst = FindBox(file, track, {"edts", "elst"});
  const Mp4Box tkhd = FindBox(file, track, {"tkhd"});
  const auto movie_units = static_cast<double>(
      ReadMediaHeader(file, FindBox(file, movie, {"mvhd"})).units);
  if (!elst.is_there() || !tkhd.is_there() || movie_units == 0) {
    return absl::OkStatus();
  }
  const auto media_units = static_cast<double>(media.units);
  const Edits edits = ReadEdits(file, elst, movie_units, media_units);
  const double track_seconds = ReadTrackDuration(file, tkhd) / movie_units;
  const double tolerance = std::max(0.005, 2 / movie_units);
  // One unit up; a start that is moved within the first frame hides it.
  const double rounding = 1.001 / movie_units + 1 / media_units;
  const double media_seconds =
      static_cast<double>(media.duration) / media_units;
  if (std::abs(edits.shown - track_seconds) <= tolerance &&
      edits.end <= media_seconds + rounding) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrFormat(
      "its edit list is damaged: it shows %.3f s up to %.3f s, the headers "
      "state %.3f s of %.3f s",
      edits.shown, edits.end, track_seconds, media_seconds));
}

absl::Status CheckTrack(ByteReader& file, const Mp4Box& movie,
                        const Mp4Box& track) {
  const Mp4Box media = FindBox(file, track, {"mdia"});
  const Mp4Box handler = FindBox(file, media, {"hdlr"});
  const Mp4Box times = FindBox(file, media, {"minf", "stbl", "stts"});
  const MediaHeader header =
      ReadMediaHeader(file, FindBox(file, media, {"mdhd"}));
  const bool is_video =
      handler.is_there() && file.Bytes(handler.begin + 8, 4) == "vide";
  if (!is_video || !times.is_there() || header.units == 0 ||
      header.duration == 0) {
    return absl::OkStatus();
  }
  const double sum = SumOfDurations(file, times);
  const auto stated = static_cast<double>(header.duration);
  if (sum >= stated / 2 && sum <= stated * 2) {
    return CheckEdits(file, movie, track, header);
  }
  const auto units = static_cast<double>(header.units);
  return absl::DataLossError(absl::StrFormat(
      "the times of its frames are damaged: together they last %.3f s, the "
      "header states %.3f s",
      sum / units, stated / units));
}

}  // namespace

absl::Status CheckMp4Times(std::istream& file) {
  ByteReader bytes(file);
  const Mp4Box whole = {0, bytes.size()};
  const Mp4Box movie = FindBox(bytes, whole, {"moov"});
  if (!movie.is_there()) return absl::OkStatus();
  for (Mp4Box track = NextBox(bytes, movie, "trak", movie.begin);
       track.is_there(); track = NextBox(bytes, movie, "trak", track.end)) {
    RETURN_IF_ERROR(CheckTrack(bytes, movie, track));
  }
  return absl::OkStatus();
}

}  // namespace pipelines::media
