#include "networks/files/outputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/files/testing_plain_user.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

class CheckOutputsTest : public FolderTest {
 protected:
  CheckOutputsTest() {
    Write("driving.mp4", "d");
    Write("source.png", "s");
    planned_.inputs = {Path("driving.mp4"), Path("source.png"), "camera:0"};
    planned_.overwrite = true;
  }

  PlannedOutputs planned_;
};

// As in /tmp: the rename at the end would be refused.
TEST_F(CheckOutputsTest, NamesWhatAnotherUserKeeps) {
  if (geteuid() != 0) GTEST_SKIP() << "makes a file of another user";
  fs::permissions(folder_, fs::perms(01777));
  Write("out.mp4", "of the superuser");
  planned_.inputs.clear();
  planned_.files = {"out.mp4"};
  const PlainUser user(folder_);
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("out.mp4")));
  planned_.files = {"new.mp4"};
  EXPECT_THAT(CheckOutputs(planned_), IsOk());
}

TEST_F(CheckOutputsTest, LetsNewOnesPass) {
  planned_.files = {Path("out.mp4"), "", Path("k.npy")};
  planned_.folders = {Path("frames")};
  planned_.overwrite = false;
  EXPECT_THAT(CheckOutputs(planned_), IsOk());
  Write("out.mp4", "old");
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(Path("out.mp4"))));
  planned_.overwrite = true;
  EXPECT_THAT(CheckOutputs(planned_), IsOk());
}

TEST_F(CheckOutputsTest, NeverReplacesAnInput) {
  fs::create_symlink(folder_, Path("way"));
  fs::create_hard_link(Path("driving.mp4"), Path("same.mp4"));
  for (const char* name :
       {"driving.mp4", "./source.png", "way/driving.mp4", "same.mp4"}) {
    planned_.files = {Path("out.mp4"), Path(name)};
    EXPECT_THAT(CheckOutputs(planned_),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(Path(name)), HasSubstr("input"))))
        << name;
  }
  fs::create_symlink("source.png", Path("link.png"));
  planned_.inputs = {Path("link.png")};
  planned_.files = {Path("source.png")};
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr(Path("source.png") + ": is the input " +
                                 Path("link.png"))));
}

TEST_F(CheckOutputsTest, NeverReplacesAFrameOfAnInputFolder) {
  fs::create_directory(Path("clip"));
  Write("clip/0.png", "0");
  planned_.inputs = {Path("clip")};
  planned_.files = {Path("clip/0.png")};
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("clip/0.png")));
  planned_.files = {Path("clip/new.mp4")};
  EXPECT_THAT(CheckOutputs(planned_), IsOk());
}

TEST_F(CheckOutputsTest, RefusesTwoOfOneName) {
  planned_.files = {Path("x.mp4"), Path("./x.mp4")};
  EXPECT_THAT(CheckOutputs(planned_), StatusIs(StatusCode::kInvalidArgument,
                                               HasSubstr("are one file")));
  Write("x.mp4", "old");
  fs::create_hard_link(Path("x.mp4"), Path("y.mp4"));
  planned_.files = {Path("x.mp4"), Path("y.mp4")};
  EXPECT_THAT(CheckOutputs(planned_), StatusIs(StatusCode::kInvalidArgument,
                                               HasSubstr("are one file")));
}

TEST_F(CheckOutputsTest, RefusesWhatIsNoFile) {
  const auto refuses = [this](const std::string& path, const char* what) {
    planned_.files = {path};
    EXPECT_THAT(CheckOutputs(planned_),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(path), HasSubstr(what))));
  };
  refuses("/dev/full", "device");
  refuses(folder_, "folder");
  fs::create_symlink("source.png", Path("link.png"));
  refuses(Path("link.png"), "symbolic link");
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  refuses(Path("pipe"), "named pipe");
}

TEST_F(CheckOutputsTest, NamesTheFolderThatIsMissing) {
  planned_.files = {Path("none/x.mp4")};
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr(Path("none/x.mp4")),
                             HasSubstr("no folder " + Path("none;")))));
}

TEST_F(CheckOutputsTest, TakesAMissingFolderThatWillBeMade) {
  planned_.makes_folders = true;
  planned_.files = {Path("none/deep/x.png"), Path("none/deep/y.png")};
  EXPECT_THAT(CheckOutputs(planned_), IsOk());
  planned_.files = {Path("none/x.png"), Path("./none/x.png")};
  EXPECT_THAT(CheckOutputs(planned_), StatusIs(StatusCode::kInvalidArgument,
                                               HasSubstr("are one file")));
  planned_.files = {Path("source.png/none/x.png")};
  EXPECT_THAT(CheckOutputs(planned_), StatusIs(StatusCode::kFailedPrecondition,
                                               HasSubstr("Not a directory")));
  EXPECT_FALSE(fs::exists(Path("none")));
}

TEST_F(CheckOutputsTest, IsFollowedByMakingParentFolders) {
  planned_.files = {Path("none/deep/x.png"), "", Path("y.png")};
  planned_.folders = {Path("new/frames/")};
  EXPECT_THAT(MakeParentFolders(planned_), IsOk());
  EXPECT_TRUE(fs::is_directory(Path("none/deep")));
  EXPECT_FALSE(fs::exists(Path("none/deep/x.png")));
  EXPECT_TRUE(fs::is_directory(Path("new")));
  EXPECT_FALSE(fs::exists(Path("new/frames")));
}

TEST_F(CheckOutputsTest, RefusesAFolderWithSomethingInIt) {
  planned_.folders = {folder_};
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("not empty")));
}

TEST_F(CheckOutputsTest, RefusesAnOutputInAFolderThatIsMadeAsAWhole) {
  const auto refuses = [this](const char* file) {
    planned_.files = {Path(file)};
    EXPECT_THAT(CheckOutputs(planned_),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(Path(file)),
                               HasSubstr("is to lie in " + Path("frames/")))));
  };
  planned_.folders = {Path("frames/")};
  planned_.makes_folders = true;
  refuses("frames/k.npy");
  fs::create_directory(Path("frames"));
  fs::create_symlink("frames", Path("way"));
  refuses("frames/k.npy");
  refuses("way/deep/k.npy");
  planned_.files = {Path("frames2/k.npy"), Path("k.npy")};
  EXPECT_THAT(CheckOutputs(planned_), IsOk());
}

TEST_F(CheckOutputsTest, FillsAFolderThatMayBeOverwritten) {
  planned_.filled_folders = {folder_, Path("none")};
  EXPECT_THAT(CheckOutputs(planned_), IsOk());
  planned_.overwrite = false;
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("not empty")));
  planned_.overwrite = true;
  planned_.inputs = {folder_};
  EXPECT_THAT(CheckOutputs(planned_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("the input")));
}

TEST_F(CheckOutputsTest, SaysThatAFolderCannotBeWrittenTo) {
  fs::permissions(folder_, fs::perms(0555));
  {
    const PlainUser user(folder_);
    planned_.inputs.clear();
    planned_.files = {"new.mp4"};
    EXPECT_THAT(CheckOutputs(planned_),
                StatusIs(StatusCode::kPermissionDenied, HasSubstr("new.mp4")));
    planned_.makes_folders = true;
    planned_.files = {"none/new.mp4"};
    EXPECT_THAT(CheckOutputs(planned_), StatusIs(StatusCode::kPermissionDenied,
                                                 HasSubstr("none/new.mp4")));
  }
  fs::permissions(folder_, fs::perms(0755));
}

}  // namespace
}  // namespace networks::files
