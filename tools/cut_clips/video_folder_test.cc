#include "tools/cut_clips/video_folder.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace tools {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

using FileNames = std::vector<std::string>;

class FindVideoTest : public networks::files::FolderTest {
 protected:
  absl::StatusOr<std::string> Find(const std::string& file,
                                   const FileNames& names) {
    for (const std::string& name : names) Write(name, "not looked at");
    return FindVideo(folder_, file, names);
  }
};

TEST_F(FindVideoTest, TakesTheWholeNameBeforeThatOfASidecar) {
  const FileNames names = {"talk.mp4", "talk.mp4.jpg", "talk.mp4.json",
                           "talk.mp4.mov", "talk.mp4.part"};
  EXPECT_THAT(Find("talk.mp4", names), IsOkAndHolds(Path("talk.mp4")));
}

TEST_F(FindVideoTest, AddsTheEndingOfAVideoOnly) {
  const FileNames names = {"ID.en.vtt", "ID.jpg", "ID.json", "ID.mp4",
                           "ID.part",   "ID.png", "ID.webp"};
  EXPECT_THAT(Find("ID", names), IsOkAndHolds(Path("ID.mp4")));
  EXPECT_THAT(Find("JD", {"ID.mp4", "JD.MOV"}), IsOkAndHolds(Path("JD.MOV")));
}

TEST_F(FindVideoTest, JoinsWhatItDoesNotFindToTheFolder) {
  EXPECT_THAT(Find("gone", {"ID.mp4", "gone.jpg"}), IsOkAndHolds(Path("gone")));
  EXPECT_THAT(Find("sub/a.mp4", {"a.mp4"}), IsOkAndHolds(Path("sub/a.mp4")));
}

TEST_F(FindVideoTest, RefusesToChooseBetweenTwoVideos) {
  EXPECT_THAT(Find("ID", {"ID.gif", "ID.mp4"}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(folder_),
                             HasSubstr("ID may be ID.gif or ID.mp4"))));
}

}  // namespace
}  // namespace tools
