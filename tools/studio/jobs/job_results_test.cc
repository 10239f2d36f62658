#include "tools/studio/jobs/job_results.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::HasSubstr;

class JobResultsTest : public testing::Test {
 protected:
  void SetUp() override { Open(int64_t{1} << 30); }

  void Open(int64_t quota) {
    results_.reset();
    folders_.reset();
    store_.reset();
    StoreOptions options;
    options.folder = FreshTestFolder() + "/data";
    options.quota = quota;
    auto store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    folders_ = std::make_unique<JobFolders>(store_.get());
    results_ = std::make_unique<JobResults>(
        store_.get(), folders_.get(), &table_,
        [this](const std::string& from, const std::string& to,
               const std::string& frames, int64_t max_bytes) {
          {
            const absl::MutexLock lock(&mutex_);
            frames_ = frames;
            max_bytes_ = max_bytes;
            used_ = store_->used();
          }
          if (++num_conversions_ == 1) started_.Notify();
          finish_.WaitForNotification();
          if (!outcome_.ok()) return outcome_;
          std::ofstream(to) << ReadText(from) << " converted";
          return absl::OkStatus();
        });
  }

  // With the file that the worker wrote.
  std::string Add(const std::string& type, JobState state,
                  bool has_alpha = false) {
    Job job;
    job.has_alpha = has_alpha;
    job.id = *store_->MakeJobFolder();
    job.state = state;
    job.request = {{"type", type}};
    const std::string file =
        type == "motion" ? "motion.safetensors" : "result.mp4";
    fs::create_directory(folders_->Output(job.id, ""));
    std::ofstream(folders_->Output(job.id, file)) << file;
    table_.AddEnded(job);
    return job.id;
  }

  JobTable table_{[](const Job&) {}};
  std::unique_ptr<Store> store_;
  std::unique_ptr<JobFolders> folders_;
  std::unique_ptr<JobResults> results_;
  std::atomic<int> num_conversions_{0};
  // What the last conversion was given, and the store's use meanwhile.
  absl::Mutex mutex_;
  std::string frames_;
  int64_t max_bytes_ = 0;
  int64_t used_ = 0;
  absl::Status outcome_;
  // Of the first conversion; others are not waited for.
  absl::Notification started_, finish_;
};

TEST_F(JobResultsTest, GivesWhatTheWorkerWroteWithoutAConversion) {
  const std::string id = Add("animate", JobState::kDone);
  EXPECT_THAT(results_->Get(id, "mp4"),
              IsOkAndHolds(folders_->Output(id, "result.mp4")));
  const std::string motion = Add("motion", JobState::kDone);
  EXPECT_THAT(results_->Get(motion, "motion"),
              IsOkAndHolds(folders_->Output(motion, "motion.safetensors")));
  EXPECT_THAT(results_->Keypoints(motion),
              IsOkAndHolds(folders_->Output(motion, "keypoints.json")));
  EXPECT_EQ(num_conversions_, 0);
}

TEST_F(JobResultsTest, SeveralCallersWaitForOneConversion) {
  const std::string id = Add("animate", JobState::kDone);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      EXPECT_THAT(results_->Get(id, "gif"),
                  IsOkAndHolds(folders_->Output(id, "result.gif")));
    });
  }
  started_.WaitForNotification();
  EXPECT_THAT(table_.Remove(id), StatusIs(StatusCode::kFailedPrecondition,
                                          HasSubstr("being converted")));
  finish_.Notify();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(num_conversions_, 1);
  EXPECT_EQ(frames_, "");
  EXPECT_EQ(ReadText(folders_->Output(id, "result.gif")),
            "result.mp4 converted");
  EXPECT_THAT(table_.Remove(id), IsOk());
}

TEST_F(JobResultsTest, ConvertsTheFramesWithAlphaOfATransparentResult) {
  finish_.Notify();
  const std::string id = Add("animate", JobState::kDone, /*has_alpha=*/true);
  EXPECT_THAT(results_->Get(id, "webm"), IsOk());
  EXPECT_EQ(frames_, folders_->Output(id, "result.zip"));
}

TEST_F(JobResultsTest, AFailedConversionLeavesNothingThatIsTakenForAResult) {
  const std::string id = Add("animate", JobState::kDone);
  outcome_ = absl::InternalError("the converter broke");
  finish_.Notify();
  EXPECT_THAT(results_->Get(id, "png"),
              StatusIs(StatusCode::kInternal, HasSubstr("broke")));
  EXPECT_FALSE(fs::exists(folders_->Output(id, "result.zip")));
  EXPECT_THAT(table_.Remove(id), IsOk());
}

TEST_F(JobResultsTest, NamesWhyThereIsNoResult) {
  const std::string done = Add("animate", JobState::kDone);
  const std::string failed = Add("animate", JobState::kFailed);
  const std::string motion = Add("motion", JobState::kDone);
  EXPECT_THAT(results_->Get("none", "mp4"),
              StatusIs(StatusCode::kNotFound, HasSubstr("no job")));
  EXPECT_THAT(results_->Get(done, "motion"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("this job has mp4, gif, webm, png")));
  EXPECT_THAT(results_->Get(motion, "mp4"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("has motion")));
  EXPECT_THAT(results_->Get(failed, "mp4"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("failed")));
  EXPECT_THAT(results_->Keypoints(done), StatusIs(StatusCode::kInvalidArgument,
                                                  HasSubstr("an animation")));
}

TEST_F(JobResultsTest, ConvertsNothingWhereTheQuotaIsFull) {
  Open(/*quota=*/1000);
  const std::string id = Add("animate", JobState::kDone);
  EXPECT_THAT(results_->Get(id, "gif"),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("")));
  EXPECT_EQ(num_conversions_, 0);
}

TEST_F(JobResultsTest, RefusesAThirdConversionAtATime) {
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([this, id = Add("animate", JobState::kDone)] {
      EXPECT_THAT(results_->Get(id, "webm"), IsOk());
    });
  }
  while (num_conversions_ < 2) absl::SleepFor(absl::Milliseconds(1));
  const std::string third = Add("animate", JobState::kDone);
  EXPECT_THAT(results_->Get(third, "webm"),
              StatusIs(StatusCode::kUnavailable, HasSubstr("try again")));
  EXPECT_THAT(results_->Get(third, "mp4"), IsOk());
  finish_.Notify();
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(results_->Get(third, "webm"), IsOk());
}

TEST_F(JobResultsTest, NothingStaysOfAConversionThatWasKilled) {
  const std::string id = Add("animate", JobState::kDone);
  const std::string left = ".cpab-0123456789abcdef.tmp";
  std::ofstream(folders_->Output(id, left)) << "half of it";
  std::ofstream(folders_->Output(id, ".result.webm.cpab-lock"))
      << "process 1 on host\n" + left + "\n";
  outcome_ = absl::InternalError("the converter ended with exit code 137");
  finish_.Notify();
  EXPECT_FALSE(results_->Get(id, "webm").ok());
  EXPECT_FALSE(fs::exists(folders_->Output(id, left)));
}

TEST_F(JobResultsTest, ReservesWhatAConversionMayWrite) {
  Open(/*quota=*/10 << 20);
  finish_.Notify();
  EXPECT_THAT(results_->Get(Add("animate", JobState::kDone), "gif"), IsOk());
  EXPECT_EQ(max_bytes_, 5 << 20);
  EXPECT_EQ(used_, 5 << 20);
  EXPECT_LT(store_->used(), 1000);
}

}  // namespace
}  // namespace studio
