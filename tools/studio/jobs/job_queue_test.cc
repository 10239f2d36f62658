#include "tools/studio/jobs/job_queue.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/base/child_process.h"
#include "pipelines/base/runfile.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_writer.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/jobs/confined_run.h"
#include "tools/studio/jobs/zip_file.h"
#include "tools/studio/store/store.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class JobQueueTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = FreshTestFolder();
    fs::create_directories(folder_ + "/checkpoints");
    checkpoint_ = folder_ + "/checkpoints/puppets.safetensors";
    fs::copy_file(fs::canonical(pipelines::PretrainedCheckpoint()),
                  checkpoint_);
    StartStore(int64_t{1} << 30);
    StartQueue();
  }

  void TearDown() override {
    queue_.reset();
    store_.reset();
  }

  void StartStore(int64_t quota) {
    StoreOptions options;
    options.folder = folder_ + "/data";
    options.quota = quota;
    options.bundled = {{"puppet", "image", pipelines::ExampleSource()},
                       {"dance", "video", pipelines::ExampleDriving()}};
    auto store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }

  void StartQueue(const std::string& worker = "") {
    JobQueueOptions options;
    options.store = store_.get();
    options.animate = "animate";
    options.worker = worker;
    options.max_queue = 3;
    options.device = "cpu";
    options.grace = absl::Seconds(2);
    options.checkpoint =
        [this](const std::string& id) -> absl::StatusOr<std::string> {
      if (id == "puppets") return checkpoint_;
      if (id == "none") return absl::NotFoundError("there is no checkpoint");
      return folder_ + "/checkpoints/" + id;
    };
    auto queue = JobQueue::Start(options);
    ASSERT_THAT(queue, IsOk());
    queue_ = *std::move(queue);
  }

  // With worker_double.cc.
  void StartDouble() {
    queue_.reset();
    StartQueue(JobProgram("worker_double"));
  }

  Json Request(int max_frames = 0) const {
    return {{"type", "animate"},
            {"source", "bundled:puppet"},
            {"driving", "bundled:dance"},
            {"checkpoint", "puppets"},
            {"max_frames", max_frames}};
  }
  Json Double(const std::string& what) const {
    Json request = Request();
    request["checkpoint"] = what;
    return request;
  }
  Json MotionRequest(int max_frames) const {
    return {{"type", "motion"},
            {"driving", "bundled:dance"},
            {"checkpoint", "puppets"},
            {"max_frames", max_frames}};
  }

  std::string Submit(const Json& request) {
    const auto job = queue_->Submit(request);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? job->id : "";
  }

  // The job once `fits` says so, or it has ended. Adds its stages to `stages`.
  template <typename Fits>
  Job WaitUntil(const std::string& id, const Fits& fits,
                std::vector<std::string>* stages = nullptr) {
    Job job = *queue_->Get(id);
    const absl::Time end = absl::Now() + absl::Minutes(4);
    while (!HasEnded(job.state) && !fits(job) && absl::Now() < end) {
      const auto next = queue_->Wait(id, job.version, absl::Seconds(1));
      EXPECT_THAT(next, IsOk());
      if (next.ok()) job = *next;
      if (stages != nullptr &&
          (stages->empty() || stages->back() != job.progress.stage)) {
        stages->push_back(job.progress.stage);
      }
    }
    return job;
  }
  Job End(const std::string& id) {
    return WaitUntil(id, [](const Job&) { return false; });
  }

  std::string Upload(const std::string& kind, const std::string& bytes) {
    auto upload = store_->BeginUpload(kind, static_cast<int64_t>(bytes.size()));
    EXPECT_THAT(upload, IsOk());
    EXPECT_THAT(upload->Append(bytes), IsOk());
    return upload->Publish("{}")->id;
  }

  std::string OutputFolder(const std::string& id) const {
    return store_->JobFolder(id) + "/output";
  }
  // But for locks of files, which are empty.
  std::set<std::string> Outputs(const std::string& id) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(OutputFolder(id))) {
      if (entry.file_size() > 0) names.insert(entry.path().filename());
    }
    return names;
  }

  std::string folder_, checkpoint_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<JobQueue> queue_;
};

// Runs the command line that a job shows, with another output.
void RunCommand(std::string command, const std::string& before,
                const std::string& after) {
  const std::string animate =
      fs::absolute(pipelines::RunfilePath("pipelines/animate"));
  ASSERT_EQ(command.rfind("animate ", 0), 0U);
  command.replace(0, 7, animate);
  const size_t place = command.rfind(before);
  ASSERT_NE(place, std::string::npos) << command;
  command.replace(place, before.size(), after);
  EXPECT_THAT(pipelines::RunChild({"/bin/sh", "-c", command + " --quiet"}),
              IsOkAndHolds(0))
      << command;
}

// --- What a job makes

TEST_F(JobQueueTest, MakesTheFileOfTheCommandThatItShows) {
  Json request = Request(/*max_frames=*/5);
  request["mode"] = "standard";
  request["start_frame"] = "auto";
  request["motion"] = "affine";
  request["motion_scales"] = {{"2", 0.5}};
  request["crop"] = {{"x", 10}, {"y", 20}, {"side", 200}};
  request["panels"] = {"source",    "driving", "result", "keypoints", "flow",
                       "occlusion", "grid",    "warped", "sets"};
  request["size"] = 64;
  std::vector<std::string> stages;
  const std::string id = Submit(request);
  const Job job = WaitUntil(
      id, [](const Job&) { return false; }, &stages);
  ASSERT_EQ(job.state, JobState::kDone) << JobToJson(job).dump(1);
  EXPECT_FALSE(job.has_alpha);
  EXPECT_EQ(job.frames, 5);
  EXPECT_EQ(job.frame_width, 3 * 64);
  EXPECT_EQ(job.frame_height, 3 * 64);
  EXPECT_THAT(stages, AllOf(Contains("loading"), Contains("animating")));
  EXPECT_EQ(job.request, request);
  EXPECT_THAT(job.results, ElementsAre("mp4", "gif", "webm", "png"));
  const auto result = queue_->Result(id, "mp4");
  ASSERT_THAT(result, IsOk());
  const std::string again = folder_ + "/again.mp4";
  RunCommand(job.command, "animation.mp4", again);
  EXPECT_EQ(ReadText(again), ReadText(*result));
}

TEST_F(JobQueueTest, RecordsMotionThatDrivesOtherJobs) {
  const std::string id = Submit(MotionRequest(/*max_frames=*/6));
  EXPECT_THAT(queue_->Keypoints(id),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("job is")));
  const Job job = End(id);
  ASSERT_EQ(job.state, JobState::kDone) << JobToJson(job).dump(1);
  EXPECT_EQ(job.frames, 6);
  const auto motion = queue_->Result(id, "motion");
  ASSERT_THAT(motion, IsOk());
  const std::string again = folder_ + "/again.safetensors";
  RunCommand(job.command, "motion.safetensors", again);
  EXPECT_EQ(ReadText(again), ReadText(*motion));

  const Json keypoints = Json::parse(ReadText(*queue_->Keypoints(id)));
  EXPECT_EQ(keypoints["frames"].size(), 6U);
  ASSERT_EQ(keypoints["frames"][5].size(), keypoints["sets"].size());
  EXPECT_EQ(keypoints["frames"][5][0].size(), 5U);
  EXPECT_EQ(keypoints["frames"][5][0][4].size(), 2U);
  EXPECT_EQ(keypoints["sets"][0]["number"], 1);

  Json driven = Request();
  driven["driving"] = "job:" + id;
  const Job animation = End(Submit(driven));
  ASSERT_EQ(animation.state, JobState::kDone) << JobToJson(animation).dump(1);
  EXPECT_EQ(animation.frames, 6);
}

// The average rate tells nothing of a frame of a video of uneven rate.
TEST_F(JobQueueTest, TellsWhenEachFrameOfARecordingIsShown) {
  const std::string path = folder_ + "/uneven.mp4";
  pipelines::media::VideoWriterOptions options;
  options.width = options.height = 64;
  options.frame_rate = {30000, 1001};
  options.time_base = {1, 30000};
  auto writer = pipelines::media::VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  const cv::Mat frame(64, 64, CV_8UC3, cv::Scalar(90, 90, 90));
  ASSERT_THAT((*writer)->WriteAt(frame, 0, 2002), IsOk());
  ASSERT_THAT((*writer)->WriteAt(frame, 2002, 1001), IsOk());
  ASSERT_THAT((*writer)->WriteAt(frame, 3003, 1001), IsOk());
  ASSERT_THAT((*writer)->Finish(), IsOk());
  Json request = MotionRequest(/*max_frames=*/0);
  request["driving"] = Upload("video", ReadText(path));
  const std::string id = Submit(request);
  const Job job = End(id);
  ASSERT_EQ(job.state, JobState::kDone) << JobToJson(job).dump(1);
  const Json keypoints = Json::parse(ReadText(*queue_->Keypoints(id)));
  EXPECT_EQ(keypoints["times"], Json({0.0, 0.066733, 0.1001}));
  // With all its digits.
  EXPECT_EQ(keypoints["fps"].get<double>(), 30000.0 / 1001);
}

TEST_F(JobQueueTest, ConvertsItsResultWhenItIsAskedFor) {
  const std::string id = Submit(Request(/*max_frames=*/4));
  ASSERT_EQ(End(id).state, JobState::kDone);
  EXPECT_THAT(Outputs(id), ElementsAre("result.mp4"));
  std::string twice[2];
  std::thread other([&] { twice[0] = *queue_->Result(id, "gif"); });
  twice[1] = *queue_->Result(id, "gif");
  other.join();
  EXPECT_EQ(twice[0], twice[1]);
  EXPECT_THAT(pipelines::media::CountFrames(twice[0]), IsOkAndHolds(4));
  const auto webm = queue_->Result(id, "webm");
  ASSERT_THAT(webm, IsOk());
  EXPECT_THAT(pipelines::media::CountFrames(*webm), IsOkAndHolds(4));
  const auto zip = queue_->Result(id, "png");
  ASSERT_THAT(zip, IsOk());
  EXPECT_THAT(ReadText(*zip),
              AllOf(HasSubstr("PK"), HasSubstr("000000.png"),
                    HasSubstr("000003.png"), Not(HasSubstr("000004.png"))));
  EXPECT_THAT(queue_->Result(id, "avi"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("mp4, gif")));
  EXPECT_THAT(queue_->Result(id, "motion"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("mp4, gif")));
}

// A square in the middle, and nothing about it. R, G, B, A.
cv::Mat TransparentPicture() {
  cv::Mat picture(64, 64, CV_8UC4, cv::Scalar(0, 0, 0, 0));
  picture(cv::Rect(16, 16, 32, 32)).setTo(cv::Scalar(200, 80, 40, 255));
  return picture;
}

TEST_F(JobQueueTest, KeepsTheTransparencyThatTheVideoCannotHold) {
  const std::string source = folder_ + "/source.png";
  ASSERT_THAT(pipelines::media::WriteImage(source, TransparentPicture()),
              IsOk());
  Json request = Request(/*max_frames=*/3);
  request["source"] = Upload("image", ReadText(source));
  const Job job = End(Submit(request));
  ASSERT_EQ(job.state, JobState::kDone) << JobToJson(job).dump(1);
  EXPECT_TRUE(job.has_alpha);
  // The video is that of `animate`, but for what comes from outside of the
  // source: white here, black there.
  const std::string again = folder_ + "/again.mp4";
  std::string command = job.command;
  command.replace(command.find(request["source"]), 22, source);
  RunCommand(command, "animation.mp4", again);
  const auto first = [](const std::string& path) {
    const auto frames = pipelines::media::OpenFrameSource(path);
    EXPECT_THAT(frames, IsOk());
    return **(*frames)->Next();
  };
  const cv::Mat of_job = first(*queue_->Result(job.id, "mp4")).rgb;
  const cv::Mat of_command = first(again).rgb;
  ASSERT_EQ(of_job.size(), of_command.size());
  const cv::Rect figure(of_job.cols / 2 - 8, of_job.rows / 2 - 8, 16, 16);
  // H.264 rounds a block by what else is in it.
  EXPECT_LE(cv::norm(of_job(figure), of_command(figure), cv::NORM_INF), 8);
  const auto corner = [&first](const std::string& path) {
    const auto frame = first(path);
    return frame.alpha.empty() ? 255 : frame.alpha.at<uint8_t>(1, 1);
  };
  EXPECT_LT(corner(*queue_->Result(job.id, "webm")), 8);
  EXPECT_EQ(corner(*queue_->Result(job.id, "gif")), 255);
  const auto zip = ZipReader::Open(*queue_->Result(job.id, "png"));
  ASSERT_THAT(zip, IsOk());
  for (int i = 0; i < 3; ++i) {
    const auto png = (*zip)->Next(1 << 20);
    ASSERT_THAT(png, IsOk());
    const auto picture =
        pipelines::media::DecodeImageWithAlpha(png->value(), "a frame");
    ASSERT_THAT(picture, IsOk());
    ASSERT_FALSE(picture->alpha.empty());
    EXPECT_LT(picture->alpha.at<uint8_t>(1, 1), 8);
    EXPECT_GT(picture->alpha.at<uint8_t>(picture->alpha.rows / 2,
                                         picture->alpha.cols / 2),
              200);
  }
}

TEST_F(JobQueueTest, ShowsFramesInTheMaking) {
  const std::string id = Submit(Request());
  const Job job =
      WaitUntil(id, [](const Job& now) { return now.latest_frame >= 0; });
  ASSERT_EQ(job.state, JobState::kRunning);
  EXPECT_EQ(job.progress.total, 98);
  const auto png = queue_->LatestFrame(id);
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(png->substr(1, 3), "PNG");
  ASSERT_THAT(queue_->Cancel(id), IsOk());
  End(id);
  EXPECT_THAT(queue_->LatestFrame(id), IsOkAndHolds(""));
}

// --- Cancelling

TEST_F(JobQueueTest, CancelsAtEachStage) {
  for (const std::string stage : {"loading", "animating"}) {
    const std::string id = Submit(Request());
    WaitUntil(id, [&](const Job& job) { return job.progress.stage == stage; });
    ASSERT_THAT(queue_->Cancel(id), IsOk());
    const Job job = End(id);
    EXPECT_EQ(job.state, JobState::kCancelled) << JobToJson(job).dump(1);
    EXPECT_THAT(Outputs(id), IsEmpty());
    EXPECT_THAT(queue_->Result(id, "mp4"),
                StatusIs(StatusCode::kFailedPrecondition,
                         HasSubstr("the job is cancelled")));
  }
  StartDouble();
  for (const std::string stage : {"encoding", "deaf"}) {
    const std::string id = Submit(Double(stage));
    WaitUntil(id, [&](const Job& job) {
      return job.progress.stage == (stage == "deaf" ? "loading" : "encoding");
    });
    ASSERT_THAT(queue_->Cancel(id), IsOk());
    EXPECT_EQ(End(id).state, JobState::kCancelled);
    EXPECT_THAT(Outputs(id), IsEmpty());
  }
}

TEST_F(JobQueueTest, CancelsWhatIsQueuedAndMovesTheOthersUp) {
  StartDouble();
  const std::string running = Submit(Double("loading"));
  WaitUntil(running,
            [](const Job& job) { return job.state == JobState::kRunning; });
  std::vector<std::string> queued;
  for (int i = 0; i < 3; ++i) queued.push_back(Submit(Double("good")));
  EXPECT_EQ(queue_->Get(queued[2])->position, 3);
  EXPECT_THAT(queue_->Submit(Double("good")),
              StatusIs(StatusCode::kUnavailable,
                       HasSubstr("the queue is full (3 jobs)")));
  EXPECT_THAT(queue_->Remove(queued[0]),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("queued")));
  EXPECT_THAT(queue_->Remove(running),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("running")));
  ASSERT_THAT(queue_->Cancel(queued[0]), IsOk());
  EXPECT_EQ(queue_->Get(queued[0])->state, JobState::kCancelled);
  EXPECT_EQ(queue_->Get(queued[2])->position, 2);
  ASSERT_THAT(queue_->Cancel(running), IsOk());
  EXPECT_EQ(End(queued[1]).state, JobState::kDone);
  EXPECT_EQ(End(queued[2]).state, JobState::kDone);
  EXPECT_EQ(queue_->List().front().id, queued[2]);
  // What has ended stays as it is.
  ASSERT_THAT(queue_->Cancel(queued[2]), IsOk());
  EXPECT_EQ(queue_->Get(queued[2])->state, JobState::kDone);
}

// --- Errors

TEST_F(JobQueueTest, NamesTheFieldOfWhatIsNotThere) {
  const struct {
    const char* field;
    const char* value;
    StatusCode code;
  } bad_cases[] = {
      {"source", "bundled:nobody", StatusCode::kNotFound},
      {"source", "../../etc/passwd", StatusCode::kNotFound},
      {"source", "bundled:dance", StatusCode::kInvalidArgument},
      {"driving", "bundled:puppet", StatusCode::kInvalidArgument},
      {"driving", "job:../../../etc", StatusCode::kNotFound},
      {"checkpoint", "none", StatusCode::kNotFound},
      {"mode", "absolute", StatusCode::kInvalidArgument},
  };
  for (const auto& bad : bad_cases) {
    Json request = Request();
    request[bad.field] = bad.value;
    const absl::Status status = queue_->Submit(request).status();
    EXPECT_EQ(status.code(), bad.code) << status;
    EXPECT_EQ(FieldOf(status), bad.field);
  }
  EXPECT_THAT(queue_->List(), IsEmpty());
  EXPECT_THAT(store_->JobIds(), IsOkAndHolds(IsEmpty()));
}

TEST_F(JobQueueTest, FailsWithTheFieldOfWhatTheWorkerRefuses) {
  const auto error_of = [this](const Json& request) {
    const Job job = End(Submit(request));
    EXPECT_EQ(job.state, JobState::kFailed);
    EXPECT_THAT(Outputs(job.id), IsEmpty());
    return job.error.value_or(JobError{});
  };
  Json request = Request();
  request["crop"] = {{"x", 200}, {"y", 0}, {"side", 100}};
  EXPECT_EQ(error_of(request).field, "crop");
  request = Request();
  request["motion_scales"] = {{"99", 1}};
  EXPECT_EQ(error_of(request).field, "motion_scales");
  request = Request();
  request["mode"] = "avd";
  EXPECT_EQ(error_of(request).field, "mode");
  request = Request();
  request["mode"] = "relative";  // the others do not look at it
  request["start_frame"] = 1000;
  EXPECT_EQ(error_of(request).field, "start_frame");
  request = Request();
  const std::string dance = ReadText(pipelines::ExampleDriving());
  request["driving"] = Upload("video", dance.substr(0, dance.size() / 2));
  const JobError cut = error_of(request);
  EXPECT_EQ(cut.field, "driving");
  EXPECT_THAT(cut.message,
              AllOf(HasSubstr("the driving video"), Not(HasSubstr(folder_))));
}

TEST_F(JobQueueTest, FailsWhereTheCheckpointIsGone) {
  StartDouble();
  const std::string first = Submit(Double("loading"));
  const std::string second = Submit(Request());
  fs::remove(checkpoint_);
  queue_.reset();
  StartQueue();
  EXPECT_EQ(queue_->Get(first)->state, JobState::kInterrupted);
  EXPECT_EQ(queue_->Get(second)->state, JobState::kInterrupted);
  const Job job = End(Submit(Request()));
  ASSERT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.error->field, "checkpoint");
  EXPECT_EQ(job.error->code, "not_found");
  EXPECT_THAT(job.error->message,
              AllOf(HasSubstr("puppets.safetensors"), Not(HasSubstr(folder_))));
}

TEST_F(JobQueueTest, FailsOnAFullDiskAndLeavesNothing) {
  // Enough for the inputs and a megabyte. The panels of noise take two.
  queue_.reset();
  store_.reset();
  StartStore(int64_t{3} << 19);
  StartQueue();
  cv::Mat noise(256, 256, CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
  const std::string source = folder_ + "/noise.png";
  ASSERT_THAT(pipelines::media::WriteImage(source, noise), IsOk());
  Json request = Request(/*max_frames=*/4);
  request["source"] = Upload("image", ReadText(source));
  request["panels"] = {"source", "warped", "result"};
  request["size"] = 2048;
  const Job job = End(Submit(request));
  ASSERT_EQ(job.state, JobState::kFailed) << JobToJson(job).dump(1);
  EXPECT_EQ(job.error->code, "resource_exhausted");
  EXPECT_THAT(Outputs(job.id), IsEmpty());
}

TEST_F(JobQueueTest, RefusesAJobForWhichTheQuotaHasNoRoom) {
  queue_.reset();
  store_.reset();
  StartStore(1000);
  StartQueue();
  EXPECT_THAT(queue_->Submit(Request()),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("")));
  EXPECT_THAT(store_->JobIds(), IsOkAndHolds(IsEmpty()));
}

// --- A worker that does not work as it should: worker_double.cc

TEST_F(JobQueueTest, SurvivesAWorkerThatBreaks) {
  StartDouble();
  const struct {
    const char* what;
    const char* code;
    const char* message;
  } bad_cases[] = {
      {"crash", "internal", "exit code 134"},
      {"garbage", "internal", "wrote what no worker writes"},
      {"silent", "internal", "ended before it was done"},
      {"no_result", "internal", "left no result"},
      {"half", "data_loss", "the driving video: is damaged"},
  };
  for (const auto& bad : bad_cases) {
    const Job job = End(Submit(Double(bad.what)));
    ASSERT_EQ(job.state, JobState::kFailed) << bad.what;
    EXPECT_EQ(job.error->code, bad.code);
    EXPECT_THAT(job.error->message, HasSubstr(bad.message));
    EXPECT_THAT(Outputs(job.id), IsEmpty());
  }
  const Job job = End(Submit(Double("good")));
  ASSERT_EQ(job.state, JobState::kDone);
  EXPECT_THAT(job.warnings, ElementsAre("the picture: is dark"));
}

TEST_F(JobQueueTest, StopsAWorkerThatWasTakenOver) {
  StartDouble();
  for (const char* what :
       {"open", "write_input", "write_job", "other_job", "exec", "fork",
        "connect", "kill", "memory", "large_file"}) {
    const Job job = End(Submit(Double(what)));
    ASSERT_EQ(job.state, JobState::kFailed) << what;
    EXPECT_THAT(job.error->message, HasSubstr("was stopped"));
  }
}

TEST_F(JobQueueTest, NamesAWorkerThatIsNotThere) {
  queue_.reset();
  StartQueue("/no/such/worker");
  const Job job = End(Submit(Request()));
  ASSERT_EQ(job.state, JobState::kFailed);
  EXPECT_THAT(job.error->message, HasSubstr("/no/such/worker"));
}

// --- Restart and removal

TEST_F(JobQueueTest, ListsItsJobsAfterARestart) {
  StartDouble();
  const std::string done = Submit(Double("good"));
  const Job before = End(done);
  const std::string running = Submit(Double("encoding"));
  WaitUntil(running,
            [](const Job& job) { return job.progress.stage == "encoding"; });
  const std::string queued = Submit(Double("good"));
  queue_.reset();
  store_.reset();
  StartStore(int64_t{1} << 30);
  StartQueue();
  ASSERT_EQ(queue_->List().size(), 3U);
  Json expected = JobToJson(before);
  expected["position"] = 0;
  EXPECT_EQ(JobToJson(*queue_->Get(done)), expected);
  EXPECT_THAT(queue_->Result(done, "mp4"), IsOk());
  for (const std::string& id : {running, queued}) {
    const auto job = queue_->Get(id);
    EXPECT_EQ(job->state, JobState::kInterrupted);
    EXPECT_TRUE(job->ended.has_value());
    EXPECT_THAT(Outputs(id), IsEmpty());
    EXPECT_THAT(
        queue_->Result(id, "mp4"),
        StatusIs(StatusCode::kFailedPrecondition, HasSubstr("interrupted")));
  }
}

// As kill -9 leaves it: the worker had finished, and the server not yet.
TEST_F(JobQueueTest, TakesNoResultOfAJobThatWasNotDone) {
  StartDouble();
  const std::string id = Submit(Double("good"));
  Job job = End(id);
  queue_.reset();
  Json json = JobToJson(job);
  json["state"] = "running";
  std::ofstream(store_->JobFolder(id) + "/job.json") << json.dump();
  const std::string unborn = *store_->MakeJobFolder();
  StartQueue();
  EXPECT_EQ(queue_->Get(id)->state, JobState::kInterrupted);
  EXPECT_THAT(Outputs(id), IsEmpty());
  EXPECT_THAT(store_->JobIds(), IsOkAndHolds(Not(Contains(unborn))));
}

TEST_F(JobQueueTest, RemovesAJobWithItsFolder) {
  StartDouble();
  const std::string first = Submit(Double("good"));
  const std::string second = Submit(Double("good"));
  End(second);
  ASSERT_THAT(queue_->Remove(first), IsOk());
  EXPECT_THAT(queue_->Get(first),
              StatusIs(StatusCode::kNotFound, HasSubstr("no job")));
  EXPECT_FALSE(fs::exists(store_->JobFolder(first)));
  EXPECT_EQ(queue_->RemoveOlderThan(absl::Now() - absl::Hours(1)), 0);
  EXPECT_EQ(queue_->RemoveOlderThan(absl::Now() + absl::Hours(1)), 1);
  EXPECT_THAT(queue_->List(), IsEmpty());
}

TEST_F(JobQueueTest, WaitEndsWithTheJobWhatIsWaitedFor) {
  StartDouble();
  const std::string id = Submit(Double("loading"));
  const Job job = WaitUntil(
      id, [](const Job& now) { return now.progress.stage == "loading"; });
  const absl::Time begin = absl::Now();
  const auto same =
      queue_->Wait(id, queue_->Get(id)->version + 100, absl::Milliseconds(100));
  ASSERT_THAT(same, IsOk());
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(100));
  ASSERT_THAT(queue_->Cancel(id), IsOk());
  const auto ended = queue_->Wait(id, int64_t{1} << 40, absl::Seconds(60));
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->state, JobState::kCancelled);
  EXPECT_THAT(queue_->Wait("none", 0, absl::ZeroDuration()),
              StatusIs(StatusCode::kNotFound, HasSubstr("no job")));
}

TEST(JobChoicesTest, AreWhatTheProgramsTake) {
  const Json choices = JobChoices();
  EXPECT_THAT(choices["motions"].get<std::vector<std::string>>(),
              Contains("cpab"));
  EXPECT_EQ(choices["panels"].size(), 9U);
  EXPECT_EQ(choices["formats"], (Json{"mp4", "gif", "webm", "png"}));
}

}  // namespace
}  // namespace studio
