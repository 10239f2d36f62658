#include "pipelines/app/user_outputs.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/outputs.h"
#include "networks/files/testing_folder.h"
#include "pipelines/app/exit_code.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

class CheckUserOutputsTest : public networks::files::FolderTest {
 protected:
  networks::files::PlannedOutputs planned_;
};

TEST_F(CheckUserOutputsTest, BlamesTheCommandLineAndNamesTheFlag) {
  const std::string path = Path("scores.json");
  Write("scores.json", "precious");
  planned_.files = {path};
  absl::Status status = CheckUserOutputs(planned_);
  EXPECT_THAT(status, StatusIs(StatusCode::kAlreadyExists,
                               path + " exists; give --overwrite to replace "
                                      "it"));
  EXPECT_EQ(ExitCode(status), kExitUsage);

  planned_.overwrite = true;
  EXPECT_THAT(CheckUserOutputs(planned_), IsOk());
  planned_.inputs = {path};
  status = CheckUserOutputs(planned_);
  EXPECT_THAT(status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("the input")));
  EXPECT_EQ(ExitCode(status), kExitUsage);
}

// --overwrite replaces no folder that is written as a whole.
TEST_F(CheckUserOutputsTest, NamesTheFlagOnlyWhereItHelps) {
  Write("file", "");
  planned_.folders = {folder_};
  const std::string words = folder_ + " exists and is not empty";
  EXPECT_THAT(
      CheckUserOutputs(planned_),
      StatusIs(StatusCode::kAlreadyExists, words + "; name another output"));
  planned_.filled_folders.swap(planned_.folders);
  EXPECT_THAT(CheckUserOutputs(planned_),
              StatusIs(StatusCode::kAlreadyExists,
                       words + "; give --overwrite to replace it"));
}

TEST_F(CheckUserOutputsTest, BlamesTheSystemForAFolderThatIsNotThere) {
  planned_.files = {Path("none/scores.json")};
  EXPECT_EQ(ExitCode(CheckUserOutputs(planned_)), 1);
}

}  // namespace
}  // namespace pipelines
