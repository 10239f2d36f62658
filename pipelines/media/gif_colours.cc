#include "pipelines/media/gif_colours.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/pixel_converter.h"
#include "third_party/absl/status_macros.h"

extern "C" {
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

namespace pipelines::media {
namespace {

absl::Status Failed(int error) {
  return FfmpegStatus(error, "no colours for a GIF",
                      absl::StatusCode::kInternal);
}

absl::Status OkOrFailed(int error) {
  return error < 0 ? Failed(error) : absl::OkStatus();
}

// A filter with its inputs, of RGB32, and its output.
class Filter {
 public:
  // num_inputs: 1 or 2, of these sizes.
  absl::Status Open(const char* name, const char* options,
                    const std::vector<cv::Size>& inputs) {
    graph_.reset(avfilter_graph_alloc());
    if (graph_ == nullptr) return Failed(AVERROR(ENOMEM));
    graph_->nb_threads = 1;
    AVFilterContext* filter = nullptr;
    RETURN_IF_ERROR(Add(name, options, &filter));
    RETURN_IF_ERROR(Add("buffersink", nullptr, &out_));
    for (size_t i = 0; i < inputs.size(); ++i) {
      const std::string input =
          absl::StrCat("video_size=", inputs[i].width, "x", inputs[i].height,
                       ":pix_fmt=", static_cast<int>(AV_PIX_FMT_RGB32),
                       ":time_base=1/100:pixel_aspect=1/1");
      in_.push_back(nullptr);
      RETURN_IF_ERROR(Add("buffer", input.c_str(), &in_.back()));
      RETURN_IF_ERROR(OkOrFailed(
          avfilter_link(in_.back(), 0, filter, static_cast<unsigned>(i))));
    }
    RETURN_IF_ERROR(OkOrFailed(avfilter_link(filter, 0, out_, 0)));
    return OkOrFailed(avfilter_graph_config(graph_.get(), nullptr));
  }

  // Takes the content of `frame`; null ends this input.
  absl::Status Push(size_t input, AVFrame* frame) {
    return OkOrFailed(av_buffersrc_add_frame(in_[input], frame));
  }

  // Null where there is none, or none yet.
  absl::StatusOr<FramePtr> Pull() {
    FramePtr frame(av_frame_alloc());
    const int error = av_buffersink_get_frame(out_, frame.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return FramePtr();
    RETURN_IF_ERROR(OkOrFailed(error));
    return frame;
  }

 private:
  struct GraphDeleter {
    void operator()(AVFilterGraph* graph) const { avfilter_graph_free(&graph); }
  };

  absl::Status Add(const char* name, const char* options,
                   AVFilterContext** context) {
    const AVFilter* const kind = avfilter_get_by_name(name);
    if (kind == nullptr) return Failed(AVERROR_FILTER_NOT_FOUND);
    return OkOrFailed(avfilter_graph_create_filter(context, kind, name, options,
                                                   nullptr, graph_.get()));
  }

  std::unique_ptr<AVFilterGraph, GraphDeleter> graph_;
  std::vector<AVFilterContext*> in_;  // graph_'s, as is out_
  AVFilterContext* out_ = nullptr;
};

class Rgb32Converter {
 public:
  absl::StatusOr<FramePtr> Convert(const cv::Mat& rgb, int64_t pts) {
    FramePtr frame(av_frame_alloc());
    frame->width = rgb.cols;
    frame->height = rgb.rows;
    frame->format = AV_PIX_FMT_RGB32;
    frame->colorspace = AVCOL_SPC_RGB;
    frame->color_range = AVCOL_RANGE_JPEG;
    frame->pts = pts;
    RETURN_IF_ERROR(OkOrFailed(av_frame_get_buffer(frame.get(), 0)));
    if (!converter_.Convert(rgb, frame.get())) return Failed(AVERROR(EINVAL));
    return frame;
  }

 private:
  PixelConverter converter_;
};

constexpr int kPaletteSide = 16;

}  // namespace

void GifColours::Push(const cv::Mat& rgb, int64_t pts) {
  CV_Assert(rgb.type() == CV_8UC3);
  frames_.push_back({rgb.clone(), pts});
  num_bytes_ += rgb.total() * rgb.elemSize();
}

absl::Status GifColours::Flush(
    const std::function<absl::Status(const AVFrame&)>& take) {
  const std::vector<Frame> frames = std::exchange(frames_, {});
  num_bytes_ = 0;
  if (frames.empty()) return absl::OkStatus();
  const cv::Size size = frames[0].rgb.size();
  Rgb32Converter converter;

  Filter chooser;
  RETURN_IF_ERROR(chooser.Open("palettegen", "stats_mode=full", {size}));
  for (const Frame& frame : frames) {
    ASSIGN_OR_RETURN(const FramePtr rgb32,
                     converter.Convert(frame.rgb, frame.pts));
    RETURN_IF_ERROR(chooser.Push(0, rgb32.get()));
  }
  RETURN_IF_ERROR(chooser.Push(0, nullptr));
  ASSIGN_OR_RETURN(const FramePtr palette, chooser.Pull());
  if (palette == nullptr) return Failed(AVERROR_BUG);
  palette->pts = frames[0].pts;

  Filter painter;
  RETURN_IF_ERROR(painter.Open("paletteuse", "dither=bayer:bayer_scale=4",
                               {size, {kPaletteSide, kPaletteSide}}));
  RETURN_IF_ERROR(painter.Push(1, palette.get()));
  RETURN_IF_ERROR(painter.Push(1, nullptr));
  for (size_t i = 0; i <= frames.size(); ++i) {
    FramePtr rgb32;
    if (i < frames.size()) {
      ASSIGN_OR_RETURN(rgb32, converter.Convert(frames[i].rgb, frames[i].pts));
    }
    RETURN_IF_ERROR(painter.Push(0, rgb32.get()));
    while (true) {
      ASSIGN_OR_RETURN(const FramePtr painted, painter.Pull());
      if (painted == nullptr) break;
      RETURN_IF_ERROR(take(*painted));
    }
  }
  return absl::OkStatus();
}

}  // namespace pipelines::media
