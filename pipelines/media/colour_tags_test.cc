// video_reader_test has whole videos.
#include "pipelines/media/colour_tags.h"

#include <cstring>

#include "gtest/gtest.h"
#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {
namespace {

// As an mp4 states HDR.
ParametersPtr Hlg(AVCodecID codec) {
  ParametersPtr parameters(avcodec_parameters_alloc());
  parameters->codec_id = codec;
  parameters->color_space = AVCOL_SPC_BT2020_NCL;
  parameters->color_primaries = AVCOL_PRI_BT2020;
  parameters->color_trc = AVCOL_TRC_ARIB_STD_B67;
  return parameters;
}

TEST(FillColours, TakesWhatTheFrameDoesNotState) {
  const FramePtr frame(av_frame_alloc());
  frame->color_primaries = AVCOL_PRI_BT709;
  FillColours(*Hlg(AV_CODEC_ID_HEVC), frame.get());
  EXPECT_EQ(frame->colorspace, AVCOL_SPC_BT2020_NCL);
  EXPECT_EQ(frame->color_primaries, AVCOL_PRI_BT709);
  EXPECT_EQ(frame->color_trc, AVCOL_TRC_ARIB_STD_B67);
}

TEST(FillColours, TakesWhatTheStreamDoesNotState) {
  const ParametersPtr stream(avcodec_parameters_alloc());
  stream->color_space = AVCOL_SPC_BT709;
  FillColours(*Hlg(AV_CODEC_ID_HEVC), stream.get());
  EXPECT_EQ(stream->color_space, AVCOL_SPC_BT709);
  EXPECT_EQ(stream->color_primaries, AVCOL_PRI_BT2020);
  EXPECT_EQ(stream->color_trc, AVCOL_TRC_ARIB_STD_B67);
}

TEST(FillColours, PrefersTheMatrixOfTheContainerOfVp8) {
  const FramePtr frame(av_frame_alloc());
  frame->colorspace = AVCOL_SPC_BT470BG;
  const ParametersPtr container = Hlg(AV_CODEC_ID_VP8);
  container->color_space = AVCOL_SPC_UNSPECIFIED;
  FillColours(*container, frame.get());
  EXPECT_EQ(frame->colorspace, AVCOL_SPC_BT470BG);
  container->color_space = AVCOL_SPC_BT709;
  FillColours(*container, frame.get());
  EXPECT_EQ(frame->colorspace, AVCOL_SPC_BT709);
}

TEST(MakeColoursSane, LeavesOutWhatIsNoValue) {
  const ParametersPtr stream = Hlg(AV_CODEC_ID_HEVC);
  for (const int value : {-1, 252}) {
    std::memcpy(&stream->color_trc, &value, sizeof(value));
    MakeColoursSane(stream.get());
    EXPECT_EQ(stream->color_trc, AVCOL_TRC_UNSPECIFIED) << value;
  }
  EXPECT_EQ(stream->color_primaries, AVCOL_PRI_BT2020);
}

}  // namespace
}  // namespace pipelines::media
