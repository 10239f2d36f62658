#include "pipelines/media/field_pairs.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/read_video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::testing::ElementsAre;

// The first 8 packets of field-pictures.ts, each a field: 4 frames, of which
// the last three have the same number.
class FieldPairsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto input = OpenInput({absl::StrCat(kTestdata, "field-pictures.ts")});
    ASSERT_THAT(input, IsOk());
    input_ = *std::move(input);
    ASSERT_THAT(FindStreams(input_.get(), "fields"), IsOk());
    for (int i = 0; i < 8; ++i) {
      PacketPtr packet(av_packet_alloc());
      ASSERT_GE(av_read_frame(input_.get(), packet.get()), 0);
      fields_.emplace_back(reinterpret_cast<char*>(packet->data), packet->size);
    }
  }

  std::vector<bool> AreSecond(const std::vector<std::string>& packets) const {
    FieldPairs pairs(*input_->streams[0]->codecpar);
    std::vector<bool> result;
    for (const std::string& bytes : packets) {
      const PacketPtr packet(av_packet_alloc());
      EXPECT_GE(av_new_packet(packet.get(), static_cast<int>(bytes.size())), 0);
      bytes.copy(reinterpret_cast<char*>(packet->data), bytes.size());
      result.push_back(pairs.IsSecondField(*packet));
    }
    return result;
  }

  InputPtr input_;
  std::vector<std::string> fields_;
};

TEST_F(FieldPairsTest, AreTwoPacketsEach) {
  EXPECT_THAT(AreSecond(fields_),
              ElementsAre(false, true, false, true, false, true, false, true));
}

TEST_F(FieldPairsTest, MayStandInOnePacket) {
  std::vector<std::string> frames;
  for (size_t i = 0; i < fields_.size(); i += 2) {
    frames.push_back(fields_[i] + fields_[i + 1]);
  }
  EXPECT_THAT(AreSecond(frames), ElementsAre(false, false, false, false));
}

TEST_F(FieldPairsTest, BeginAnewBehindALostField) {
  fields_.erase(fields_.begin() + 3);
  EXPECT_THAT(AreSecond(fields_),
              ElementsAre(false, true, false, false, true, false, true));
}

}  // namespace
}  // namespace pipelines::media
