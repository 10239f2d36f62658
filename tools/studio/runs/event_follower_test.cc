#include "tools/studio/runs/event_follower.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/report/event.pb.h"
#include "pipelines/report/tfrecord.h"
#include "tools/studio/runs/safe_folder.h"

namespace studio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kFile[] = "events.out.tfevents.1700000000.host.1.0";
constexpr int64_t kMany = 64 << 20;

std::string Scalar(const std::string& tag, int64_t step, float value) {
  pipelines::tensorboard::Event event;
  event.set_step(step);
  auto* const added = event.mutable_summary()->add_value();
  added->set_tag(tag);
  added->set_simple_value(value);
  return pipelines::TfRecord(event.SerializeAsString());
}

std::string Picture(size_t bytes) {
  pipelines::tensorboard::Event event;
  auto* const added = event.mutable_summary()->add_value();
  added->set_tag("pictures");
  added->mutable_image()->set_encoded_image_string(std::string(bytes, 'x'));
  return pipelines::TfRecord(event.SerializeAsString());
}

class EventFollowerTest : public networks::files::FolderTest {
 protected:
  bool Follow(int64_t max_bytes = kMany) {
    return follower_.Follow(SafeFolder::Open(Path("")).value(), max_bytes)
        .value();
  }
  EventFollower follower_;
};

TEST_F(EventFollowerTest, ReadsWhatNoTableHas) {
  Write(kFile, Scalar("loss/total", 1, 5) + Scalar("training/rate", 1, 2) +
                   Scalar("test/l1", 1, 0.5F) + Scalar("time/x", 1, 1) +
                   Scalar("test/l1", 9, 0.25F));
  EXPECT_TRUE(Follow());
  EXPECT_THAT(
      follower_.scalars(),
      ElementsAre(Pair("test/l1", ElementsAre(Pair(1, 0.5), Pair(9, 0.25)))));
  EXPECT_TRUE(follower_.IsTraining("rate"));
  EXPECT_FALSE(follower_.IsTraining("total"));
  EXPECT_EQ(follower_.started(), 1700000000);
}

TEST_F(EventFollowerTest, GoesOnWhereItStopped) {
  const std::string first = Scalar("a", 1, 1), second = Scalar("a", 2, 2);
  for (size_t cut = 0; cut <= second.size(); cut += 7) {
    Write(kFile, first + second.substr(0, cut));
    EXPECT_TRUE(Follow());
  }
  Write(kFile, first + second + Scalar("a", 3, 3));
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.scalars().at("a"),
              ElementsAre(Pair(1, 1), Pair(2, 2), Pair(3, 3)));
}

// Of any size, also larger than a block and the bytes of a call.
TEST_F(EventFollowerTest, SkipsPictures) {
  const std::string content =
      Scalar("a", 1, 1) + Picture(3 << 20) + Picture(5000) + Scalar("a", 2, 2);
  Write(kFile, content.substr(0, 100000));
  EXPECT_TRUE(Follow());
  Write(kFile, content);
  while (!Follow(1)) {
  }
  EXPECT_EQ(follower_.scalars().at("a").size(), 2);
}

TEST_F(EventFollowerTest, ADamagedRecordEndsItsFileOnly) {
  std::string damaged = Scalar("a", 1, 1) + Scalar("a", 2, 2);
  damaged[damaged.size() - 6] ^= 1;
  Write(kFile, damaged + Scalar("a", 3, 3));
  Write("events.out.tfevents.1800000000.host", Scalar("a", 4, 4));
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.scalars().at("a"), ElementsAre(Pair(1, 1), Pair(4, 4)));
  EXPECT_EQ(follower_.started(), 1700000000);
}

TEST_F(EventFollowerTest, TakesWhateverBytesThereAre) {
  for (const std::string& content :
       {std::string(), std::string(5, '\xff'), std::string(4000, '\xff'),
        std::string(4000, '\0'), std::string(70000, 'x')}) {
    Write(kFile, content);
    EventFollower follower;
    EXPECT_TRUE(
        follower.Follow(SafeFolder::Open(Path("")).value(), kMany).value());
    EXPECT_THAT(follower.scalars(), IsEmpty());
  }
}

// A run that is removed and trained again.
TEST_F(EventFollowerTest, ForgetsFilesThatAreGone) {
  Write(kFile, Scalar("a", 1, 1) + Scalar("a", 9, 9));
  EXPECT_TRUE(Follow());
  std::filesystem::remove(Path(kFile));
  Write("events.out.tfevents.1800000000.host", Scalar("a", 2, 2));
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.scalars().at("a"), ElementsAre(Pair(2, 2)));
  EXPECT_EQ(follower_.started(), 1800000000);
}

TEST_F(EventFollowerTest, ReadsNoLinks) {
  Write("elsewhere", Scalar("a", 1, 1));
  std::filesystem::create_symlink("elsewhere", Path(kFile));
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.scalars(), IsEmpty());
}

}  // namespace
}  // namespace studio
