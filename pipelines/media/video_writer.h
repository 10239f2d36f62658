// Video files through FFmpeg's libraries.
//
// .mp4 and .mov: H.264, yuv420p, BT.709, index in front, so that browsers play
// them while they load; where FFmpeg has no H.264 encoder, MPEG-4 part 2, with
// a warning. .webm: VP9. .gif: no sound, the 255 colours that fit all frames
// best, dithered, times in hundredths of a second, and at most 50 frames a
// second: those that come faster are left out, with a warning. Up to 128 MiB of
// frames wait in memory for their colours, and longer ones have colours of
// their own for each such piece. .webp: an animated picture without sound, all
// colours, times in milliseconds, and at most 90 frames a second, likewise; it
// is kept in memory until its end.
#ifndef PIPELINES_MEDIA_VIDEO_WRITER_H_
#define PIPELINES_MEDIA_VIDEO_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/rational.h"

namespace pipelines::media {

struct VideoWriterOptions {
  // Size of the frames that Write takes. Video with 4:2:0 colour needs even
  // sizes: an odd one is padded by repeating its last column or row. (A GIF
  // keeps odd ones.)
  int width = 0;
  int height = 0;

  // Kept exactly: {30000, 1001} is written as that fraction.
  Rational frame_rate = {25, 1};

  // Unit of WriteAt's pts, in seconds. By default 1 / frame_rate.
  std::optional<Rational> time_base;

  // What begins first, the frames or the sound, begins at 0, and the rest keeps
  // its distance from it. Recordings of broadcasts begin hours after 0, where
  // players show nothing before, or before 0, which some do not show.
  bool start_at_zero = false;

  // File whose sound is copied: all its streams, packet by packet and byte for
  // byte with their time stamps, languages and titles; none if empty. A codec
  // that the output's format cannot hold, or few players know there, is encoded
  // anew, with a warning; so says a warning where a file has no audio.
  std::string audio_from;

  // audio_from may be a device or a URL, and what ends the wait for a URL or a
  // pipe; see FrameSourceOptions.
  bool allow_addresses = false;
  std::function<bool()> stop;

  // The sound ends with the last frame instead of where it ends itself.
  bool trim_audio = false;

  // Damaged sound ends where the damage begins, with a warning, instead of
  // being an error.
  bool allow_damaged_audio = false;

  // Frames are CV_8UC4 of R, G, B, A (straight alpha), which .webm keeps as VP9
  // with alpha, .mov as ProRes 4444, and .webp; of videos no others
  // (HoldsAlphaOutput).
  bool with_alpha = false;

  // Stored in the file as its comment (in a folder, in every PNG).
  std::string comment;

  // H.264 quality (constant rate factor): 0 lossless, 18 hardly visible loss,
  // 51 worst.
  int crf = 18;

  // Threads for encoding; 0 leaves the choice to the encoder.
  int threads = 0;

  // An open file that can be read, written and seeked in (of memfd_create, say)
  // into which the video is written, from its beginning, instead of into the
  // file at `path`; it stays open. The path's ending still tells the format.
  std::optional<int> descriptor;

  // Whether a file that exists is replaced; otherwise AlreadyExists.
  bool overwrite = true;
};

class VideoWriter : public FrameSink {
 public:
  // The format follows from the ending of `path`. InvalidArgument for an
  // unknown ending, a bad option or a path that is no file; AlreadyExists;
  // Unavailable while another process writes it; PermissionDenied or NotFound
  // when the folder cannot be written to.
  static absl::StatusOr<std::unique_ptr<VideoWriter>> Create(
      const std::string& path, const VideoWriterOptions& options);

  // InvalidArgument, with those it knows, for a path with another ending.
  static absl::Status CheckEnding(const std::string& path);

  ~VideoWriter() override;

  absl::Status Write(const cv::Mat& rgb) override;
  absl::Status WriteAt(const cv::Mat& rgb, int64_t pts,
                       int64_t duration) override;
  absl::Status Finish() override;
  void CutSoundToFrames() override;
  const std::vector<std::string>& warnings() const override;

  // The encoder in use, by FFmpeg's name: "libx264".
  const std::string& encoder() const;

 private:
  class Impl;
  explicit VideoWriter(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_VIDEO_WRITER_H_
