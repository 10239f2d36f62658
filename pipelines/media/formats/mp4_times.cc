#include "pipelines/media/formats/mp4_times.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/strings/str_format.h"
#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/mp4_boxes.h"
#include "pipelines/media/formats/mp4_tables.h"
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

// A box of entries of a number of frames and what holds for each.
class FrameRuns {
 public:
  FrameRuns(ByteReader& file, const Mp4Box& box) : file_(file) {
    if (!box.is_there()) return;
    const auto stated = static_cast<int64_t>(file.BigEndian(box.begin + 4, 4));
    next_ = box.begin + 8;
    end_ = next_ + 8 * std::min(stated, (box.end - next_) / 8);
  }

  // False behind the last one.
  bool Next() {
    if (next_ >= end_) return false;
    const uint64_t entry = file_.BigEndian(next_, 8);
    frames = static_cast<int64_t>(entry >> 32);
    value = static_cast<uint32_t>(entry);
    next_ += 8;
    return true;
  }

  int64_t frames = 0;
  uint32_t value = 0;

 private:
  ByteReader& file_;
  int64_t next_ = 0, end_ = 0;
};

// In units of the media.
struct FrameTimes {
  double sum = 0;  // of the durations
  // Of the durations that are not 0.
  double shortest = std::numeric_limits<double>::infinity();
  double key = 0;  // when the frame that is decoded first is shown
  // When the first and the last frame is shown, and until when.
  double first = std::numeric_limits<double>::infinity();
  double last = -first;
  double end = -first;
};

// From the boxes of how long each frame takes, in the order of decoding, and
// how much later it is shown, if there is one.
FrameTimes ReadFrameTimes(ByteReader& file, const Mp4Box& stts,
                          const Mp4Box& ctts) {
  FrameTimes times;
  FrameRuns durations(file, stts), delays(file, ctts);
  while (durations.Next()) {
    const double duration = durations.value;
    while (durations.frames > 0) {
      while (delays.frames == 0) {
        if (delays.Next()) continue;
        delays.frames = std::numeric_limits<int64_t>::max();
        delays.value = 0;
      }
      const int64_t frames = std::min(durations.frames, delays.frames);
      const double delay = static_cast<int32_t>(delays.value);
      if (std::isinf(times.first)) times.key = delay;
      times.first = std::min(times.first, times.sum + delay);
      if (duration > 0) times.shortest = std::min(times.shortest, duration);
      times.sum += static_cast<double>(frames) * duration;
      times.end = std::max(times.end, times.sum + delay);
      times.last = std::max(times.last, times.sum - duration + delay);
      durations.frames -= frames;
      delays.frames -= frames;
    }
  }
  return times;
}

// What an edit list shows, in seconds.
struct Edits {
  double shown = 0;  // all entries together, empty ones included
  double empty = 0;
  // Of the media, where the first shown part of it begins and the last ends.
  double begin = std::numeric_limits<double>::infinity();
  double end = 0;
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
    if (from == nothing) {
      edits.empty += shown;
      continue;
    }
    const double begin = static_cast<double>(Bounded(from)) / media_units;
    edits.begin = std::min(edits.begin, begin);
    edits.end = std::max(edits.end, begin + shown);
  }
  return edits;
}

double ReadTrackDuration(ByteReader& file, const Mp4Box& tkhd) {
  const bool is_long = file.BigEndian(tkhd.begin, 1) == 1;
  return static_cast<double>(Bounded(
      file.BigEndian(tkhd.begin + (is_long ? 28 : 20), is_long ? 8 : 4)));
}

// Whether the header states how long the frames last, but for two frames and a
// hundredth. It may count from the key frame of a cut on, behind the frames
// that are shown before it, and until the last frame shown.
bool Agrees(const MediaHeader& media, const FrameTimes& times) {
  const auto stated = static_cast<double>(media.duration);
  const double slack = 2 * times.shortest + stated / 100;
  const double from_key = times.end - times.key;
  return stated >= std::min(times.sum, from_key) - slack &&
         stated <= std::max(times.sum, times.end) + slack;
}

// [ISO 14496-12, 8.3.2] The duration of a track is the sum of its edits, and
// these lie within its media. Writers round to units of the movie. What is cut
// without encoding it anew may well end behind the duration of the media, which
// counts from the first frame that is decoded and not from the first one shown.
absl::Status CheckEdits(ByteReader& file, const Mp4Box& movie,
                        const Mp4Box& track, const MediaHeader& media,
                        const FrameTimes& times) {
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
      std::max(static_cast<double>(media.duration), times.end) / media_units;
  if (std::abs(edits.shown - track_seconds) > tolerance ||
      edits.end > media_seconds + rounding) {
    return absl::DataLossError(absl::StrFormat(
        "its edit list is damaged: it shows %.3f s up to %.3f s, the headers "
        "state %.3f s of %.3f s",
        edits.shown, edits.end, track_seconds, media_seconds));
  }
  const bool hides = (times.first + 0.5) / media_units < edits.begin ||
                     times.last / media_units >= edits.end;
  const double seconds = times.sum / media_units;
  const double shown = edits.shown - edits.empty;
  // By units of the movie that are damaged, next to nothing.
  const bool shows_none = shown < times.shortest / media_units / 2;
  if (hides &&
      (shown + rounding >= seconds || shows_none || !Agrees(media, times))) {
    return absl::DataLossError(absl::StrFormat(
        "its edit list or the times of its frames are damaged: it hides some "
        "and shows %.3f s, and all together last %.3f s",
        shown, seconds));
  }
  return absl::OkStatus();
}

absl::Status CheckTrack(ByteReader& file, const Mp4Box& movie,
                        const Mp4Box& track) {
  const Mp4Box media = FindBox(file, track, {"mdia"});
  const Mp4Box handler = FindBox(file, media, {"hdlr"});
  const Mp4Box table = FindBox(file, media, {"minf", "stbl"});
  const Mp4Box stts = FindBox(file, table, {"stts"});
  const MediaHeader header =
      ReadMediaHeader(file, FindBox(file, media, {"mdhd"}));
  // One of the two may be damaged.
  const bool is_video =
      (handler.is_there() && file.Bytes(handler.begin + 8, 4) == "vide") ||
      FindBox(file, media, {"minf", "vmhd"}).is_there();
  if (!is_video || !stts.is_there()) return absl::OkStatus();
  if (header.units == 0) {
    return absl::DataLossError("its header is damaged: no unit of time");
  }
  if (header.duration == 0) return absl::OkStatus();
  RETURN_IF_ERROR(CheckMp4Tables(file, table));
  const FrameTimes times =
      ReadFrameTimes(file, stts, FindBox(file, table, {"ctts"}));
  const auto stated = static_cast<double>(header.duration);
  if (times.sum >= stated / 2 && times.sum <= stated * 2) {
    return CheckEdits(file, movie, track, header, times);
  }
  const auto units = static_cast<double>(header.units);
  return absl::DataLossError(absl::StrFormat(
      "the times of its frames are damaged: together they last %.3f s, the "
      "header states %.3f s",
      times.sum / units, stated / units));
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
