#include "tools/studio/jobs/job_folders.h"

#include <dirent.h>
#include <dlfcn.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/store/store.h"

namespace {

// Whether a disk fails behind the first name in a folder.
bool disk_fails = false;
bool gave_name = false;

}  // namespace

// In place of the C library's.
extern "C" dirent* readdir(DIR* folder) {
  if (disk_fails && gave_name) {
    errno = EIO;
    return nullptr;
  }
  static const auto system =
      reinterpret_cast<dirent* (*)(DIR*)>(dlsym(RTLD_NEXT, "readdir"));
  dirent* const entry = system(folder);
  gave_name = entry != nullptr && entry->d_name[0] != '.';
  return entry;
}

namespace studio {
namespace {

namespace fs = std::filesystem;
using ::networks::files::ReadText;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobFoldersTest : public networks::files::FolderTest {
 protected:
  void SetUp() override {
    std::ofstream(folder_ + "/puppet.png") << "a picture";
    StoreOptions options;
    options.folder = folder_ + "/data";
    options.bundled = {{"puppet", "image", folder_ + "/puppet.png"}};
    auto store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    folders_ = std::make_unique<JobFolders>(store_.get());
  }

  std::string Upload(const std::string& bytes) {
    auto upload =
        store_->BeginUpload("video", static_cast<int64_t>(bytes.size()));
    EXPECT_THAT(upload, IsOk());
    EXPECT_THAT(upload->Append(bytes), IsOk());
    return upload->Publish("{}")->id;
  }

  JobRequest PuppetRequest() {
    JobRequest request;
    request.source = "bundled:puppet";
    request.driving = Upload("a video");
    return request;
  }

  JobFiles FilesOf(const JobRequest& request) {
    JobFiles files;
    files.source = store_->Find(request.source)->path;
    files.driving = store_->Find(request.driving)->path;
    return files;
  }

  // A job in `state` with a result.
  Job Make(JobState state) {
    const JobRequest request = PuppetRequest();
    JobFiles files = FilesOf(request);
    Job job;
    job.id = *folders_->Make(request, &files);
    job.state = state;
    job.created = absl::Now();
    job.request = {{"type", "animate"}};
    EXPECT_THAT(folders_->Save(job), IsOk());
    std::ofstream(files.output) << "a result";
    return job;
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<JobFolders> folders_;
};

TEST_F(JobFoldersTest, TakesTheInputsOfAJob) {
  const JobRequest request = PuppetRequest();
  JobFiles files = FilesOf(request);
  const auto id = folders_->Make(request, &files);
  ASSERT_THAT(id, IsOk());
  EXPECT_EQ(files.source, folders_->Folder(*id) + "/inputs/source");
  EXPECT_EQ(files.output, folders_->Output(*id, "result.mp4"));
  EXPECT_EQ(ReadText(files.source), "a picture");
  EXPECT_EQ(ReadText(files.driving), "a video");
  // The user's own file is not linked, as it may be changed in place.
  EXPECT_EQ(fs::hard_link_count(files.source), 1U);
  EXPECT_EQ(fs::hard_link_count(files.driving), 2U);
}

TEST_F(JobFoldersTest, AJobWithoutASourceHasNone) {
  JobRequest request;
  request.is_motion = true;
  request.driving = Upload("a video");
  JobFiles files;
  files.driving = store_->Find(request.driving)->path;
  const auto id = folders_->Make(request, &files);
  ASSERT_THAT(id, IsOk());
  EXPECT_EQ(files.source, "");
  EXPECT_EQ(files.output, folders_->Output(*id, "motion.safetensors"));
}

TEST_F(JobFoldersTest, LeavesNothingOfAJobWhoseInputIsGone) {
  JobRequest request;
  request.source = "bundled:puppet";
  JobFiles files;
  files.source = folder_ + "/gone.png";
  EXPECT_THAT(
      folders_->Make(request, &files),
      StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("gone.png")));
  EXPECT_THAT(store_->JobIds(), IsOkAndHolds(IsEmpty()));
}

TEST_F(JobFoldersTest, LoadsWhatHasEndedAsItIs) {
  const Job job = Make(JobState::kDone);
  const auto jobs = folders_->Load();
  ASSERT_THAT(jobs, IsOkAndHolds(SizeIs(1)));
  EXPECT_EQ(jobs->front().id, job.id);
  EXPECT_EQ(jobs->front().state, JobState::kDone);
  EXPECT_EQ(ReadText(folders_->Output(job.id, "result.mp4")), "a result");
}

TEST_F(JobFoldersTest, CountsNoMoreThanIsLeftOfAConversionThatWasCutOff) {
  const Job job = Make(JobState::kDone);
  store_->CountJob(job.id);
  const int64_t used = store_->used();
  const std::string left = ".cpab-0123456789abcdef.tmp";
  std::ofstream(folders_->Output(job.id, left)) << "half of it";
  std::ofstream(folders_->Output(job.id, ".a.gif.cpab-lock"))
      << "process 1 on host\n" + left + "\n";
  store_->CountJob(job.id);  // as a store that opens
  EXPECT_GT(store_->used(), used);
  EXPECT_THAT(folders_->Load(), IsOk());
  EXPECT_EQ(store_->used(), used);
}

TEST_F(JobFoldersTest, InterruptsWhatHasNotEndedAndRemovesItsResult) {
  for (const JobState state : {JobState::kQueued, JobState::kRunning}) {
    const Job job = Make(state);
    for (int load = 0; load < 2; ++load) {  // as it was kept, too
      const auto jobs = folders_->Load();
      ASSERT_THAT(jobs, IsOkAndHolds(SizeIs(1)));
      EXPECT_EQ(jobs->front().state, JobState::kInterrupted);
      EXPECT_EQ(jobs->front().error->code, "aborted");
      EXPECT_TRUE(jobs->front().ended.has_value());
    }
    EXPECT_FALSE(fs::exists(folders_->Output(job.id, "result.mp4")));
    ASSERT_THAT(folders_->Remove(job.id), IsOk());
  }
}

// In the thread of a runner, where nobody would catch it.
TEST_F(JobFoldersTest, ThrowsNothingWhereAFolderCannotBeReadToItsEnd) {
  const Job job = Make(JobState::kDone);
  disk_fails = true;
  EXPECT_NO_THROW(folders_->ClearOutput(job.id));
  EXPECT_TRUE(gave_name);
  disk_fails = false;
}

TEST_F(JobFoldersTest, TakesJobsThatCannotBeListedForNoEmptyFolder) {
  Make(JobState::kDone);
  disk_fails = true;
  const auto jobs = folders_->Load();
  disk_fails = false;
  EXPECT_THAT(
      jobs,
      StatusIs(absl::StatusCode::kUnavailable,
               testing::HasSubstr(folder_ + "/data/jobs: cannot list this")));
}

TEST_F(JobFoldersTest, RemovesAJobThatNeverWasAndLeavesOneOfAnotherVersion) {
  const std::string unborn = *store_->MakeJobFolder();
  const std::string other = *store_->MakeJobFolder();
  std::ofstream(folders_->Folder(other) + "/job.json") << "{\"version\":9}";
  EXPECT_THAT(folders_->Load(), IsOkAndHolds(IsEmpty()));
  EXPECT_FALSE(fs::exists(folders_->Folder(unborn)));
  EXPECT_TRUE(fs::exists(folders_->Folder(other) + "/job.json"));
}

}  // namespace
}  // namespace studio
