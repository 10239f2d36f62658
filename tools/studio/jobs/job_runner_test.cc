#include "tools/studio/jobs/job_runner.h"

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::networks::files::FreshTestFolder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Jobs whose worker is a function of the test.
class JobRunnerTest : public testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.folder = FreshTestFolder() + "/data";
    auto store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    folders_ = std::make_unique<JobFolders>(store_.get());
    JobRunnerOptions runner;
    runner.worker = "/worker";
    runner.grace = absl::Seconds(1);
    runner.run = [this](const WorkerRun& run) { return work_(run); };
    runner_ = std::make_unique<JobRunner>(runner, store_.get(), folders_.get(),
                                          &table_);
  }

  std::string Queue() {
    JobWork work;
    EXPECT_THAT(folders_->Make(work.request, &work.files), IsOk());
    work.files.driving = "/inputs/driving";
    Job job;
    job.id = store_->JobIds()->back();
    job.created = absl::Now();
    job.request = {{"type", "animate"}};
    table_.AddQueued(job, std::move(work));
    return job.id;
  }
  Job End(const std::string& id) {
    return *table_.Wait(id, int64_t{1} << 40, absl::Minutes(1));
  }
  // What job.json says.
  Job Kept() { return folders_->Load()->front(); }

  static WorkerEvent Done(int64_t frames) {
    WorkerEvent done;
    done.kind = WorkerEvent::Kind::kDone;
    done.done = frames;
    done.width = 64;
    done.height = 48;
    done.warnings = {"/inputs/driving: is dark"};
    return done;
  }
  static void WriteResult(const WorkerRun& run) {
    std::ofstream(run.job_folder + "/output/result.mp4") << "a result";
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<JobFolders> folders_;
  JobTable table_{[](const Job&) {}};
  std::function<absl::StatusOr<WorkerEvent>(const WorkerRun& run)> work_;
  std::unique_ptr<JobRunner> runner_;
};

TEST_F(JobRunnerTest, AJobThatIsDoneHasItsResult) {
  work_ = [this](const WorkerRun& run) {
    EXPECT_EQ(run.program, "/worker");
    EXPECT_THAT(run.flags, Contains("--driving=/inputs/driving"));
    EXPECT_FALSE(run.stop());
    EXPECT_EQ(Kept().state, JobState::kInterrupted);  // for who comes after us
    WriteResult(run);
    return Done(7);
  };
  const Job job = End(Queue());
  EXPECT_EQ(job.state, JobState::kDone);
  EXPECT_EQ(job.frames, 7);
  EXPECT_EQ(job.frame_width, 64);
  EXPECT_FALSE(job.has_alpha);
  EXPECT_THAT(job.results, ElementsAre("mp4", "gif", "webm", "png"));
  EXPECT_THAT(job.warnings, ElementsAre("the driving video: is dark"));
  EXPECT_EQ(Kept().state, JobState::kDone);
}

TEST_F(JobRunnerTest, ReservesWhatTheWorkerMayWrite) {
  work_ = [this](const WorkerRun& run) {
    EXPECT_GT(run.file_size, 0);
    // The video and the frames beside it, and as much for others.
    EXPECT_GE(store_->used(), 2 * run.file_size);
    EXPECT_THAT(store_->Reserve(2 * run.file_size), IsOk());
    WriteResult(run);
    return Done(1);
  };
  EXPECT_EQ(End(Queue()).state, JobState::kDone);
  EXPECT_EQ(store_->used(), store_->stored());
}

TEST_F(JobRunnerTest, FailsWithoutRoomForAResult) {
  work_ = [](const WorkerRun&) {
    ADD_FAILURE() << "the worker was started";
    return Done(1);
  };
  const auto all = store_->Reserve(store_->quota() - store_->used());
  ASSERT_THAT(all, IsOk());
  const Job job = End(Queue());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.error->code, "resource_exhausted");
}

TEST_F(JobRunnerTest, KnowsATransparentResultByItsFrames) {
  work_ = [](const WorkerRun& run) {
    WriteResult(run);
    std::ofstream(run.job_folder + "/output/result.zip") << "frames";
    return Done(1);
  };
  EXPECT_TRUE(End(Queue()).has_alpha);
  EXPECT_TRUE(Kept().has_alpha);
}

TEST_F(JobRunnerTest, ShowsWhatTheWorkerTells) {
  absl::Notification shown;
  work_ = [&](const WorkerRun& run) {
    WorkerEvent event;
    event.kind = WorkerEvent::Kind::kStage;
    event.stage = "animating";
    run.event(event);
    event.kind = WorkerEvent::Kind::kProgress;
    event.done = 3;
    event.total = 9;
    run.event(event);
    event.kind = WorkerEvent::Kind::kFrame;
    event.done = 2;
    event.png = "PNG";
    run.event(event);
    shown.WaitForNotification();
    WriteResult(run);
    return Done(9);
  };
  const std::string id = Queue();
  Job job = *table_.Get(id);
  while (job.latest_frame < 0) {
    job = *table_.Wait(id, job.version, absl::Minutes(1));
  }
  EXPECT_EQ(job.progress.stage, "animating");
  EXPECT_EQ(job.progress.done, 3);
  EXPECT_EQ(job.progress.total, 9);
  EXPECT_THAT(table_.LatestFrame(id), IsOkAndHolds("PNG"));
  shown.Notify();
  job = End(id);
  EXPECT_EQ(job.progress.stage, "done");
  EXPECT_EQ(job.progress.done, 9);
}

TEST_F(JobRunnerTest, LeavesNoResultOfAJobThatFailed) {
  work_ = [](const WorkerRun& run) -> absl::StatusOr<WorkerEvent> {
    WriteResult(run);
    return absl::DataLossError("/inputs/driving: is damaged");
  };
  const Job job = End(Queue());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.error->code, "data_loss");
  EXPECT_EQ(job.error->field, "driving");
  EXPECT_EQ(job.error->message, "the driving video: is damaged");
  EXPECT_THAT(job.results, IsEmpty());
  EXPECT_EQ(Kept().state, JobState::kFailed);
  EXPECT_FALSE(std::ifstream(folders_->Output(job.id, "result.mp4")).good());
}

TEST_F(JobRunnerTest, AWorkerWithoutAResultHasFailed) {
  work_ = [](const WorkerRun&) { return Done(1); };
  const Job job = End(Queue());
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_THAT(job.error->message, HasSubstr("left no result"));
}

TEST_F(JobRunnerTest, TellsTheWorkerThatItsJobIsCancelled) {
  absl::Notification runs;
  work_ = [&runs](const WorkerRun& run) -> absl::StatusOr<WorkerEvent> {
    runs.Notify();
    while (!run.stop()) absl::SleepFor(absl::Milliseconds(1));
    return absl::CancelledError("the job was cancelled");
  };
  const std::string id = Queue();
  runs.WaitForNotification();
  EXPECT_EQ(table_.Cancel(id)->state, JobState::kRunning);
  EXPECT_EQ(End(id).state, JobState::kCancelled);
}

TEST_F(JobRunnerTest, ItsEndInterruptsTheJobThatRuns) {
  absl::Notification runs;
  work_ = [&runs](const WorkerRun& run) -> absl::StatusOr<WorkerEvent> {
    runs.Notify();
    while (!run.kill()) absl::SleepFor(absl::Milliseconds(1));
    return absl::CancelledError("the job was cancelled");
  };
  const std::string id = Queue();
  runs.WaitForNotification();
  runner_.reset();
  EXPECT_EQ(table_.Get(id)->state, JobState::kInterrupted);
  EXPECT_EQ(table_.Get(id)->error->code, "aborted");
  EXPECT_EQ(Kept().state, JobState::kInterrupted);
  EXPECT_EQ(Kept().error->code, "aborted");
}

}  // namespace
}  // namespace studio
