#include "pipelines/data/clips_fingerprint.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"

namespace pipelines::data {
namespace {

namespace fs = std::filesystem;

class FingerprintTest : public testing::Test {
 protected:
  FingerprintTest() {
    for (const char* name : {"a", "b"}) {
      clips_.push_back({testing::TempDir() + "/" + name, name, name, {}});
      clips_.back().info.num_frames = 3;
      std::ofstream(clips_.back().path) << "frames";
    }
    before_ = FingerprintOf(clips_);
  }

  std::string Change(bool with_times = true) const {
    return Difference(before_, FingerprintOf(clips_), with_times);
  }

  std::vector<IndexedClip> clips_;
  Fingerprint before_;
};

TEST_F(FingerprintTest, IsTheSameForTheSameClips) { EXPECT_EQ(Change(), ""); }

TEST_F(FingerprintTest, SeesAClipThatIsGone) {
  clips_.pop_back();
  EXPECT_EQ(Change(false), "clips were added, removed or renamed");
}

TEST_F(FingerprintTest, SeesNamesThatTogetherSpellTheSame) {
  clips_[0].name = "ab";
  clips_[1].name = "";
  EXPECT_NE(Change(false), "");
}

TEST_F(FingerprintTest, SeesOtherBytesAndOtherFrames) {
  std::ofstream(clips_[1].path) << "more frames";
  EXPECT_EQ(Change(false), "clips have another size");
  std::ofstream(clips_[1].path) << "frames";
  EXPECT_EQ(Change(false), "");
  clips_[0].info.num_frames = 4;
  EXPECT_EQ(Change(false), "clips have another size");
}

TEST_F(FingerprintTest, SeesAnotherTimeWhereItMatters) {
  fs::last_write_time(clips_[0].path, fs::last_write_time(clips_[0].path) +
                                          std::chrono::seconds(5));
  EXPECT_EQ(Change(false), "");
  EXPECT_EQ(Change(), "files have other times: changed, or copied anew");
}

}  // namespace
}  // namespace pipelines::data
