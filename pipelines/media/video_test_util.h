// Videos for tests, made by the tests themselves.
#ifndef PIPELINES_MEDIA_VIDEO_TEST_UTIL_H_
#define PIPELINES_MEDIA_VIDEO_TEST_UTIL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "opencv2/core.hpp"
#include "pipelines/media/rational.h"

namespace pipelines::media {

// A path in the test's own temporary folder.
std::string TempPath(const std::string& name);

// An empty folder of that name there.
std::string TempFolder(const std::string& name);

// A frame whose colours tell its index (up to 63) even after lossy encoding,
// and whose corners tell its orientation: see FrameIndex.
cv::Mat NumberedFrame(cv::Size size, int index);

// The index that NumberedFrame was given, read from the middle of a frame.
int FrameIndex(const cv::Mat& rgb);

// Writes `num_frames` numbered frames to `path` by its ending, at `rate`.
void WriteNumberedVideo(const std::string& path, cv::Size size, int num_frames,
                        Rational rate = {25, 1});

// Writes them as a raw stream of HEVC, which has no times; whether there is a
// rate in it or not.
void WriteNumberedHevc(const std::string& path, cv::Size size, int num_frames,
                       std::optional<Rational> stated_rate);

// Writes them as raw Motion JPEG: JPEGs behind one another.
void WriteNumberedMotionJpeg(const std::string& path, cv::Size size,
                             int num_frames);

// Writes `num_frames` numbered square frames as one PNG, side by side.
void WriteNumberedStack(const std::string& path, int side, int num_frames);

// Writes them as PNGs into the folder `path`, which is made.
void WriteNumberedFolder(const std::string& path, cv::Size size,
                         int num_frames);

// Copies the packets of the video at `from` into a file `to` of another
// container, by its ending: .ts, for instance. All times are so many seconds
// later; an AVI counts in `unit`s.
void Remux(const std::string& from, const std::string& to,
           int seconds_later = 0, Rational unit = {1, 25});

// The same mp4, whose frames a viewer turns: by the matrix {{a, b}, {c, d}}, as
// {0, 1, -1, 0} a quarter clockwise.
std::string TurnedMp4(std::string mp4, const std::vector<int>& abcd);

// Overwrites the last quarter of an mp4, where its later frames are.
void DamageInside(const std::string& path);

// Writes `seconds` of a mono tone of `rate` samples a second: .m4a as AAC, .wav
// uncompressed.
void WriteSound(const std::string& path, double seconds, int rate = 16000);

// Has the .wav of WriteSound say that its samples are of so many channels.
void SetWavChannels(const std::string& path, int channels);

// Brings the sound of several files into one, a stream each, with the languages
// ("deu") of the same places.
void MergeSound(const std::vector<std::string>& sounds,
                const std::vector<std::string>& languages,
                const std::string& to);

// A packet of sound: its times in the units of its stream, and its bytes.
struct SoundPacket {
  int64_t pts = 0;
  int64_t dts = 0;
  std::string bytes;

  bool operator==(const SoundPacket& other) const {
    return pts == other.pts && dts == other.dts && bytes == other.bytes;
  }
};
std::vector<SoundPacket> SoundPackets(const std::string& path);

// The first sound stream of a file, decoded: its first channel, -1 to 1.
struct Sound {
  int rate = 0;
  double begin = 0;  // seconds
  std::vector<float> samples;
};
Sound ReadSound(const std::string& path);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_VIDEO_TEST_UTIL_H_
