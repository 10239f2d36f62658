#include "pipelines/media/deinterlacer.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "third_party/ffmpeg/frame_fields.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

namespace pipelines::media {

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
  // Times are counted, and put back by Drain.
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
  FramePtr given(av_frame_alloc());
  av_frame_move_ref(given.get(), frame);
  if (!Fits(*given)) Flush();
  if (graph_ == nullptr && !Open(*given)) {
    ready_.push_back(std::move(given));
    return;
  }
  const FramePtr filtered(av_frame_clone(given.get()));
  inside_.push_back(std::move(given));
  if (filtered != nullptr) filtered->pts = num_pushed_++;
  if (filtered == nullptr || av_buffersrc_add_frame(in_, filtered.get()) < 0) {
    PassOn();
    return;
  }
  Drain();
}

void Deinterlacer::Flush() {
  if (graph_ == nullptr) return;
  if (av_buffersrc_add_frame(in_, nullptr) >= 0) Drain();
  PassOn();
}

// Ends the filter. What it did not give is ready as it went in.
void Deinterlacer::PassOn() {
  for (FramePtr& frame : inside_) ready_.push_back(std::move(frame));
  inside_.clear();
  graph_.reset();
}

// Of what comes out, times, colours and the shape of pixels are those of what
// went in.
void Deinterlacer::Drain() {
  while (!inside_.empty()) {
    FramePtr frame(av_frame_alloc());
    if (av_buffersink_get_frame(out_, frame.get()) < 0) return;
    const AVFrame& given = *inside_.front();
    frame->pts = frame->best_effort_timestamp = given.best_effort_timestamp;
    ffmpeg::SetDuration(frame.get(), ffmpeg::Duration(given));
    frame->colorspace = given.colorspace;
    frame->color_range = given.color_range;
    frame->color_primaries = given.color_primaries;
    frame->color_trc = given.color_trc;
    frame->sample_aspect_ratio = given.sample_aspect_ratio;
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
