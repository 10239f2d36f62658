#include "tools/studio/store/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/files/testing_full_disk.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/store/random_id.h"

namespace studio {
namespace {

namespace fs = std::filesystem;

using ::testing::_;
using ::testing::HasSubstr;

class StoreTest : public networks::files::FolderTest {
 protected:
  void Open(int64_t quota = 1000000) {
    StoreOptions options;
    options.folder = Path("data");
    options.quota = quota;
    options.max_uploads = 5;
    options.bundled = {{"puppet", "image", Path("puppet.png")}};
    options.warn = [this](const std::string& text) { warnings_ += text; };
    absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }

  std::string Upload(const std::string& bytes) {
    absl::StatusOr<NewUpload> upload =
        store_->BeginUpload("image", static_cast<int64_t>(bytes.size()));
    if (!upload.ok() || !upload->Append(bytes).ok()) return "";
    const absl::StatusOr<Input> input = upload->Publish(R"({"width":3})");
    return input.ok() ? input->id : "";
  }

  int CountFiles() const {
    int files = 0;
    for (const auto& entry :
         fs::recursive_directory_iterator(Path("data/uploads"))) {
      files += entry.is_regular_file();
    }
    return files;
  }

  std::unique_ptr<Store> store_;
  std::string warnings_;
};

TEST_F(StoreTest, KeepsUploadsOverARestart) {
  Open();
  const std::string id = Upload("abc");
  ASSERT_TRUE(IsId(id));
  store_.reset();
  Open();
  const absl::StatusOr<Input> input = store_->Find(id);
  ASSERT_THAT(input, IsOk());
  EXPECT_EQ(input->kind, "image");
  EXPECT_EQ(input->facts, R"({"width":3})");
  EXPECT_EQ(input->bytes, 3);
  EXPECT_EQ(networks::files::ReadText(input->path), "abc");
  EXPECT_EQ(store_->used(), 3);
}

TEST_F(StoreTest, IsForThisUserAlone) {
  Open();
  struct stat status;
  ASSERT_EQ(stat(Path("data").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(StoreTest, AnUploadThatIsNotPublishedLeavesNothing) {
  Open();
  {
    absl::StatusOr<NewUpload> upload = store_->BeginUpload("video", 100);
    ASSERT_THAT(upload, IsOk());
    EXPECT_THAT(upload->Append("cut off"), IsOk());
    EXPECT_EQ(store_->used(), 100);
  }
  EXPECT_EQ(CountFiles(), 0);
  EXPECT_EQ(store_->used(), 0);
  EXPECT_TRUE(store_->Uploads().empty());
}

TEST_F(StoreTest, RefusesMoreBytesThanWereSaid) {
  Open();
  absl::StatusOr<NewUpload> upload = store_->BeginUpload("video", 4);
  ASSERT_THAT(upload, IsOk());
  EXPECT_THAT(upload->Append("four"), IsOk());
  EXPECT_THAT(upload->Append("!"),
              StatusIs(absl::StatusCode::kResourceExhausted, _));
}

TEST_F(StoreTest, RefusesWhatTheQuotaHasNoRoomFor) {
  Open(/*quota=*/10);
  EXPECT_NE(Upload("12345678"), "");
  const absl::StatusOr<NewUpload> upload = store_->BeginUpload("image", 3);
  EXPECT_THAT(upload, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("larger quota")));
  EXPECT_THAT(store_->Reserve(int64_t{1} << 62),
              StatusIs(absl::StatusCode::kResourceExhausted, _));
  EXPECT_THAT(store_->Reserve(2), IsOk());
}

TEST_F(StoreTest, ReservedBytesCountUntilTheyAreGivenBack) {
  Open(/*quota=*/10);
  absl::StatusOr<Reservation> first = store_->Reserve(8);
  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(store_->Reserve(3).ok());
  EXPECT_EQ(store_->used(), 8);
  EXPECT_EQ(store_->stored(), 0);
  *first = Reservation();
  EXPECT_EQ(store_->used(), 0);
}

TEST_F(StoreTest, RefusesMoreUploadsThanItMayKeep) {
  Open();
  for (int i = 0; i < 5; ++i) EXPECT_NE(Upload("x"), "");
  EXPECT_THAT(store_->BeginUpload("image", 1),
              StatusIs(absl::StatusCode::kResourceExhausted, _));
}

TEST_F(StoreTest, SaysThatTheDiskIsFull) {
  Open();
  absl::StatusOr<NewUpload> upload = store_->BeginUpload("video", 10000);
  ASSERT_THAT(upload, IsOk());
  const networks::files::FullDisk full(100);
  EXPECT_THAT(upload->Append(std::string(10000, 'x')),
              StatusIs(absl::StatusCode::kResourceExhausted, _));
}

TEST_F(StoreTest, ADiskWithoutRoomIsFoundBeforeTheUploadIsStored) {
  Open(/*quota=*/int64_t{1} << 60);
  EXPECT_THAT(
      store_->BeginUpload("video", int64_t{1} << 59),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("the disk of")));
  EXPECT_EQ(store_->used(), 0);
}

TEST_F(StoreTest, KeepsWhatAJobHolds) {
  Open();
  const std::string id = Upload("abc");
  {
    const absl::StatusOr<InputHold> hold = store_->Hold(id);
    ASSERT_THAT(hold, IsOk());
    EXPECT_THAT(store_->RemoveUpload(id),
                StatusIs(absl::StatusCode::kFailedPrecondition, _));
    EXPECT_EQ(store_->RemoveUploadsOlderThan(absl::InfiniteFuture()), 0);
  }
  EXPECT_THAT(store_->RemoveUpload(id), IsOk());
  EXPECT_THAT(store_->RemoveUpload(id),
              StatusIs(absl::StatusCode::kNotFound, _));
  EXPECT_EQ(CountFiles(), 0);
}

TEST_F(StoreTest, AUseMakesAnUploadYounger) {
  Open();
  const std::string used = Upload("abc");
  const std::string unused = Upload("abc");
  const absl::Time between = absl::Now();
  absl::SleepFor(absl::Milliseconds(20));
  { const absl::StatusOr<InputHold> hold = store_->Hold(used); }
  EXPECT_EQ(store_->RemoveUploadsOlderThan(between), 1);
  EXPECT_THAT(store_->Find(used), IsOk());
  EXPECT_FALSE(store_->Find(unused).ok());
}

TEST_F(StoreTest, FindsBundledInputsAndNoOtherNames) {
  Open();
  EXPECT_THAT(store_->Find("bundled:puppet"), IsOk());
  for (const char* id :
       {"", "bundled:", "bundled:../puppet", "puppet", "../../etc/passwd",
        "/etc/passwd", "abcdefghijklmnopqrstuv"}) {
    EXPECT_THAT(store_->Find(id), StatusIs(absl::StatusCode::kNotFound, _))
        << id;
    EXPECT_THAT(store_->RemoveUpload(id),
                StatusIs(absl::StatusCode::kNotFound, _));
    EXPECT_THAT(store_->RemoveJobFolder(id),
                StatusIs(absl::StatusCode::kNotFound, _));
  }
  EXPECT_THAT(store_->RemoveUpload("bundled:puppet"),
              StatusIs(absl::StatusCode::kNotFound, _));
}

TEST_F(StoreTest, ARestartRemovesWhatAKilledServerLeft) {
  Open();
  const std::string id = Upload("abc");
  const std::string damaged = Upload("abc");
  store_.reset();
  fs::create_directories(Path("data/uploads/.removed-x"));
  Write("data/uploads/.removed-x/data", "half removed");
  fs::create_directories(Path("data/jobs/.removed-y"));
  Write("data/uploads/" + damaged + "/upload.json", "{");
  Open();
  EXPECT_THAT(store_->Find(id), IsOk());
  EXPECT_EQ(CountFiles(), 2);
  EXPECT_FALSE(fs::exists(Path("data/jobs/.removed-y")));
}

// A link to itself, which root cannot open either.
TEST_F(StoreTest, KeepsAnUploadThatCannotBeRead) {
  Open();
  const std::string id = Upload("abc");
  const std::string file = Path("data/uploads/" + id + "/upload.json");
  store_.reset();
  fs::rename(file, Path("aside"));
  fs::create_symlink("upload.json", file);
  Open();
  EXPECT_THAT(warnings_, HasSubstr(id + "/upload.json: cannot open"));
  EXPECT_FALSE(store_->Find(id).ok());
  EXPECT_EQ(store_->used(), 3);
  store_.reset();
  fs::rename(Path("aside"), file);
  Open();
  EXPECT_THAT(store_->Find(id), IsOk());
}

TEST_F(StoreTest, CountsJobs) {
  Open();
  const absl::StatusOr<std::string> id = store_->MakeJobFolder();
  ASSERT_THAT(id, IsOk());
  Write("data/jobs/" + *id + "/result.mp4", "12345");
  store_->CountJob(*id);
  EXPECT_EQ(store_->used(), 5);
  store_.reset();
  Open();
  EXPECT_EQ(store_->used(), 5);
  EXPECT_THAT(store_->JobIds(), IsOkAndHolds(testing::ElementsAre(*id)));
  EXPECT_THAT(store_->RemoveJobFolder(*id), IsOk());
  EXPECT_EQ(store_->used(), 0);
}

// Jobs link the uploads that they take.
TEST_F(StoreTest, CountsAFileWithSeveralNamesOnce) {
  Open();
  const std::string upload = Upload("abc");
  const std::string data = store_->Find(upload)->path;
  std::vector<std::string> jobs;
  for (int i = 0; i < 2; ++i) {
    jobs.push_back(*store_->MakeJobFolder());
    fs::create_hard_link(data, store_->JobFolder(jobs[i]) + "/driving");
    Write("data/jobs/" + jobs[i] + "/result.mp4", "12345");
    store_->CountJob(jobs[i]);
  }
  EXPECT_EQ(store_->used(), 13);
  store_.reset();
  Open();
  EXPECT_EQ(store_->used(), 13);
  EXPECT_THAT(store_->RemoveUpload(upload), IsOk());
  EXPECT_EQ(store_->used(), 13);
  EXPECT_THAT(store_->RemoveJobFolder(jobs[0]), IsOk());
  EXPECT_EQ(store_->used(), 8);
  EXPECT_THAT(store_->RemoveJobFolder(jobs[1]), IsOk());
  EXPECT_EQ(store_->used(), 0);
}

TEST_F(StoreTest, OneServerAFolder) {
  Open();
  StoreOptions options;
  options.folder = Path("data");
  EXPECT_THAT(Store::Open(options),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("for Studio; give --data another")));
}

TEST_F(StoreTest, RefusesAFolderOfOthers) {
  StoreOptions options;
  options.folder = Path("data");
  fs::create_directories(Path("data"));
  Write("data/thesis.tex", "x");
  EXPECT_THAT(
      Store::Open(options),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("thesis.tex")));
  fs::remove(Path("data/thesis.tex"));
  ASSERT_EQ(chmod(Path("data").c_str(), 0777), 0);
  EXPECT_THAT(
      Store::Open(options),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("chmod 700")));
  fs::create_symlink("data", Path("link"));
  options.folder = Path("link");
  EXPECT_THAT(
      Store::Open(options),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("chmod 700")));
}

TEST_F(StoreTest, FollowsALinkToItsFolderOnce) {
  fs::create_directory(Path("elsewhere"));
  fs::create_symlink("elsewhere", Path("data"));
  StoreOptions options;
  options.folder = Path("data/");
  EXPECT_THAT(Store::Open(options), IsOk());
  Open();
  fs::remove(Path("data"));
  const std::string id = Upload("abc");
  EXPECT_TRUE(fs::exists(Path("elsewhere/uploads/" + id + "/data")));
}

TEST_F(StoreTest, RefusesALinkInItsFolder) {
  fs::create_directories(Path("elsewhere"));
  fs::create_directory(Path("data"));
  fs::create_symlink("../elsewhere", Path("data/uploads"));
  StoreOptions options;
  options.folder = Path("data");
  EXPECT_THAT(Store::Open(options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("put a folder in its place")));
}

}  // namespace
}  // namespace studio
