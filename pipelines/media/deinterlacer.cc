#include "pipelines/media/deinterlacer.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

namespace pipelines::media {
namespace {

int64_t& Duration(AVFrame* frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame->duration;
#else
  return frame->pkt_duration;
#endif
}

}  // namespace

bool IsInterlaced(const AVFrame& frame) {
#ifdef AV_FRAME_FLAG_INTERLACED
  return frame.flags & AV_FRAME_FLAG_INTERLACED;
#else
  return frame.interlaced_frame != 0;
#endif
}

void Deinterlacer::GraphDeleter::operator()(AVFilterGraph* graph) const {
  avfilter_graph_free(&graph);
}

bool Deinterlacer::Fits(const AVFrame& frame) const {
  return graph_ != nullptr && frame.width == width_ &&
         frame.height == height_ && frame.format == format_;
}

// False where bwdif cannot take such frames: fewer than 3 columns or 4 lines.
bool Deinterlacer::Open(const AVFrame& frame) {
  graph_.reset(avfilter_graph_alloc());
  graph_->nb_threads = 1;
  width_ = frame.width;
  height_ = frame.height;
  format_ = frame.format;
  // Times are counted, and put back from inside_.
  const std::string input =
      absl::StrCat("video_size=", width_, "x", height_, ":pix_fmt=", format_,
                   ":time_base=1/25:pixel_aspect=1/1");
  AVFilterContext* filter = nullptr;
  const auto add = [this](AVFilterContext** context, const char* name,
                          const char* options) {
    const AVFilter* kind = avfilter_get_by_name(name);
    return kind != nullptr &&
           avfilter_graph_create_filter(context, kind, name, options, nullptr,
                                        graph_.get()) >= 0;
  };
  const bool is_open =
      add(&in_, "buffer", input.c_str()) &&
      add(&filter, "bwdif", "mode=send_frame:deint=interlaced") &&
      add(&out_, "buffersink", nullptr) &&
      avfilter_link(in_, 0, filter, 0) >= 0 &&
      avfilter_link(filter, 0, out_, 0) >= 0 &&
      avfilter_graph_config(graph_.get(), nullptr) >= 0;
  if (!is_open) graph_.reset();
  return is_open;
}

void Deinterlacer::Push(AVFrame* frame) {
  if (!Fits(*frame)) Flush();
  if (graph_ == nullptr && !Open(*frame)) {
    ready_.emplace_back(av_frame_alloc());
    av_frame_move_ref(ready_.back().get(), frame);
    return;
  }
  const Properties properties = {
      frame->best_effort_timestamp, Duration(frame),        frame->colorspace,
      frame->color_range,           frame->color_primaries, frame->color_trc};
  frame->pts = num_pushed_++;
  if (av_buffersrc_add_frame(in_, frame) < 0) {
    av_frame_unref(frame);
    return;
  }
  inside_.push_back(properties);
  Drain();
}

void Deinterlacer::Flush() {
  if (graph_ == nullptr) return;
  if (av_buffersrc_add_frame(in_, nullptr) >= 0) Drain();
  inside_.clear();
  graph_.reset();
}

void Deinterlacer::Drain() {
  while (!inside_.empty()) {
    FramePtr frame(av_frame_alloc());
    if (av_buffersink_get_frame(out_, frame.get()) < 0) return;
    const Properties& properties = inside_.front();
    frame->pts = frame->best_effort_timestamp = properties.timestamp;
    Duration(frame.get()) = properties.duration;
    frame->colorspace = properties.matrix;
    frame->color_range = properties.range;
    frame->color_primaries = properties.primaries;
    frame->color_trc = properties.transfer;
    inside_.pop_front();
    ready_.push_back(std::move(frame));
  }
}

bool Deinterlacer::Pull(AVFrame* frame) {
  if (ready_.empty()) return false;
  av_frame_unref(frame);
  av_frame_move_ref(frame, ready_.front().get());
  ready_.pop_front();
  return true;
}

}  // namespace pipelines::media
