// Fields of a frame: FFmpeg 6.0 and later call `duration` what is pkt_duration
// in 5.1, and 6.1 and later have flags for what were numbers.
#ifndef THIRD_PARTY_FFMPEG_FRAME_FIELDS_H_
#define THIRD_PARTY_FFMPEG_FRAME_FIELDS_H_

#include <cstdint>

extern "C" {
#include <libavutil/frame.h>
}

namespace ffmpeg {

#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)

// How long the frame is shown, in units of its stream's time base.
inline int64_t Duration(const AVFrame& frame) { return frame.duration; }

inline void SetDuration(AVFrame* frame, int64_t duration) {
  frame->duration = duration;
}

#else

inline int64_t Duration(const AVFrame& frame) { return frame.pkt_duration; }

inline void SetDuration(AVFrame* frame, int64_t duration) {
  frame->pkt_duration = duration;
}

#endif

#ifdef AV_FRAME_FLAG_INTERLACED

// Whether the odd and the even lines were filmed at two times.
inline bool IsInterlaced(const AVFrame& frame) {
  return frame.flags & AV_FRAME_FLAG_INTERLACED;
}

// They were, the even or the odd ones first.
inline void SetInterlaced(AVFrame* frame, bool even_first) {
  frame->flags |= AV_FRAME_FLAG_INTERLACED |
                  (even_first ? AV_FRAME_FLAG_TOP_FIELD_FIRST : 0);
}

#else

inline bool IsInterlaced(const AVFrame& frame) {
  return frame.interlaced_frame != 0;
}

inline void SetInterlaced(AVFrame* frame, bool even_first) {
  frame->interlaced_frame = 1;
  frame->top_field_first = even_first ? 1 : 0;
}

#endif

}  // namespace ffmpeg

#endif  // THIRD_PARTY_FFMPEG_FRAME_FIELDS_H_
