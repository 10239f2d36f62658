// Frames from interlaced ones, whose odd and even lines were filmed at two
// times, so that what moves shows combs. FFmpeg's filter bwdif fills in the
// lines of the second time. Private to this folder: video_reader.h uses it.
#ifndef PIPELINES_MEDIA_DEINTERLACER_H_
#define PIPELINES_MEDIA_DEINTERLACER_H_

#include <cstdint>
#include <deque>
#include <memory>

#include "pipelines/media/ffmpeg_util.h"

extern "C" {
#include <libavfilter/avfilter.h>
}

namespace pipelines::media {

// Each frame gives one, with the same times; what is not interlaced is passed
// on as it is, and so is what the filter refuses or loses. The filter looks at
// the frame before and the one after, so that frames come out later than they
// go in.
class Deinterlacer {
 public:
  // Takes the content of `frame`, which is empty then.
  void Push(AVFrame* frame);

  // Nothing more comes: all that went in can be pulled.
  void Flush();

  // Fills `frame`; false where there is none yet.
  bool Pull(AVFrame* frame);

 private:
  struct GraphDeleter {
    void operator()(AVFilterGraph* graph) const;
  };
  bool Open(const AVFrame& frame);
  bool Fits(const AVFrame& frame) const;
  void Drain();
  void PassOn();

  std::unique_ptr<AVFilterGraph, GraphDeleter> graph_;
  AVFilterContext* in_ = nullptr;            // graph_'s
  AVFilterContext* out_ = nullptr;           // graph_'s
  int width_ = 0, height_ = 0, format_ = 0;  // of what graph_ takes
  int64_t num_pushed_ = 0;
  std::deque<FramePtr> inside_;  // what graph_ holds, as it went in
  std::deque<FramePtr> ready_;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_DEINTERLACER_H_
