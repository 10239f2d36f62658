#include "tools/studio/jobs/worker_run.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/jobs/confined_run.h"

namespace studio {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// With worker_double.cc, whose checkpoint says what it does.
class WorkerRunTest : public networks::files::FolderTest {
 protected:
  WorkerRunTest() {
    for (const char* name : {"inputs", "output"}) {
      std::filesystem::create_directories(Path(name));
    }
    run_.program = JobProgram("worker_double");
    run_.job_folder = std::filesystem::canonical(Path(".")).string();
    run_.file_size = int64_t{1} << 20;
    run_.memory = int64_t{1} << 30;
    run_.grace = absl::Seconds(1);
    run_.event = [this](const WorkerEvent& event) {
      if (event.kind == WorkerEvent::Kind::kStage) {
        stages_.push_back(event.stage);
      }
    };
    run_.stop = run_.kill = [] { return false; };
  }

  absl::StatusOr<WorkerEvent> Run(const std::string& what) {
    run_.flags = {"--checkpoint=/models/" + what};
    return RunWorker(run_);
  }
  // Whether it is that far.
  bool Waits() const { return !stages_.empty() && stages_.back() == "loading"; }

  WorkerRun run_;
  std::vector<std::string> stages_;
};

TEST_F(WorkerRunTest, GivesTheEventsAndTheLastOne) {
  const auto done = Run("good");
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done->kind, WorkerEvent::Kind::kDone);
  EXPECT_EQ(done->done, 10);
  EXPECT_EQ(done->width, 64);
  EXPECT_EQ(done->height, 48);
  EXPECT_THAT(stages_, ElementsAre("loading", "animating"));
}

TEST_F(WorkerRunTest, GivesTheErrorThatTheWorkerTells) {
  EXPECT_THAT(Run("half"),
              StatusIs(StatusCode::kDataLoss, HasSubstr("is damaged")));
}

TEST_F(WorkerRunTest, AWorkerThatBreaksIsAnInternalError) {
  EXPECT_THAT(Run("crash"),
              StatusIs(StatusCode::kInternal, HasSubstr("exit code 134")));
  EXPECT_THAT(Run("silent"), StatusIs(StatusCode::kInternal,
                                      HasSubstr("ended before it was done")));
  EXPECT_THAT(Run("garbage"), StatusIs(StatusCode::kInternal,
                                       HasSubstr("what no worker writes")));
  run_.program = "/no/such/worker";
  EXPECT_THAT(Run("good"),
              StatusIs(StatusCode::kInternal, HasSubstr("/no/such/worker")));
}

TEST_F(WorkerRunTest, TellsItToEnd) {
  run_.stop = [this] { return Waits(); };
  EXPECT_THAT(Run("loading"),
              StatusIs(StatusCode::kCancelled, HasSubstr("cancelled")));
}

TEST_F(WorkerRunTest, EndsOneThatDoesNotListenAfterTheGrace) {
  run_.grace = absl::Milliseconds(300);
  absl::Time told = absl::InfiniteFuture();
  run_.stop = [&] {
    if (Waits()) told = absl::Now();
    return Waits();
  };
  EXPECT_THAT(Run("deaf"),
              StatusIs(StatusCode::kCancelled, HasSubstr("cancelled")));
  EXPECT_GE(absl::Now() - told, absl::Milliseconds(300));
}

TEST_F(WorkerRunTest, EndsItAtOnceWhereTheServerEnds) {
  run_.grace = absl::Hours(1);
  run_.kill = [this] { return Waits(); };
  EXPECT_THAT(Run("deaf"),
              StatusIs(StatusCode::kCancelled, HasSubstr("cancelled")));
}

TEST_F(WorkerRunTest, LimitsWhatItReachesAndTakes) {
  for (const char* what : {"open", "exec", "memory", "large_file"}) {
    EXPECT_THAT(Run(what), StatusIs(StatusCode::kPermissionDenied,
                                    HasSubstr("was stopped")))
        << what;
  }
}

TEST_F(WorkerRunTest, GetsNoDescriptorsOfTheServer) {
  // Without O_CLOEXEC, so that 3 is in use.
  std::vector<int> open_files;
  for (int i = 0; i < 4; ++i) {
    open_files.push_back(open("/etc/passwd", O_RDONLY));
  }
  // The double ends with 2 unless 3 is free.
  EXPECT_THAT(Run("good"), IsOk());
  for (const int file : open_files) close(file);
  EXPECT_TRUE(std::filesystem::exists(Path("worker.log")));
}

}  // namespace
}  // namespace studio
