// Movies without a frame; video_reader_test has whole ones.
#include "pipelines/media/formats/mp4_times.h"

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/formats/bytes.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

constexpr uint32_t kMovieUnits = 1000;  // a second
constexpr uint32_t kMediaUnits = 600;

absl::Status Check(const std::string& bytes) {
  std::istringstream file(bytes);
  return CheckMp4Times(file);
}

std::string Box(const std::string& type, const std::string& content) {
  return BigEndianBytes(static_cast<uint32_t>(8 + content.size())) + type +
         content;
}

// Version and flags, two dates, units and duration.
std::string HeaderBox(const std::string& type, uint32_t units,
                      uint32_t duration) {
  return Box(type, std::string(12, '\0') + BigEndianBytes(units) +
                       BigEndianBytes(duration));
}

struct Track {
  std::string kind = "vide";
  uint32_t frames = 50;
  uint32_t frame_duration = 24;  // of 600: 25 frames a second
  uint32_t duration = 50 * 24;   // by the header
  // Of the edit list, in the movie's units; 0: no list.
  uint32_t shown = 0;
  uint32_t first = 0;  // of the edit list, in the media's units
  uint32_t track_duration = 2000;
  // How much later than decoded each frame is shown: numbers of frames, and
  // units of the media. Empty: not at all.
  std::vector<std::pair<uint32_t, int32_t>> delays;
  uint32_t units = kMediaUnits;
  std::string video_header;  // the box of what holds for video alone
  std::string sizes;         // the box of the frames' sizes
};

std::string DelayBox(const Track& track) {
  if (track.delays.empty()) return "";
  std::string entries;
  for (const auto& [frames, delay] : track.delays) {
    entries +=
        BigEndianBytes(frames) + BigEndianBytes(static_cast<uint32_t>(delay));
  }
  return Box("ctts",
             BigEndianBytes(0) +
                 BigEndianBytes(static_cast<uint32_t>(track.delays.size())) +
                 entries);
}

// `short_frames` of 24 units stand in front of the track's own.
std::string TrackBox(const Track& track, uint32_t short_frames = 0) {
  const std::string stts =
      Box("stts", BigEndianBytes(0) + BigEndianBytes(2) +
                      BigEndianBytes(short_frames) + BigEndianBytes(24) +
                      BigEndianBytes(track.frames) +
                      BigEndianBytes(track.frame_duration));
  const std::string media = Box(
      "mdia",
      HeaderBox("mdhd", track.units, track.duration) +
          Box("hdlr", std::string(8, '\0') + track.kind) +
          Box("minf", track.video_header +
                          Box("stbl", stts + DelayBox(track) + track.sizes)));
  const std::string header =
      Box("tkhd", std::string(20, '\0') + BigEndianBytes(track.track_duration));
  const std::string edits =
      track.shown == 0
          ? ""
          : Box("edts", Box("elst", BigEndianBytes(0) + BigEndianBytes(1) +
                                        BigEndianBytes(track.shown) +
                                        BigEndianBytes(track.first) +
                                        BigEndianBytes(1 << 16)));
  return Box("trak", header + edits + media);
}

std::string Movie(const std::string& tracks) {
  return Box("ftyp", "isom") +
         Box("moov", HeaderBox("mvhd", kMovieUnits, 2000) + tracks);
}

TEST(CheckMp4Times, BelievesTimesThatTheHeaderStates) {
  EXPECT_THAT(Check(Movie(TrackBox({}))), IsOk());
  Track edited;
  edited.shown = 2000;
  EXPECT_THAT(Check(Movie(TrackBox(edited))), IsOk());
}

TEST(CheckMp4Times, FindsTimesThatLastTwiceAsLongOrHalf) {
  for (const uint32_t frame_duration : {11u, 49u}) {
    Track track;
    track.frame_duration = frame_duration;
    EXPECT_THAT(Check(Movie(TrackBox({}) + TrackBox(track))),
                StatusIs(StatusCode::kDataLoss,
                         HasSubstr("the times of its frames are damaged")))
        << frame_duration;
  }
}

TEST(CheckMp4Times, FindsAnEditListThatShowsAnotherTime) {
  for (const uint32_t shown : {1000u, 3000u}) {
    Track track;
    track.shown = shown;
    EXPECT_THAT(Check(Movie(TrackBox(track))),
                StatusIs(StatusCode::kDataLoss, HasSubstr("edit list")))
        << shown;
  }
}

TEST(CheckMp4Times, FindsADamagedTable) {
  Track track;
  track.sizes = Box("stsz", BigEndianBytes(0) + BigEndianBytes(1 << 30) +
                                BigEndianBytes(track.frames));
  EXPECT_THAT(Check(Movie(TrackBox(track))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("table of sizes")));
}

// FFmpeg hides a frame of which the edit list leaves out the beginning.
TEST(CheckMp4Times, FindsAnEditListThatEndsBehindItsMedia) {
  Track track;
  track.shown = 2000;
  track.first = 2;  // of 600: a twelfth of a frame
  EXPECT_THAT(Check(Movie(TrackBox(track))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("edit list")));
  track.shown = track.track_duration = 1997;  // rounded up from 1996.67
  EXPECT_THAT(Check(Movie(TrackBox(track))), IsOk());
}

// Whoever cuts a video without encoding it keeps what is decoded in front. Two
// frames behind the first that is decoded, the first one is shown.
TEST(CheckMp4Times, BelievesACutThatEndsWithTheLastFrameShown) {
  Track track;
  track.delays = {{25, 48}, {25, 48}};
  track.first = 48 + 10 * 24;
  track.shown = track.track_duration = 1600;
  EXPECT_THAT(Check(Movie(TrackBox(track))), IsOk());
  track.first += 3;
  EXPECT_THAT(Check(Movie(TrackBox(track))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("edit list")));
}

TEST(CheckMp4Times, FindsAFrameWhoseTimeHidesIt) {
  Track track;
  track.first = 48;
  track.shown = 2000;
  track.delays = {{50, 48}};
  EXPECT_THAT(Check(Movie(TrackBox(track))), IsOk());
  for (const int32_t delay : {48 + 64 * 24, 48 - 64 * 24}) {
    track.delays = {{20, 48}, {1, delay}, {29, 48}};
    EXPECT_THAT(Check(Movie(TrackBox(track))),
                StatusIs(StatusCode::kDataLoss, HasSubstr("hides some")))
        << delay;
  }
}

// By units of the movie that are much too small, it shows next to nothing.
TEST(CheckMp4Times, FindsAnEditListThatShowsLessThanAFrame) {
  Track track;
  track.shown = track.track_duration = 40;
  EXPECT_THAT(Check(Movie(TrackBox(track))), IsOk());
  track.shown = track.track_duration = 19;
  EXPECT_THAT(Check(Movie(TrackBox(track))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("hides some")));
}

// A bit of how long each frame takes: those behind the end are hidden.
TEST(CheckMp4Times, FindsTimesThatLastLongerThanStatedWhereFramesAreHidden) {
  Track track;
  track.shown = 2000;
  EXPECT_THAT(Check(Movie(TrackBox(track))), IsOk());
  track.frame_duration = 24 ^ 4;
  EXPECT_THAT(Check(Movie(TrackBox(track))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("hides some")));
}

// Behind the key frame of a cut, frames are decoded that are shown before it.
TEST(CheckMp4Times, BelievesAHeaderThatCountsFromAKeyFrameOn) {
  Track track;
  track.delays = {{1, 12 * 24}, {10, 24}, {39, 48}};
  track.duration = 39 * 24;
  track.first = 12 * 24;
  track.shown = track.track_duration = 1520;
  EXPECT_THAT(Check(Movie(TrackBox(track))), IsOk());
}

// A screen recording stands still for long, and is trimmed to what moves.
TEST(CheckMp4Times, BelievesATrimBesideFramesThatLastLong) {
  Track track;
  track.frames = 2;
  track.frame_duration = 600 * kMediaUnits;
  track.duration = track.frames * track.frame_duration;
  track.shown = track.track_duration = 800;
  EXPECT_THAT(Check(Movie(TrackBox(track, /*short_frames=*/30))), IsOk());
}

TEST(CheckMp4Times, FindsATrackWithoutAUnitOfTime) {
  Track track;
  track.units = 0;
  EXPECT_THAT(Check(Movie(TrackBox(track))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("no unit of time")));
}

// A bit of "vide" makes it another kind of track.
TEST(CheckMp4Times, TakesATrackForVideoByEitherOfTwoMarks) {
  Track track;
  track.frame_duration = 11;
  track.kind = "vhde";
  EXPECT_THAT(Check(Movie(TrackBox(track))), IsOk());
  track.video_header = Box("vmhd", std::string(12, '\0'));
  EXPECT_THAT(Check(Movie(TrackBox(track))),
              StatusIs(StatusCode::kDataLoss, HasSubstr("are damaged")));
}

TEST(CheckMp4Times, AsksVideoTracksThatStateADurationOnly) {
  Track sound;
  sound.kind = "soun";
  sound.frame_duration = 1;
  Track fragmented;
  fragmented.frames = 0;
  fragmented.duration = 0;
  EXPECT_THAT(Check(Movie(TrackBox(sound) + TrackBox(fragmented))), IsOk());
}

// Whatever a box claims, nothing is read beyond the end.
TEST(CheckMp4Times, TakesACutFileAnywhere) {
  Track track;
  track.shown = 2000;
  const std::string whole = Movie(TrackBox(track));
  for (size_t size = 0; size < whole.size(); ++size) {
    const StatusCode code = Check(whole.substr(0, size)).code();
    EXPECT_TRUE(code == StatusCode::kOk || code == StatusCode::kDataLoss)
        << size;
  }
}

TEST(CheckMp4Times, LeavesOtherFilesAlone) {
  EXPECT_THAT(Check(""), IsOk());
  EXPECT_THAT(Check("GIF89a and more"), IsOk());
}

}  // namespace
}  // namespace pipelines::media
