#include "tools/studio/jobs/job_inputs.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class JobInputsTest : public networks::files::FolderTest {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.folder = folder_ + "/data";
    for (const char* kind : {"image", "video", "motion"}) {
      std::ofstream(folder_ + "/" + kind) << kind;
      options.bundled.push_back({kind, kind, folder_ + "/" + kind});
    }
    auto store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    sources_ = {store_.get(),
                [](const std::string& id) -> absl::StatusOr<std::string> {
                  if (id == "recorded") return "/jobs/recorded/motion";
                  return absl::FailedPreconditionError("the job is running");
                },
                [](const std::string& id) -> absl::StatusOr<std::string> {
                  if (id == "shipped") return "/shipped.safetensors";
                  return absl::NotFoundError("there is no checkpoint");
                }};
  }

  JobRequest Request(const std::string& source, const std::string& driving) {
    JobRequest request;
    request.is_motion = source.empty();
    request.source = source;
    request.driving = driving;
    request.checkpoint = "shipped";
    return request;
  }
  absl::Status Error(const JobRequest& request) {
    return FindInputs(request, sources_).status();
  }

  std::unique_ptr<Store> store_;
  InputSources sources_;
};

TEST_F(JobInputsTest, FindsTheFileOfEachId) {
  const auto inputs =
      FindInputs(Request("bundled:image", "bundled:video"), sources_);
  ASSERT_THAT(inputs, IsOk());
  EXPECT_EQ(inputs->files.source, store_->Find("bundled:image")->path);
  EXPECT_EQ(inputs->files.driving, store_->Find("bundled:video")->path);
  EXPECT_EQ(inputs->files.checkpoint, "/shipped.safetensors");
  EXPECT_THAT(inputs->holds, SizeIs(2));
}

TEST_F(JobInputsTest, AMotionFileDrivesAnAnimation) {
  EXPECT_THAT(Error(Request("bundled:image", "bundled:motion")), IsOk());
  const auto inputs =
      FindInputs(Request("bundled:image", "job:recorded"), sources_);
  ASSERT_THAT(inputs, IsOk());
  EXPECT_EQ(inputs->files.driving, "/jobs/recorded/motion");
  EXPECT_EQ(inputs->shown.driving, "studio-recorded.motion.safetensors");
}

TEST_F(JobInputsTest, SaysThatAnAnimationIsNoMotion) {
  sources_.motion = [](const std::string&) -> absl::StatusOr<std::string> {
    return absl::InvalidArgumentError("format is 'motion'");
  };
  EXPECT_THAT(Error(Request("bundled:image", "job:animated")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("job animated made no motion file")));
}

// The store's folder means nothing to who types the command.
TEST_F(JobInputsTest, ShowsUploadsByTheirIdsAndOtherFilesByTheirPaths) {
  auto upload = store_->BeginUpload("image", 1);
  ASSERT_THAT(upload, IsOk());
  ASSERT_THAT(upload->Append("x"), IsOk());
  const std::string id = upload->Publish("{}")->id;
  std::filesystem::create_symlink(folder_ + "/video", folder_ + "/link");
  sources_.checkpoint = [this](const std::string&) {
    return absl::StatusOr<std::string>(folder_ + "/link");
  };
  const auto inputs = FindInputs(Request(id, "bundled:video"), sources_);
  ASSERT_THAT(inputs, IsOk());
  EXPECT_THAT(inputs->files.source, HasSubstr("/data/uploads/"));
  EXPECT_EQ(inputs->shown.source, id);
  const std::string video =
      std::filesystem::canonical(folder_ + "/video").string();
  EXPECT_EQ(inputs->shown.driving, video);
  EXPECT_EQ(inputs->shown.checkpoint, video);
}

TEST_F(JobInputsTest, RecordsMotionOfAVideoAlone) {
  const auto inputs = FindInputs(Request("", "bundled:video"), sources_);
  ASSERT_THAT(inputs, IsOk());
  EXPECT_EQ(inputs->files.source, "");
  for (const char* driving : {"bundled:motion", "job:recorded"}) {
    const absl::Status motion = Error(Request("", driving));
    EXPECT_THAT(motion, StatusIs(StatusCode::kInvalidArgument,
                                 HasSubstr("is of kind motion")));
    EXPECT_EQ(FieldOf(motion), "driving");
  }
}

TEST_F(JobInputsTest, AnErrorNamesItsField) {
  JobRequest no_checkpoint = Request("bundled:image", "bundled:video");
  no_checkpoint.checkpoint = "none";
  const struct {
    JobRequest request;
    StatusCode code;
    const char* field;
  } bad_cases[] = {
      {Request("none", "bundled:video"), StatusCode::kNotFound, "source"},
      {Request("bundled:video", "bundled:video"), StatusCode::kInvalidArgument,
       "source"},
      {Request("bundled:image", "none"), StatusCode::kNotFound, "driving"},
      {Request("bundled:image", "bundled:image"), StatusCode::kInvalidArgument,
       "driving"},
      {Request("bundled:image", "job:unfinished"),
       StatusCode::kFailedPrecondition, "driving"},
      {no_checkpoint, StatusCode::kNotFound, "checkpoint"},
  };
  for (const auto& bad : bad_cases) {
    const absl::Status error = Error(bad.request);
    EXPECT_EQ(error.code(), bad.code) << error;
    EXPECT_EQ(FieldOf(error), bad.field) << error;
  }
}

}  // namespace
}  // namespace studio
