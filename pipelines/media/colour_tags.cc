#include "pipelines/media/colour_tags.h"

#include <cstring>

namespace pipelines::media {
namespace {

template <typename Enum>
void MakeKnown(Enum* field, int end, Enum unspecified) {
  int value = 0;
  static_assert(sizeof(*field) == sizeof(value));
  std::memcpy(&value, field, sizeof(value));
  if (value < 0 || value >= end) *field = unspecified;
}

template <typename Enum>
void Fill(Enum from, Enum unspecified, Enum* field) {
  if (*field == unspecified) *field = from;
}

void FillMatrix(const AVCodecParameters& container, AVColorSpace* matrix) {
  if (container.codec_id == AV_CODEC_ID_VP8 &&
      container.color_space != AVCOL_SPC_UNSPECIFIED) {
    *matrix = container.color_space;
  }
  Fill(container.color_space, AVCOL_SPC_UNSPECIFIED, matrix);
}

// Primaries and curve.
template <typename Tagged>
void FillLight(const AVCodecParameters& container, Tagged* tagged) {
  Fill(container.color_primaries, AVCOL_PRI_UNSPECIFIED,
       &tagged->color_primaries);
  Fill(container.color_trc, AVCOL_TRC_UNSPECIFIED, &tagged->color_trc);
}

}  // namespace

void MakeColoursSane(AVCodecParameters* codec) {
  MakeKnown(&codec->color_space, AVCOL_SPC_NB, AVCOL_SPC_UNSPECIFIED);
  MakeKnown(&codec->color_range, AVCOL_RANGE_NB, AVCOL_RANGE_UNSPECIFIED);
  MakeKnown(&codec->color_primaries, AVCOL_PRI_NB, AVCOL_PRI_UNSPECIFIED);
  MakeKnown(&codec->color_trc, AVCOL_TRC_NB, AVCOL_TRC_UNSPECIFIED);
}

void MakeColoursSane(AVFrame* frame) {
  MakeKnown(&frame->colorspace, AVCOL_SPC_NB, AVCOL_SPC_UNSPECIFIED);
  MakeKnown(&frame->color_range, AVCOL_RANGE_NB, AVCOL_RANGE_UNSPECIFIED);
  MakeKnown(&frame->color_primaries, AVCOL_PRI_NB, AVCOL_PRI_UNSPECIFIED);
  MakeKnown(&frame->color_trc, AVCOL_TRC_NB, AVCOL_TRC_UNSPECIFIED);
}

void FillColours(const AVCodecParameters& container, AVCodecParameters* codec) {
  FillMatrix(container, &codec->color_space);
  FillLight(container, codec);
}

void FillColours(const AVCodecParameters& container, AVFrame* frame) {
  FillMatrix(container, &frame->colorspace);
  FillLight(container, frame);
}

}  // namespace pipelines::media
