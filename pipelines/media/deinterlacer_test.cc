#include "pipelines/media/deinterlacer.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "pipelines/media/ffmpeg_util.h"
#include "third_party/ffmpeg/frame_fields.h"

namespace pipelines::media {
namespace {

constexpr int kSide = 16;

// A grey frame; `odd` is the level of its odd lines. Light grows, so that the
// darker ones are the first.
FramePtr Frame(int64_t time, bool interlaced, uint8_t even, uint8_t odd,
               int width = kSide) {
  FramePtr frame(av_frame_alloc());
  frame->width = width;
  frame->height = kSide;
  frame->format = AV_PIX_FMT_YUV420P;
  EXPECT_GE(av_frame_get_buffer(frame.get(), 0), 0);
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < (plane == 0 ? kSide : kSide / 2); ++y) {
      uint8_t* const row = frame->data[plane] + y * frame->linesize[plane];
      for (int x = 0; x < frame->linesize[plane]; ++x) {
        row[x] = plane > 0 ? 128 : y % 2 == 0 ? even : odd;
      }
    }
  }
  frame->best_effort_timestamp = time;
  frame->colorspace = AVCOL_SPC_BT709;
  frame->color_range = AVCOL_RANGE_JPEG;
  frame->sample_aspect_ratio = {16, 15};
  if (interlaced) {
    ffmpeg::SetInterlaced(frame.get(), /*even_first=*/even <= odd);
  }
  return frame;
}

std::vector<FramePtr> Pulled(Deinterlacer* deinterlacer) {
  std::vector<FramePtr> frames;
  while (true) {
    FramePtr frame(av_frame_alloc());
    if (!deinterlacer->Pull(frame.get())) return frames;
    frames.push_back(std::move(frame));
  }
}

int Level(const AVFrame& frame, int y) {
  return frame.data[0][y * frame.linesize[0] + kSide / 2];
}

TEST(Deinterlacer, GivesAFrameForEachWithItsTimeColoursAndPixels) {
  for (const bool interlaced : {false, true}) {
    Deinterlacer deinterlacer;
    std::vector<FramePtr> frames;
    const int64_t kTimes[] = {-7, 100, 103, 999};
    for (const int64_t time : kTimes) {
      deinterlacer.Push(Frame(time, interlaced, 50, 50).get());
      for (FramePtr& frame : Pulled(&deinterlacer)) {
        frames.push_back(std::move(frame));
      }
    }
    deinterlacer.Flush();
    for (FramePtr& frame : Pulled(&deinterlacer)) {
      frames.push_back(std::move(frame));
    }
    ASSERT_EQ(frames.size(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(frames[i]->best_effort_timestamp, kTimes[i]);
      EXPECT_EQ(frames[i]->colorspace, AVCOL_SPC_BT709);
      EXPECT_EQ(frames[i]->color_range, AVCOL_RANGE_JPEG);
      EXPECT_EQ(av_cmp_q(frames[i]->sample_aspect_ratio, {16, 15}), 0);
    }
  }
}

// Light that grows steadily: the lines that are filmed half a frame later are
// brighter by 20. At the time of the first ones they are as bright as these.
TEST(Deinterlacer, LeavesNoCombs) {
  for (const int odd : {120, 80}) {
    for (const bool interlaced : {false, true}) {
      constexpr int kEven = 100;
      Deinterlacer deinterlacer;
      for (const int light : {-40, 0, 40}) {
        deinterlacer.Push(Frame(light, interlaced,
                                static_cast<uint8_t>(kEven + light),
                                static_cast<uint8_t>(odd + light))
                              .get());
      }
      deinterlacer.Flush();
      const std::vector<FramePtr> frames = Pulled(&deinterlacer);
      ASSERT_EQ(frames.size(), 3u);
      // What is not interlaced is passed on as it is.
      const int first = std::min(kEven, odd);
      EXPECT_EQ(Level(*frames[1], 8), interlaced ? first : kEven);
      EXPECT_EQ(Level(*frames[1], 7), interlaced ? first : odd);
    }
  }
}

// A phone that is turned while it films: the filter begins anew, and no frame
// is lost.
TEST(Deinterlacer, LosesNoFrameWhereTheSizeChanges) {
  Deinterlacer deinterlacer;
  const int kWidths[] = {16, 16, 32, 32, 32, 16};
  for (int i = 0; i < 6; ++i) {
    deinterlacer.Push(Frame(i, true, 50, 50, kWidths[i]).get());
  }
  deinterlacer.Flush();
  const std::vector<FramePtr> frames = Pulled(&deinterlacer);
  ASSERT_EQ(frames.size(), 6u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(frames[static_cast<size_t>(i)]->width, kWidths[i]);
    EXPECT_EQ(frames[static_cast<size_t>(i)]->best_effort_timestamp, i);
  }
}

// The filter finds no memory for the frame that it makes. What it holds then
// and the one that it refuses come as they are, and it begins anew.
TEST(Deinterlacer, LosesNoFrameThatItsFilterRefuses) {
  Deinterlacer deinterlacer;
  for (int i = 0; i < 8; ++i) {
    constexpr size_t kLessThanAPlane = 1000;
    const FramePtr frame = Frame(i, true, 50, 200, /*width=*/128);
    if (i == 3) av_max_alloc(kLessThanAPlane);
    deinterlacer.Push(frame.get());
    av_max_alloc(INT_MAX);
  }
  deinterlacer.Flush();
  const std::vector<FramePtr> frames = Pulled(&deinterlacer);
  ASSERT_EQ(frames.size(), 8u);
  int num_combed = 0;
  for (int i = 0; i < 8; ++i) {
    const AVFrame& frame = *frames[static_cast<size_t>(i)];
    EXPECT_EQ(frame.best_effort_timestamp, i);
    if (Level(frame, 8) == 50 && Level(frame, 7) == 200) ++num_combed;
  }
  EXPECT_GE(num_combed, 1);
  EXPECT_LT(num_combed, 8);
}

// bwdif takes no fewer than 3 columns.
TEST(Deinterlacer, PassesOnWhatIsTooSmallForItsFilter) {
  Deinterlacer deinterlacer;
  deinterlacer.Push(Frame(5, true, 50, 200, 2).get());
  const std::vector<FramePtr> frames = Pulled(&deinterlacer);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0]->width, 2);
}

}  // namespace
}  // namespace pipelines::media
