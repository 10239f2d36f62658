// Interlaced H.264 may store the two fields of a frame as pictures of their
// own, each in a packet. Private to this folder: video_demuxer.h counts frames
// by it.
#ifndef PIPELINES_MEDIA_FIELD_PAIRS_H_
#define PIPELINES_MEDIA_FIELD_PAIRS_H_

#include <memory>

#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {

// Tells which packets hold only the second field of a frame.
class FieldPairs {
 public:
  // None of a codec other than H.264 does.
  explicit FieldPairs(const AVCodecParameters& codec);

  // Whether `packet`, the next of the stream, completes the frame of the packet
  // before it. Pairs fields as FFmpeg's decoder does.
  bool IsSecondField(const AVPacket& packet);

 private:
  struct ParserDeleter {
    void operator()(AVCodecParserContext* parser) const {
      av_parser_close(parser);
    }
  };

  std::unique_ptr<AVCodecParserContext, ParserDeleter> parser_;
  CodecPtr codec_;
  bool is_first_ = false;  // of a pair: the field before
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FIELD_PAIRS_H_
