#include "networks/weights/atomic_file.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class AtomicFileTest : public ::testing::Test {
 protected:
  AtomicFileTest()
      : folder_(
            ::testing::TempDir() + "/" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name()),
        path_(folder_ + "/file") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  const std::string folder_;
  const std::string path_;
};

TEST_F(AtomicFileTest, CreatesAndReplaces) {
  ASSERT_THAT(WriteFileAtomically(path_, "old"), IsOk());
  EXPECT_EQ(Contents(path_), "old");
  const std::string binary("a\0b\n", 4);
  ASSERT_THAT(WriteFileAtomically(path_, binary), IsOk());
  EXPECT_EQ(Contents(path_), binary);
  ASSERT_THAT(WriteFileAtomically(path_, ""), IsOk());
  EXPECT_EQ(Contents(path_), "");
  EXPECT_THAT(Files(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, ShowsNothingBeforeCommit) {
  ASSERT_THAT(WriteFileAtomically(path_, "old"), IsOk());
  AtomicFile file = AtomicFile::Create(path_).value();
  ASSERT_THAT(file.Append("ne"), IsOk());
  ASSERT_THAT(file.Append("w"), IsOk());
  EXPECT_EQ(file.size(), 3);
  EXPECT_EQ(Contents(path_), "old");
  ASSERT_THAT(file.Commit(), IsOk());
  EXPECT_EQ(Contents(path_), "new");
}

TEST_F(AtomicFileTest, LeavesNoTraceIfGivenUp) {
  ASSERT_THAT(WriteFileAtomically(path_, "old"), IsOk());
  {
    AtomicFile file = AtomicFile::Create(path_).value();
    ASSERT_THAT(file.Append("new"), IsOk());
    file = AtomicFile::Create(path_).value();  // Gives up the first.
    const AtomicFile moved = std::move(file);
  }
  EXPECT_EQ(Contents(path_), "old");
  EXPECT_THAT(Files(), ElementsAre("file"));
}

// A limit on the file's size is the error in the middle of writing that a test
// can make without a file system of its own.
TEST_F(AtomicFileTest, KeepsTheOldFileIfWritingFails) {
  ASSERT_THAT(WriteFileAtomically(path_, "old"), IsOk());
  struct rlimit previous;
  getrlimit(RLIMIT_FSIZE, &previous);
  const struct rlimit limit = {1 << 20, previous.rlim_max};
  signal(SIGXFSZ, SIG_IGN);  // So that write() fails instead.
  setrlimit(RLIMIT_FSIZE, &limit);
  const absl::Status status =
      WriteFileAtomically(path_, std::string(2 << 20, 'x'));
  setrlimit(RLIMIT_FSIZE, &previous);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(path_), HasSubstr("File too large")));
  EXPECT_EQ(Contents(path_), "old");
  EXPECT_THAT(Files(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, SaysWhyItCannotWrite) {
  EXPECT_THAT(WriteFileAtomically(folder_ + "/none/file", "x"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("/none/file: cannot create the file"),
                             HasSubstr("No such file or directory"))));
  EXPECT_THAT(WriteFileAtomically(folder_, "x"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is a folder, not a file")));
  EXPECT_THAT(WriteFileAtomically("/dev/null", "x"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is a device, not a file")));
}

TEST_F(AtomicFileTest, SaysThatTheFolderIsReadOnly) {
  fs::permissions(folder_, fs::perms(0555));
  const uid_t user = geteuid();
  if (user == 0) {  // Permissions do not hold back the superuser.
    ASSERT_EQ(seteuid(65534), 0);
  }
  EXPECT_THAT(
      WriteFileAtomically(path_, "x"),
      StatusIs(absl::StatusCode::kPermissionDenied,
               AllOf(HasSubstr(path_), HasSubstr("Permission denied"))));
  ASSERT_EQ(seteuid(user), 0);
}

TEST_F(AtomicFileTest, GivesTheFileTheModeOfTheUmask) {
  const mode_t previous = umask(027);
  ASSERT_THAT(WriteFileAtomically(path_, "x"), IsOk());
  umask(previous);
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0640));
}

TEST_F(AtomicFileTest, WritesThroughASymbolicLink) {
  ASSERT_THAT(WriteFileAtomically(path_, "old"), IsOk());
  fs::create_symlink(path_, folder_ + "/link");
  ASSERT_THAT(WriteFileAtomically(folder_ + "/link", "new"), IsOk());
  EXPECT_TRUE(fs::is_symlink(folder_ + "/link"));
  EXPECT_EQ(Contents(path_), "new");
}

}  // namespace
}  // namespace networks::weights
