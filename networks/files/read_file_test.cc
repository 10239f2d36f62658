#include "networks/files/read_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

using ReadFileTest = FolderTest;

TEST_F(ReadFileTest, ReadsAllBytes) {
  std::string bytes(300'000, 'x');
  bytes[7] = '\0';
  Write("file", bytes);
  EXPECT_THAT(ReadFile(Path("file")), IsOkAndHolds(bytes));
  Write("empty", "");
  EXPECT_THAT(ReadFile(Path("empty")), IsOkAndHolds(""));
  EXPECT_THAT(ReadNonEmptyFile(Path("file")), IsOkAndHolds(bytes));
  EXPECT_THAT(ReadNonEmptyFile(Path("empty")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is empty")));
}

// The end of a file doubled what it took.
TEST_F(ReadFileTest, TakesNoMoreMemoryThanTheFile) {
  Write("file", std::string(300'000, 'x'));
  const auto content = ReadFile(Path("file"));
  ASSERT_THAT(content, IsOk());
  EXPECT_LT(content->capacity(), 301'000u);
}

TEST_F(ReadFileTest, ReadsWhatStatesNoSize) {
  const auto status = ReadFile("/proc/self/status");
  ASSERT_THAT(status, IsOk());
  EXPECT_THAT(*status, HasSubstr("VmPeak"));
  EXPECT_THAT(ReadFile("/dev/null"), IsOkAndHolds(""));
}

TEST_F(ReadFileTest, ReadsTheFrontOnly) {
  Write("file", "abcdef");
  ReadOptions options;
  options.first_bytes = 4;
  EXPECT_THAT(ReadFile(Path("file"), options), IsOkAndHolds("abcd"));
  options.first_bytes = 100;
  EXPECT_THAT(ReadFile(Path("file"), options), IsOkAndHolds("abcdef"));
  EXPECT_THAT(ReadFile("/dev/zero", options),
              IsOkAndHolds(std::string(100, '\0')));
}

// A config /dev/zero was read until memory ended.
TEST_F(ReadFileTest, RefusesWhatIsTooLarge) {
  EXPECT_THAT(ReadFile("/dev/zero"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("/dev/zero"), HasSubstr("is larger"))));
  Write("file", "abcdef");
  ReadOptions options;
  options.max_bytes = 6;
  EXPECT_THAT(ReadFile(Path("file"), options), IsOkAndHolds("abcdef"));
  options.max_bytes = 5;
  EXPECT_THAT(ReadFile(Path("file"), options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("5 bytes")));
}

TEST_F(ReadFileTest, SaysWhyItCannotRead) {
  EXPECT_THAT(ReadFile(Path("none")),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr(Path("none")),
                             HasSubstr("No such file or directory"))));
  EXPECT_THAT(ReadFile(folder_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is a folder")));
}

TEST_F(ReadFileTest, ReadsAPipeToItsEnd) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::thread writer([this] {
    Write("pipe", std::string(200'000, 'x'));  // more than a pipe holds
  });
  EXPECT_THAT(ReadFile(Path("pipe")), IsOkAndHolds(std::string(200'000, 'x')));
  writer.join();
}

// Opening a pipe that nobody writes to never returned.
TEST_F(ReadFileTest, StopsWaitingForAPipeWhenAsked) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  ReadOptions options;
  int asked = 0;
  options.stop = [&asked] { return ++asked == 2; };
  EXPECT_THAT(ReadFile(Path("pipe"), options),
              StatusIs(StatusCode::kCancelled, HasSubstr(Path("pipe"))));
}

}  // namespace
}  // namespace networks::files
