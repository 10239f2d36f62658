#include "pipelines/animation/comparison.h"

#include <memory>
#include <optional>
#include <utility>

#include "networks/files/outputs.h"
#include "pipelines/animation/panels.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

constexpr char kProvenance[] =
    "Synthetic: still images animated by CPAB image animation";

// Frames of several videos in step with the first.
class Grid {
 public:
  static absl::StatusOr<Grid> Open(const std::vector<std::string>& videos,
                                   const ComparisonOptions& options) {
    Grid grid(options, static_cast<int>(videos.size()));
    media::FrameSourceOptions source_options;
    source_options.allow_addresses = options.allow_addresses;
    source_options.allow_damaged = options.allow_damaged;
    source_options.image_rate = options.image_rate;
    for (const std::string& video : videos) {
      ASSIGN_OR_RETURN(std::unique_ptr<media::FrameSource> source,
                       media::OpenFrameSource(video, source_options));
      grid.sources_.push_back(std::move(source));
      source_options.allow_addresses = source_options.allow_damaged = false;
    }
    return grid;
  }

  const media::VideoInfo& info() const { return sources_[0]->info(); }
  cv::Size size() const { return canvas_.size(); }

  // The next picture, with the first video's times; empty after its last frame.
  absl::StatusOr<std::optional<media::VideoFrame>> Next() {
    std::optional<media::VideoFrame> first;
    for (size_t i = 0; i < sources_.size(); ++i) {
      ASSIGN_OR_RETURN(std::optional<media::VideoFrame> frame,
                       sources_[i]->Next());
      if (i == 0 && !frame) return std::nullopt;
      if (frame) media::CropAndResize(frame->rgb, tile_).copyTo(Tile(i));
      if (i == 0) first = *std::move(frame);
    }
    first->rgb = canvas_;
    return first;
  }

 private:
  Grid(const ComparisonOptions& options, int count)
      : tile_(options.tile),
        columns_(options.columns > 0 ? options.columns : DefaultColumns(count)),
        canvas_((count + columns_ - 1) / columns_ * tile_.height,
                columns_ * tile_.width, CV_8UC3, cv::Scalar::all(0)) {}

  cv::Mat Tile(size_t index) {
    const int i = static_cast<int>(index);
    return canvas_(
        {{i % columns_ * tile_.width, i / columns_ * tile_.height}, tile_});
  }

  cv::Size tile_;
  int columns_;
  cv::Mat canvas_;
  std::vector<std::unique_ptr<media::FrameSource>> sources_;
};

}  // namespace

absl::StatusOr<int64_t> WriteComparison(const std::vector<std::string>& videos,
                                        const std::string& output,
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
  writer.allow_damaged_audio = options.allow_damaged;
  writer.allow_addresses = options.allow_addresses;
  writer.start_at_zero = true;
  writer.comment = kProvenance;
  writer.overwrite = options.overwrite;
  ASSIGN_OR_RETURN(const std::unique_ptr<media::FrameSink> sink,
                   media::OpenFrameSink(output, writer));
  int64_t num_frames = 0;
  for (; options.max_frames == 0 || num_frames < options.max_frames;
       ++num_frames) {
    RETURN_IF_ERROR(CheckNotStopped(options.hooks));
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame, grid.Next());
    if (!frame) break;
    RETURN_IF_ERROR(sink->WriteAt(frame->rgb, frame->pts, frame->duration));
  }
  RETURN_IF_ERROR(sink->Finish());
  return num_frames;
}

}  // namespace pipelines
