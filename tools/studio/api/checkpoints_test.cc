#include "tools/studio/api/checkpoints.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

class CheckpointsTest : public networks::files::FolderTest {
 protected:
  CheckpointsTest() {
    places_.shipped = pipelines::PretrainedCheckpoint();
    places_.folders = {Path("more"), Path("missing")};
    places_.fetched = Path("fetched");
    places_.runs = [this] { return std::vector<std::string>{Path("run")}; };
    for (const char* folder : {"more", "fetched", "run/checkpoints"}) {
      std::filesystem::create_directories(Path(folder));
    }
    Write("more/notes.txt", "");
    Write("fetched/tps-vox.pth.tar", "zip");
    Write("run/checkpoints/step-000000009.safetensors", "");
    Write("run/checkpoints/step-000000010.safetensors", "");
  }

  CheckpointPlaces places_;
};

TEST_F(CheckpointsTest, DescribesTheShippedOneByItsMetadata) {
  const std::vector<CheckpointFile> list = Checkpoints(places_).List();
  ASSERT_FALSE(list.empty());
  EXPECT_EQ(list[0].id, "shipped");
  EXPECT_EQ(list[0].name, "puppets-128");
  EXPECT_EQ(list[0].width, 128);
  EXPECT_GT(list[0].sets, 0);
  EXPECT_EQ(list[0].motion, "cpab");
}

// A safetensors file without tensors but with their names.
std::string HeadOf(const std::string& json) {
  std::string length(8, '\0');
  length[0] = static_cast<char>(json.size());
  return length + json;
}

TEST_F(CheckpointsTest, SaysWhetherThereIsAnAvdNetwork) {
  Write("more/a.safetensors", HeadOf(R"({"model.avd_network.w":{}})"));
  Write("more/b.safetensors", HeadOf(R"({"model.w":{},"avd_network.w":{}})"));
  const std::vector<CheckpointFile> list = Checkpoints(places_).List();
  ASSERT_EQ(list.size(), 5u);
  EXPECT_EQ(list[0].has_avd, false);         // the shipped one
  EXPECT_EQ(list[1].has_avd, std::nullopt);  // a .pth.tar
  EXPECT_EQ(list[2].has_avd, false);
  EXPECT_EQ(list[3].has_avd, true);
  EXPECT_EQ(list[4].has_avd, std::nullopt);  // an empty file
  EXPECT_EQ(CheckpointToJson(list[3])["avd"], true);
  EXPECT_FALSE(CheckpointToJson(list[1]).contains("avd"));
}

TEST_F(CheckpointsTest, FindsEachByItsIdAndOnlyThose) {
  const Checkpoints checkpoints(places_);
  const std::vector<CheckpointFile> list = checkpoints.List();
  ASSERT_EQ(list.size(), 3u);
  for (const CheckpointFile& file : list) {
    EXPECT_THAT(checkpoints.Find(file.id), IsOkAndHolds(file.path));
  }
  for (const char* id : {"", "..", "/etc/passwd", "tps-vox.pth.tar"}) {
    EXPECT_THAT(checkpoints.Find(id), StatusIs(absl::StatusCode::kNotFound, _));
  }
}

TEST_F(CheckpointsTest, TakesTheBestOfARunElseTheNewest) {
  const Checkpoints checkpoints(places_);
  Write("run/checkpoints/step-good.safetensors", "");  // the user's copy
  EXPECT_EQ(checkpoints.List().back().path,
            Path("run/checkpoints/step-000000010.safetensors"));
  Write("run/checkpoints/best.safetensors", "");
  EXPECT_EQ(checkpoints.List().back().path,
            Path("run/checkpoints/best.safetensors"));
}

TEST_F(CheckpointsTest, TakesAFileOrTheFolderOfARunForAFolder) {
  Write("more/a.pth.tar", "zip");
  Write("more/a.png", "");
  places_.folders = {Path("more/a.pth.tar"), Path("run")};
  places_.runs = nullptr;
  const std::vector<CheckpointFile> list = Checkpoints(places_).List();
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[2].path, Path("more/a.pth.tar"));
  EXPECT_EQ(list[3].path, Path("run/checkpoints/step-000000010.safetensors"));
  EXPECT_EQ(list[3].name, "run");
  for (const char* good : {"more/a.pth.tar", "more", "run"}) {
    EXPECT_THAT(CheckCheckpoints(Path(good)), IsOk());
  }
  EXPECT_THAT(CheckCheckpoints(Path("more/a.png")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("more/a.png: is no checkpoint")));
  EXPECT_THAT(CheckCheckpoints(Path("none")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("none: there is no such file or folder")));
}

TEST_F(CheckpointsTest, TellsRunsOfTwoStudiesApart) {
  const std::vector<std::string> runs = {"a/x/seed0", "b/x/seed0", "b/y/seed0"};
  for (const std::string& run : runs) {
    std::filesystem::create_directories(Path(run + "/checkpoints"));
    Write(run + "/checkpoints/best.safetensors", "");
  }
  places_.runs = [&] {
    std::vector<std::string> paths;
    for (const std::string& run : runs) paths.push_back(Path(run) + "/");
    return paths;
  };
  const std::vector<CheckpointFile> list = Checkpoints(places_).List();
  ASSERT_EQ(list.size(), 5u);
  EXPECT_EQ(list[2].name, "a/x/seed0");
  EXPECT_EQ(list[3].name, "b/x/seed0");
  EXPECT_EQ(list[4].name, "y/seed0");
}

TEST_F(CheckpointsTest, ListsOneOnceThatIsInTwoPlaces) {
  places_.folders = {Path("run"), Path("run/checkpoints")};
  const std::vector<CheckpointFile> list = Checkpoints(places_).List();
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[2].from, "run");
  EXPECT_EQ(list[3].path, Path("run/checkpoints/step-000000009.safetensors"));
}

TEST_F(CheckpointsTest, SaysThatOneHasBeenDeleted) {
  const Checkpoints checkpoints(places_);
  const std::string id = checkpoints.List()[1].id;
  std::filesystem::remove(Path("fetched/tps-vox.pth.tar"));
  EXPECT_THAT(checkpoints.Find(id), StatusIs(absl::StatusCode::kNotFound, _));
}

TEST_F(CheckpointsTest, ListsADamagedFileWithoutFacts) {
  std::filesystem::create_directories(Path("more"));
  Write("more/a.safetensors",
        std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8));
  Write("more/b.safetensors", std::string("\x02\0\0\0\0\0\0\0[]", 10));
  Write("more/c.safetensors", std::string("\x26\0\0\0\0\0\0\0", 8) +
                                  R"({"__metadata__":{"state":"nonsense {"}})");
  for (const CheckpointFile& file : Checkpoints(places_).List()) {
    if (file.from == "folder") {
      EXPECT_EQ(file.sets, 0) << file.path;
    }
  }
  EXPECT_EQ(Checkpoints(places_).List().size(), 6u);
}

}  // namespace
}  // namespace studio
