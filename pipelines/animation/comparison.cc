#include "pipelines/animation/comparison.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "networks/files/outputs.h"
#include "networks/files/path_parts.h"
#include "pipelines/animation/panels.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

constexpr char kProvenance[] =
    "Synthetic: still images animated by CPAB image animation; shows ";

// No name has a slash.
std::string CommentOn(const std::vector<std::string>& videos) {
  std::vector<std::string> names;
  for (const std::string& video : videos) {
    names.push_back(networks::files::BaseName(video));
  }
  return kProvenance + absl::StrJoin(names, "/");
}

// Seconds of `pts` behind `begin`.
double SecondsFrom(int64_t begin, int64_t pts, const media::VideoInfo& info) {
  return static_cast<double>(pts - begin) * info.time_base.value();
}

// A video that is shown at the times of another.
struct Follower {
  std::unique_ptr<media::FrameSource> source;
  std::optional<media::VideoFrame> next;  // read, and not shown yet
  std::optional<int64_t> begin;           // pts of the first frame
};

// Frames of several videos in step with the first.
class Grid {
 public:
  static absl::StatusOr<Grid> Open(const std::vector<std::string>& videos,
                                   const ComparisonOptions& options) {
    Grid grid(options, static_cast<int>(videos.size()));
    media::FrameSourceOptions first = options.first, other;
    first.stop = other.stop = options.hooks.stop;
    other.image_rate = first.image_rate;
    other.min_stacked_frames = kNoStackedFrames;
    ASSIGN_OR_RETURN(grid.first_, media::OpenFrameSource(videos[0], first));
    for (size_t i = 1; i < videos.size(); ++i) {
      grid.others_.emplace_back();
      ASSIGN_OR_RETURN(grid.others_.back().source,
                       media::OpenFrameSource(videos[i], other));
    }
    return grid;
  }

  const media::VideoInfo& info() const { return first_->info(); }
  // Of the first video, up to the picture that Next returned last.
  const std::string& damage() const { return damage_; }
  cv::Size size() const { return canvas_.size(); }

  // The next picture, with the first video's times; empty after its last frame.
  absl::StatusOr<std::optional<media::VideoFrame>> Next() {
    if (!next_) {
      ASSIGN_OR_RETURN(next_, first_->Next());
    }
    damage_ = first_->damage();
    if (!next_) return std::nullopt;
    media::VideoFrame first = *std::exchange(next_, std::nullopt);
    if (!begin_) begin_ = first.pts;
    Draw(0, first.rgb);
    // In the middle of the frame, so that the others' times may be rounded.
    const double half =
        static_cast<double>(ShownFor(first)) / 2 * info().time_base.value();
    const double seconds = SecondsFrom(*begin_, first.pts, info()) + half;
    for (size_t i = 0; i < others_.size(); ++i) {
      RETURN_IF_ERROR(Follow(i, seconds));
    }
    first.rgb = canvas_;
    return first;
  }

 private:
  Grid(const ComparisonOptions& options, int count)
      : tile_(options.tile),
        columns_(options.columns > 0 ? options.columns : DefaultColumns(count)),
        canvas_((count + columns_ - 1) / columns_ * tile_.height,
                columns_ * tile_.width, CV_8UC3, cv::Scalar::all(0)) {}

  // How long the first video shows `frame`: its duration may be that of an
  // average frame, and the next one may come earlier.
  int64_t ShownFor(const media::VideoFrame& frame) {
    absl::StatusOr<std::optional<media::VideoFrame>> next = first_->Next();
    // An error comes again when the frame is due.
    if (next.ok()) next_ = *std::move(next);
    if (!next_) return frame.duration;
    return std::min(frame.duration, next_->pts - frame.pts);
  }

  // Draws what others_[i] shows `seconds` after its beginning.
  absl::Status Follow(size_t i, double seconds) {
    Follower& video = others_[i];
    const media::VideoInfo& info = video.source->info();
    const bool has_times = !info.random_access;
    while (true) {
      if (!video.next) {
        ASSIGN_OR_RETURN(video.next, video.source->Next());
      }
      if (!video.next) return absl::OkStatus();
      if (!video.begin) video.begin = video.next->pts;
      if (has_times &&
          SecondsFrom(*video.begin, video.next->pts, info) > seconds) {
        return absl::OkStatus();
      }
      Draw(i + 1, video.next->rgb);
      video.next.reset();
      if (!has_times) return absl::OkStatus();
    }
  }

  void Draw(size_t index, const cv::Mat& rgb) {
    const int i = static_cast<int>(index);
    const cv::Point corner(i % columns_ * tile_.width,
                           i / columns_ * tile_.height);
    media::CropAndResize(rgb, tile_).copyTo(canvas_({corner, tile_}));
  }

  cv::Size tile_;
  int columns_;
  cv::Mat canvas_;
  std::unique_ptr<media::FrameSource> first_;
  std::optional<media::VideoFrame> next_;  // read ahead of it
  std::string damage_;
  std::optional<int64_t> begin_;  // pts of its first frame
  std::vector<Follower> others_;
};

}  // namespace

absl::StatusOr<ComparisonReport> WriteComparison(
    const std::vector<std::string>& videos, const std::string& output,
    const ComparisonOptions& options) {
  if (videos.empty()) {
    return absl::InvalidArgumentError(output + ": no videos to compare");
  }
  networks::files::PlannedOutputs planned;
  planned.files = {output};
  planned.inputs = videos;
  planned.overwrite = options.overwrite;
  RETURN_IF_ERROR(networks::files::CheckOutputs(planned));
  ASSIGN_OR_RETURN(Grid grid, Grid::Open(videos, options));
  media::VideoWriterOptions writer;
  writer.width = grid.size().width;
  writer.height = grid.size().height;
  writer.frame_rate = grid.info().frame_rate;
  writer.time_base = grid.info().time_base;
  if (grid.info().has_audio) writer.audio_from = videos[0];
  writer.allow_damaged_audio = options.first.allow_damaged;
  writer.allow_addresses = options.first.allow_addresses;
  writer.stop = options.hooks.stop;
  writer.trim_audio = options.max_frames > 0;
  writer.start_at_zero = true;
  writer.comment = CommentOn(videos);
  writer.overwrite = options.overwrite;
  ASSIGN_OR_RETURN(const std::unique_ptr<media::FrameSink> sink,
                   media::OpenFrameSink(output, writer));
  ComparisonReport report;
  for (; options.max_frames == 0 || report.frames < options.max_frames;
       ++report.frames) {
    RETURN_IF_ERROR(CheckNotStopped(options.hooks));
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame, grid.Next());
    if (!frame) break;
    const bool lost_beginning = report.frames == 0 && !grid.damage().empty();
    if (lost_beginning) sink->CutSoundToFrames();
    RETURN_IF_ERROR(sink->WriteAt(frame->rgb, frame->pts, frame->duration));
  }
  const std::string damage = grid.damage();
  if (!damage.empty()) sink->CutSoundToFrames();
  RETURN_IF_ERROR(sink->Finish());
  report.warnings = sink->warnings();
  if (!damage.empty()) {
    report.warnings.push_back(absl::StrCat(videos[0], ": ", damage));
  }
  return report;
}

std::optional<std::vector<std::string>> ComparedNames(const std::string& path) {
  const absl::StatusOr<std::string> comment = media::ReadComment(path);
  if (!comment.ok()) return std::nullopt;
  absl::string_view names = *comment;
  if (!absl::ConsumePrefix(&names, kProvenance)) return std::nullopt;
  const std::vector<std::string> shown = absl::StrSplit(names, '/');
  return shown;
}

}  // namespace pipelines
