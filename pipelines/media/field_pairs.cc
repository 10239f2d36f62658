#include "pipelines/media/field_pairs.h"

#include <cstdint>

namespace pipelines::media {

FieldPairs::FieldPairs(const AVCodecParameters& codec) {
  if (codec.codec_id != AV_CODEC_ID_H264) return;
  parser_.reset(av_parser_init(codec.codec_id));
  if (parser_ == nullptr) return;
  parser_->flags |= PARSER_FLAG_COMPLETE_FRAMES;
  codec_.reset(avcodec_alloc_context3(nullptr));
  avcodec_parameters_to_context(codec_.get(), &codec);
}

bool FieldPairs::IsSecondField(const AVPacket& packet) {
  if (parser_ == nullptr || packet.size == 0) return false;
  uint8_t* data = nullptr;
  int size = 0;
  av_parser_parse2(parser_.get(), codec_.get(), &data, &size, packet.data,
                   packet.size, AV_NOPTS_VALUE, AV_NOPTS_VALUE, /*pos=*/-1);
  const bool is_field =
      parser_->picture_structure == AV_PICTURE_STRUCTURE_TOP_FIELD ||
      parser_->picture_structure == AV_PICTURE_STRUCTURE_BOTTOM_FIELD;
  // Of a field, the parser knows the order if the one before is the other field
  // of a frame with the same number. Frames that no other refers to share a
  // number, so that this alone makes second fields of all of theirs.
  const bool is_second =
      is_first_ && is_field && parser_->field_order != AV_FIELD_UNKNOWN;
  is_first_ = is_field && !is_second;
  return is_second;
}

}  // namespace pipelines::media
