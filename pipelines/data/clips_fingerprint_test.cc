#include "pipelines/data/clips_fingerprint.h"

#include <chrono>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/data/clip_index.pb.h"
#include "pipelines/data/index_cache.h"

namespace pipelines::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FingerprintTest : public testing::Test {
 protected:
  FingerprintTest() {
    for (const char* name : {"a", "b"}) {
      clips_.push_back({name, name, name, {}});
      clips_.back().info.num_frames = 3;
      clips_.back().bytes = 6;
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
  clips_[1].bytes = 11;
  EXPECT_EQ(Change(false), "clips have another size");
  clips_[1].bytes = 6;
  EXPECT_EQ(Change(false), "");
  clips_[0].info.num_frames = 4;
  EXPECT_EQ(Change(false), "clips have another size");
}

TEST_F(FingerprintTest, SeesAnotherTimeWhereItMatters) {
  clips_[0].modified_ns += 5;
  EXPECT_EQ(Change(false), "");
  EXPECT_EQ(Change(), "files have other times: changed, or copied anew");
}

TEST_F(FingerprintTest, SeesOtherBytesOfAFolderWhereTimesMatter) {
  clips_[0].info.random_access = true;
  before_ = FingerprintOf(clips_);
  clips_[0].bytes = 11;
  EXPECT_EQ(Change(false), "");
  EXPECT_NE(Change(), "");
}

TEST_F(FingerprintTest, NamesClipsThatChangedOnDisk) {
  const std::string folder = networks::files::FreshTestFolder();
  std::filesystem::create_directories(folder);
  for (IndexedClip& clip : clips_) {
    clip.path = folder + "/" + clip.name;
    std::ofstream(clip.path) << "frames";
    const ClipRecord stamp = Stamp(clip.path, clip.name);
    clip.modified_ns = stamp.modified_ns();
    clip.bytes = stamp.bytes();
  }
  EXPECT_THAT(ChangedClips(clips_), IsEmpty());
  std::ofstream(clips_[1].path) << "others";
  std::filesystem::last_write_time(
      clips_[1].path,
      std::filesystem::file_time_type::clock::now() + std::chrono::seconds(10));
  EXPECT_THAT(ChangedClips(clips_), ElementsAre(clips_[1].path));
  std::filesystem::remove(clips_[0].path);
  EXPECT_THAT(ChangedClips(clips_),
              ElementsAre(clips_[0].path, clips_[1].path));
}

}  // namespace
}  // namespace pipelines::data
