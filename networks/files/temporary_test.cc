// What AtomicFile and AtomicFolder are made of; their tests hold the rest.
#include "networks/files/temporary.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/files/testing_full_disk.h"
#include "networks/files/testing_plain_user.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TemporaryTest : public FolderTest {
 protected:
  absl::StatusOr<Temporary> Make(const std::string& name,
                                 Temporary::Kind kind = Temporary::Kind::kFile,
                                 bool overwrite = true) const {
    OutputOptions options;
    options.overwrite = overwrite;
    return Temporary::Create(Path(name), kind, options);
  }
};

TEST_F(TemporaryTest, HasANameOfItsOwnInTheFolderOfItsTarget) {
  const auto first = Make("a");
  const auto second = Make("b");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  for (const auto* temporary : {&*first, &*second}) {
    const fs::path path = temporary->path();
    EXPECT_EQ(path.parent_path(), fs::path(folder_));
    EXPECT_TRUE(IsTemporaryName(path.filename())) << path;
    EXPECT_GE(temporary->descriptor(), 0);
  }
  EXPECT_NE(first->path(), second->path());
  EXPECT_EQ(first->target(), Path("a"));
}

TEST_F(TemporaryTest, GetsItsNameWhenItIsPublished) {
  auto file = Make("a");
  ASSERT_THAT(file, IsOk());
  ASSERT_EQ(write(file->descriptor(), "content", 7), 7);
  EXPECT_FALSE(fs::exists(Path("a")));
  ASSERT_THAT(file->Publish(), IsOk());
  EXPECT_EQ(Contents("a"), "content");
  EXPECT_THAT(Names(), ElementsAre("a"));
}

TEST_F(TemporaryTest, GivesAFolderItsNameWithAllThatIsInIt) {
  auto folder = Make("a", Temporary::Kind::kFolder);
  ASSERT_THAT(folder, IsOk());
  std::ofstream(folder->path() + "/inside") << "content";
  ASSERT_THAT(folder->Publish(), IsOk());
  EXPECT_EQ(Contents("a/inside"), "content");
}

TEST_F(TemporaryTest, LeavesNothingUnlessItIsPublished) {
  { ASSERT_THAT(Make("a"), IsOk()); }
  { ASSERT_THAT(Make("b", Temporary::Kind::kFolder), IsOk()); }
  EXPECT_THAT(Names(), IsEmpty());
}

// While it lives, this process can open one more file and no other.
class OneMoreFile {
 public:
  OneMoreFile() {
    const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    getrlimit(RLIMIT_NOFILE, &previous_);
    const rlimit limit = {static_cast<rlim_t>(next) + 1, previous_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~OneMoreFile() { setrlimit(RLIMIT_NOFILE, &previous_); }
  OneMoreFile(const OneMoreFile&) = delete;
  OneMoreFile& operator=(const OneMoreFile&) = delete;

 private:
  rlimit previous_;
};

TEST_F(TemporaryTest, LeavesNothingThatItCannotOpen) {
  Write("from", "content");
  {
    const OneMoreFile limit;  // the lock
    const auto is_refused = StatusIs(StatusCode::kResourceExhausted,
                                     HasSubstr("Too many open files"));
    EXPECT_THAT(Make("a", Temporary::Kind::kFolder), is_refused);
    EXPECT_THAT(Temporary::CreateLink(Path("from"), Path("b"), {}), is_refused);
  }
  EXPECT_THAT(Names(), ElementsAre("from"));
}

TEST_F(TemporaryTest, RemovesWhatWasLeftAlsoFromAFullDisk) {
  const std::string left = ".cpab-0123456789abcdef.tmp";
  for (const bool is_created : {false, true}) {
    Write(left, "half of it");
    Write(".a.cpab-lock", "process 1 on host\n" + left + "\n");
    const FullDisk disk(0);
    if (is_created) {
      EXPECT_THAT(Make("a"), StatusIs(StatusCode::kResourceExhausted, _));
    } else {
      RemoveAbandoned(folder_);
    }
    EXPECT_THAT(Names(), IsEmpty());
  }
}

TEST_F(TemporaryTest, SaysThatAFolderCannotBeListed) {
  fs::create_directory(Path("a"));
  fs::permissions(Path("a"), fs::perms(0333));
  {
    const PlainUser user(folder_);
    EXPECT_THAT(
        CheckTarget("a", Temporary::Kind::kFolder, false),
        StatusIs(StatusCode::kPermissionDenied, HasSubstr("cannot list")));
  }
  fs::permissions(Path("a"), fs::perms(0755));
}

TEST_F(TemporaryTest, LeavesWhatAnotherUserCanRemove) {
  if (geteuid() != 0) GTEST_SKIP() << "makes a file of another user";
  fs::permissions(folder_, fs::perms(0777));
  Write(".a.cpab-lock", "process 1 on host\n.cpab-0123456789abcdef.tmp\n");
  {
    const PlainUser user(folder_);
    RemoveAbandoned(".");
  }
  EXPECT_THAT(Names(), ElementsAre(".a.cpab-lock"));
}

TEST_F(TemporaryTest, IsAnotherNameOfAFileThatIsLinked) {
  Write("from", "content");
  auto link = Temporary::CreateLink(Path("from"), Path("to"), {});
  ASSERT_THAT(link, IsOk());
  ASSERT_THAT(link->Publish(), IsOk());
  EXPECT_EQ(Contents("to"), "content");
  EXPECT_EQ(fs::hard_link_count(Path("from")), 2);
}

TEST_F(TemporaryTest, OfATargetThatAnotherOneHasIsRefused) {
  const auto first = Make("a");
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Make("a"),
              StatusIs(StatusCode::kUnavailable, HasSubstr(Path("a"))));
}

TEST_F(TemporaryTest, TargetsAreFilesAndFoldersThatMayBeReplaced) {
  using Kind = Temporary::Kind;
  Write("file", "");
  fs::create_directory(Path("empty"));
  fs::create_directory(Path("full"));
  Write("full/inside", "");
  fs::create_symlink("file", Path("link"));
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(CheckTarget(Path("new"), Kind::kFile, false), IsOk());
  EXPECT_THAT(CheckTarget(Path("file"), Kind::kFile, true), IsOk());
  EXPECT_THAT(CheckTarget(Path("empty"), Kind::kFolder, false), IsOk());
  const auto code = [&](const char* name, Kind kind, bool overwrite) {
    return CheckTarget(Path(name), kind, overwrite).code();
  };
  EXPECT_EQ(code("file", Kind::kFile, false), StatusCode::kAlreadyExists);
  EXPECT_EQ(code("full", Kind::kFolder, true), StatusCode::kAlreadyExists);
  for (const char* name : {"link", "pipe", "empty"}) {
    EXPECT_EQ(code(name, Kind::kFile, true), StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_EQ(code("file", Kind::kFolder, true), StatusCode::kInvalidArgument);
}

TEST(IsTemporaryName, TellsThemFromAllOthers) {
  EXPECT_TRUE(IsTemporaryName(".cpab-0123456789abcdef.tmp"));
  for (const char* name :
       {"", ".cpab-.tmp", ".cpab-0123456789abcde.tmp",
        ".cpab-0123456789ABCDEF.tmp", "cpab-0123456789abcdef.tmp",
        ".cpab-0123456789abcdef.tmpx", ".out.mp4.cpab-lock"}) {
    EXPECT_FALSE(IsTemporaryName(name)) << name;
  }
}

}  // namespace
}  // namespace networks::files
