#include "pipelines/animation/animate_batch.h"

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_plain_user.h"
#include "nlohmann/json.hpp"
#include "pipelines/animation/animate_test_util.h"
#include "pipelines/base/exception_status.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/media/video_reader.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

class BatchTest : public AnimateTest {
 protected:
  void SetUp() override {
    AnimateTest::SetUp();
    for (const char* name : {"stills", "videos", "out"}) {
      fs::create_directory(Path(name));
    }
    fs::rename(WriteStill(), Path("stills/a.png"));
    fs::copy_file(Path("stills/a.png"), Path("stills/b.png"));
    fs::rename(WriteDriving(2), Path("videos/v.mp4"));
    std::ofstream(Path("videos/w.mp4")) << "this is no video";
  }

  std::vector<BatchItem> Items() {
    return PairAll(*ListInputs(Path("stills")), *ListInputs(Path("videos")),
                   Path("out"), ".mp4");
  }
};

TEST_F(BatchTest, AnimatesAllPairsAndGoesOnAfterFailures) {
  const auto results = AnimateBatch(*animator_, Items(), {});
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0].state, BatchResult::State::kDone);
  EXPECT_EQ(results[1].state, BatchResult::State::kFailed);
  EXPECT_EQ(results[2].state, BatchResult::State::kDone);
  EXPECT_TRUE(fs::exists(Path("out/b--v.mp4")));
  EXPECT_THAT(BatchStatus(results, 4),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("2 of 4 failed"), HasSubstr("w.mp4"))));
  EXPECT_THAT(BatchTable(results),
              AllOf(HasSubstr("a--v.mp4"), HasSubstr("w.mp4 is")));
  const auto json =
      nlohmann::json::parse(BatchJson(results, "c", animator_->precision()));
  EXPECT_EQ(json["precision"], "float32");
  EXPECT_EQ(json["items"][0]["frames"], 2);
  EXPECT_EQ(json["items"][1]["state"], "failed");
  EXPECT_EQ(json["items"][1]["code"], "invalid_argument");
  EXPECT_THAT(json["items"][1]["error"].get<std::string>(), HasSubstr("w.mp4"));
  EXPECT_FALSE(json["items"][0].contains("code"));
}

TEST_F(BatchTest, TellsOfEachItemAtItsEnd) {
  std::vector<BatchResult::State> states;
  BatchOptions options;
  options.end = [&](const BatchResult& result) {
    EXPECT_EQ(result.status.ok(), result.state != BatchResult::State::kFailed);
    states.push_back(result.state);
  };
  std::ofstream(Path("out/a--v.mp4")) << "of an earlier run";
  AnimateBatch(*animator_, Items(), options);
  using State = BatchResult::State;
  EXPECT_THAT(states, testing::ElementsAre(State::kSkipped, State::kFailed,
                                           State::kDone, State::kFailed));
}

TEST(BatchTable, HasColumnsByCharacters) {
  std::vector<BatchResult> results(2);
  results[0].item.output = "/out/ux.mp4";
  results[1].item.output = "/out/\xC3\xBCx.mp4";
  const std::vector<std::string> lines =
      absl::StrSplit(BatchTable(results), '\n');
  EXPECT_EQ(lines[2].size(), lines[1].size() + 1);  // bytes
}

TEST_F(BatchTest, GoesOnAfterAnItemThatThrows) {
  BatchOptions options;
  bool throws = false;
  options.begin = [&](size_t index, const BatchItem&) { throws = index == 0; };
  options.video.hooks.stop = [&] {
    if (std::exchange(throws, false)) throw std::bad_alloc();
    return false;
  };
  const auto results = AnimateBatch(*animator_, Items(), options);
  ASSERT_THAT(results, testing::SizeIs(4));
  EXPECT_THAT(results[0].status,
              StatusIs(StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("a.png"), HasSubstr("v.mp4"),
                             HasSubstr("not enough memory"))));
  EXPECT_EQ(results[2].state, BatchResult::State::kDone);
  // So that the program says what to do.
  EXPECT_TRUE(IsOutOfMemory(BatchStatus(results, 4)));
}

TEST_F(BatchTest, HaltsAtTheFirstFailureWhereAsked) {
  BatchOptions options;
  options.halt_on_error = true;
  const auto results = AnimateBatch(*animator_, Items(), options);
  ASSERT_THAT(results, testing::SizeIs(2));
  EXPECT_EQ(results[0].state, BatchResult::State::kDone);
  EXPECT_EQ(results[1].state, BatchResult::State::kFailed);
  EXPECT_TRUE(fs::exists(Path("out/a--v.mp4")));
  EXPECT_FALSE(fs::exists(Path("out/b--v.mp4")));
  EXPECT_THAT(BatchStatus(results, 4),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("1 of 4 failed"),
                             HasSubstr("not tried because of that: 2"))));
}

TEST_F(BatchTest, SkipsWhatIsDoneUnlessTold) {
  BatchOptions options;
  AnimateBatch(*animator_, Items(), options);
  auto results = AnimateBatch(*animator_, Items(), options);
  EXPECT_EQ(results[0].state, BatchResult::State::kSkipped);
  EXPECT_EQ(results[1].state, BatchResult::State::kFailed);
  options.video.overwrite = true;
  results = AnimateBatch(*animator_, Items(), options);
  EXPECT_EQ(results[0].state, BatchResult::State::kDone);
}

TEST_F(BatchTest, FillsAnEmptyFolderWhereNothingIsSkipped) {
  const std::vector<BatchItem> items = {
      {Path("stills/a.png"), Path("videos/v.mp4"), Path("out/")}};
  BatchOptions options;
  options.skips_existing = false;
  EXPECT_THAT(CheckBatch(items, options), IsOk());
  const auto results = AnimateBatch(*animator_, items, options);
  ASSERT_THAT(results, testing::SizeIs(1));
  EXPECT_EQ(results[0].state, BatchResult::State::kDone);
  EXPECT_TRUE(fs::exists(Path("out/000001.png")));
  EXPECT_THAT(CheckBatch(items, options),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("not empty")));
}

TEST_F(BatchTest, EndsWhereItsCallerStopsIt) {
  BatchOptions options;
  size_t begun = 0;
  options.begin = [&](size_t index, const BatchItem&) { begun = index; };
  options.video.hooks.stop = [&] { return begun == 2; };
  const auto results = AnimateBatch(*animator_, Items(), options);
  EXPECT_THAT(results, testing::SizeIs(2));
  EXPECT_FALSE(fs::exists(Path("out/b--v.mp4")));
  EXPECT_THAT(WriteComparisons(results, options),
              StatusIs(StatusCode::kCancelled, testing::_));
  EXPECT_FALSE(fs::exists(Path("out/all--v.mp4")));
}

TEST_F(BatchTest, ComparesTheResultsOfADrivingVideo) {
  const auto results = AnimateBatch(*animator_, Items(), {});
  const auto written = WriteComparisons(results, {});
  ASSERT_THAT(written, IsOk());
  ASSERT_THAT(*written, testing::SizeIs(1));
  EXPECT_TRUE(written->front().is_new);
  EXPECT_EQ(written->front().path, Path("out/all--v.mp4"));
  const auto video = media::VideoReader::Open(written->front().path);
  ASSERT_THAT(video, IsOk());
  // The driving video and two results.
  EXPECT_EQ((*video)->info().width, 3 * 256);
  EXPECT_EQ(*media::CountFrames(written->front().path), 2);
  const auto kept = WriteComparisons(AnimateBatch(*animator_, Items(), {}), {});
  ASSERT_THAT(kept, IsOk());
  EXPECT_FALSE(kept->front().is_new);
}

// Whose times the first result states: a picture twice as wide as high is one
// frame.
TEST_F(BatchTest, ComparesTheResultsOfAMotionFile) {
  BatchResult result;
  result.item = {Path("stills/a.png"), Path("dance.safetensors"),
                 WriteStill(80, 40)};
  result.state = BatchResult::State::kDone;
  const auto written = WriteComparisons({result}, {});
  ASSERT_THAT(written, IsOk());
  ASSERT_THAT(*written, testing::SizeIs(1));
  EXPECT_EQ(*media::CountFrames(written->front().path), 1);
}

TEST_F(BatchTest, ComparesAgainWhereAResultIsNew) {
  fs::rename(Path("stills/b.png"), Path("b.png"));
  ASSERT_THAT(WriteComparisons(AnimateBatch(*animator_, Items(), {}), {}),
              IsOk());
  fs::rename(Path("b.png"), Path("stills/b.png"));
  const auto written =
      WriteComparisons(AnimateBatch(*animator_, Items(), {}), {});
  ASSERT_THAT(written, IsOk());
  ASSERT_THAT(*written, testing::SizeIs(1));
  EXPECT_TRUE(written->front().is_new);
  const auto video = media::VideoReader::Open(written->front().path);
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ((*video)->info().width, 3 * 256);
}

// Nobody could make it again from the sources of this batch.
TEST_F(BatchTest, KeepsAComparisonThatShowsResultsOfOtherSources) {
  ASSERT_THAT(WriteComparisons(AnimateBatch(*animator_, Items(), {}), {}),
              IsOk());
  fs::rename(Path("stills/b.png"), Path("stills/c.png"));
  const auto results = AnimateBatch(*animator_, Items(), {});
  auto written = WriteComparisons(results, {});
  ASSERT_THAT(written, IsOk());
  ASSERT_THAT(*written, testing::SizeIs(1));
  EXPECT_FALSE(written->front().is_new);
  BatchOptions options;
  options.video.overwrite = true;
  written = WriteComparisons(results, options);
  ASSERT_THAT(written, IsOk());
  EXPECT_TRUE(written->front().is_new);
}

TEST_F(BatchTest, ComparesAgainWhereAnotherRunMadeAResult) {
  AnimateBatch(*animator_, Items(), {});
  ASSERT_THAT(WriteComparisons(AnimateBatch(*animator_, Items(), {}), {}),
              IsOk());
  const auto compared = fs::last_write_time(Path("out/all--v.mp4"));
  fs::last_write_time(Path("out/b--v.mp4"), compared + std::chrono::seconds(1));
  const auto written =
      WriteComparisons(AnimateBatch(*animator_, Items(), {}), {});
  ASSERT_THAT(written, IsOk());
  EXPECT_TRUE(written->front().is_new);
}

// As where two batches ran at the same time, or results were copied.
TEST_F(BatchTest, ComparesAgainWhereAnOldResultIsNotShown) {
  fs::rename(Path("stills/b.png"), Path("b.png"));
  ASSERT_THAT(WriteComparisons(AnimateBatch(*animator_, Items(), {}), {}),
              IsOk());
  fs::rename(Path("b.png"), Path("stills/b.png"));
  const auto results = AnimateBatch(*animator_, Items(), {});
  const auto compared = fs::last_write_time(Path("out/all--v.mp4"));
  fs::last_write_time(Path("out/b--v.mp4"), compared - std::chrono::hours(1));
  for (const bool is_new : {true, false}) {
    const auto written = WriteComparisons(results, {});
    ASSERT_THAT(written, IsOk());
    ASSERT_THAT(*written, testing::SizeIs(1));
    EXPECT_EQ(written->front().is_new, is_new);
  }
}

TEST_F(BatchTest, ReplacesNoVideoOfAnother) {
  fs::copy_file(Path("videos/v.mp4"), Path("out/all--v.mp4"));
  auto written = WriteComparisons(AnimateBatch(*animator_, Items(), {}), {});
  ASSERT_THAT(written, IsOk());
  EXPECT_FALSE(written->front().is_new);
  // A comparison of a former run that is a driving video now.
  BatchOptions options;
  options.video.overwrite = true;
  const auto results = AnimateBatch(*animator_, Items(), {});
  ASSERT_THAT(WriteComparisons(results, options), IsOk());
  const std::string grid = Path("out/all--v.mp4");
  std::vector<BatchItem> items = Items();
  items.push_back({Path("stills/a.png"), grid, Path("out/d.mp4")});
  written = WriteComparisons(AnimateBatch(*animator_, items, options), {});
  ASSERT_THAT(written, IsOk());
  for (const BatchComparison& comparison : *written) {
    EXPECT_EQ(comparison.is_new, comparison.path != grid) << comparison.path;
  }
}

TEST_F(BatchTest, ComparesDrivingVideosOfOneStemApart) {
  fs::copy(Path("videos/v.mp4"), Path("v.mov"));
  auto results = AnimateBatch(
      *animator_,
      {{Path("stills/a.png"), Path("videos/v.mp4"), Path("out/1.mp4")},
       {Path("stills/a.png"), Path("v.mov"), Path("out/2.mp4")}},
      {});
  BatchOptions options;
  options.video.max_frames = 1;
  const auto written = WriteComparisons(results, options);
  ASSERT_THAT(written, IsOk());
  ASSERT_THAT(*written, testing::SizeIs(2));
  EXPECT_THAT(
      (std::vector<std::string>{(*written)[0].path, (*written)[1].path}),
      testing::UnorderedElementsAre(Path("out/all--v.mp4.mp4"),
                                    Path("out/all--v.mov.mp4")));
  EXPECT_EQ(*media::CountFrames((*written)[0].path), 1);
}

TEST_F(BatchTest, IsCheckedBeforeItBegins) {
  BatchOptions options;
  EXPECT_THAT(CheckBatch(Items(), options), IsOk());
  std::vector<BatchItem> items = Items();
  items[0].output = items[2].driving;
  EXPECT_THAT(CheckBatch(items, options), IsOk()) << "is skipped";
  options.video.overwrite = true;
  EXPECT_THAT(CheckBatch(items, options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("the input")));
  items = Items();
  items[0].output = items[1].output;
  EXPECT_THAT(CheckBatch(items, options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("one file")));
}

// Though it would be kept, or skipped, in silence.
TEST_F(BatchTest, RefusesAResultWithTheNameOfAComparison) {
  fs::rename(Path("stills/b.png"), Path("stills/all.png"));
  BatchOptions options;
  EXPECT_THAT(CheckBatch(Items(), options), IsOk());
  options.compares = true;
  const auto refused =
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("all--v.mp4"), HasSubstr("rename this source")));
  EXPECT_THAT(CheckBatch(Items(), options), refused);
  std::ofstream(Path("out/all--v.mp4")) << "of an earlier run";
  EXPECT_THAT(CheckBatch(Items(), options), refused);
  fs::rename(Path("stills/all.png"), Path("stills/c.png"));
  EXPECT_THAT(CheckBatch(Items(), options), IsOk());
}

TEST_F(BatchTest, RefusesAPipeThatIsReadTwice) {
  const std::string pipe = Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::vector<BatchItem> two =
      PairAll(*ListInputs(Path("stills")), {pipe}, Path("out"), ".mp4");
  const std::vector<BatchItem> one = {two[0]};
  const auto refused =
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr(pipe + ": is a pipe"), HasSubstr("save it")));
  BatchOptions options;
  EXPECT_THAT(CheckBatch(two, options), refused);
  EXPECT_THAT(CheckBatch(one, options), IsOk());
  options.compares = true;
  EXPECT_THAT(CheckBatch(one, options), refused);
  // As a source.
  options.compares = false;
  EXPECT_THAT(CheckBatch(PairAll({pipe}, *ListInputs(Path("videos")),
                                 Path("out"), ".mp4"),
                         options),
              refused);
  // As what each result has behind it, or as each source's mask.
  const std::vector<BatchItem> files =
      PairAll(*ListInputs(Path("stills")), *ListInputs(Path("videos")),
              Path("out"), ".mp4");
  for (std::string BackgroundOptions::*path :
       {&BackgroundOptions::picture, &BackgroundOptions::mask}) {
    options = {};
    options.video.background.*path = pipe;
    EXPECT_THAT(CheckBatch(files, options), refused);
    EXPECT_THAT(CheckBatch({files[0]}, options), IsOk());
  }
  options = {};
  std::ofstream(two[0].output) << "of an earlier run";
  EXPECT_THAT(CheckBatch(two, options), IsOk()) << "one is skipped";
}

TEST_F(BatchTest, RefusesAComparisonWithACamera) {
  for (const auto& [device, what] :
       {std::pair("camera:0", "camera:0: a camera shows"),
        std::pair("lavfi:testsrc",
                  "lavfi:testsrc: a camera, as which a graph "
                  "of filters is read, shows")}) {
    const std::vector<BatchItem> items =
        PairAll(*ListInputs(Path("stills")), {device}, Path("out"), ".mp4");
    BatchOptions options;
    options.video.allow_addresses = true;
    EXPECT_THAT(CheckBatch(items, options), IsOk());
    options.compares = true;
    EXPECT_THAT(
        CheckBatch(items, options),
        StatusIs(StatusCode::kInvalidArgument,
                 AllOf(HasSubstr(what), HasSubstr("leave out comparison"))));
  }
}

// As editors of Windows write them.
TEST_F(BatchTest, ReadsListsWithAByteOrderMark) {
  std::ofstream(Path("list.txt")) << "\xEF\xBB\xBF/a/x.png\r\n/b/y.png\r\n";
  EXPECT_THAT(ListInputs(Path("list.txt")),
              IsOkAndHolds(testing::ElementsAre("/a/x.png", "/b/y.png")));
  std::ofstream(Path("list.txt")) << "\xEF\xBB\xBF# stills\n/a/x.png\n";
  EXPECT_THAT(ListInputs(Path("list.txt")),
              IsOkAndHolds(testing::ElementsAre("/a/x.png")));
}

TEST_F(BatchTest, TakesNoPictureOrVideoForAList) {
  for (const char* file : {"stills/a.png", "videos/v.mp4"}) {
    EXPECT_THAT(ListInputs(Path(file)),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(file), HasSubstr("is no list"))));
  }
}

// What is called a picture or a video, but is broken, stays an error.
TEST_F(BatchTest, SkipsWhatIsNoPictureOrVideoWithOneNote) {
  std::ofstream(Path("stills/names.textproto")) << "name: 'a'";
  std::ofstream(Path("stills/broken.png")) << "no picture";
  fs::copy_file(Path("stills/a.png"), Path("stills/picture"));
  fs::create_directories(Path("stills/data/train"));
  fs::create_directories(Path("stills/frames"));
  fs::copy_file(Path("stills/a.png"), Path("stills/frames/0.png"));
  std::vector<std::string> notes;
  WorkHooks hooks;
  hooks.note = [&](const std::string& note) { notes.push_back(note); };
  EXPECT_THAT(
      ListInputs(Path("stills"), hooks),
      IsOkAndHolds(testing::ElementsAre(
          Path("stills/a.png"), Path("stills/b.png"), Path("stills/broken.png"),
          Path("stills/frames"), Path("stills/picture"))));
  EXPECT_THAT(notes, testing::ElementsAre(
                         HasSubstr("which are no pictures or videos: data, "
                                   "names.textproto")));
  fs::remove_all(Path("stills/data"));
  EXPECT_THAT(ListInputs(Path("stills"), hooks), IsOk());
  EXPECT_EQ(notes.back(), "skipped " + Path("stills/names.textproto") +
                              ", which is no picture or video");
  fs::create_directories(Path("texts"));
  fs::rename(Path("stills/names.textproto"), Path("texts/names.textproto"));
  EXPECT_THAT(ListInputs(Path("texts")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("holds no pictures or videos")));
  fs::rename(Path("texts/names.textproto"), Path("texts/readme.md"));
  EXPECT_THAT(ListInputs(Path("texts")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("holds no pictures or videos")));
  fs::remove(Path("texts/readme.md"));
  EXPECT_THAT(
      ListInputs(Path("texts")),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("texts: is empty")));
}

TEST_F(BatchTest, TakesNoMotionFileForASource) {
  std::ofstream(Path("stills/dance.motion.safetensors")) << "any";
  EXPECT_THAT(ListInputs(Path("stills"), {}, /*takes_motion=*/false),
              IsOkAndHolds(testing::ElementsAre(Path("stills/a.png"),
                                                Path("stills/b.png"))));
  EXPECT_THAT(ListInputs(Path("stills")), IsOkAndHolds(testing::SizeIs(3)));
}

TEST_F(BatchTest, TakesNoInputsThatItMayNotLookUpForMissing) {
  fs::create_directories(Path("closed/in"));
  fs::permissions(Path("closed"), fs::perms(0));
  {
    const networks::files::PlainUser user(Path(""));
    EXPECT_THAT(ListInputs("closed/in"),
                StatusIs(StatusCode::kPermissionDenied,
                         HasSubstr("closed/in: cannot look it up")));
  }
  fs::permissions(Path("closed"), fs::perms(0755));
}

TEST_F(BatchTest, StopsWhereAListIsAPipeThatNobodyWrites) {
  ASSERT_EQ(mkfifo(Path("list.txt").c_str(), 0600), 0);
  WorkHooks hooks;
  hooks.stop = [] { return true; };
  EXPECT_THAT(ListInputs(Path("list.txt"), hooks),
              StatusIs(StatusCode::kCancelled, HasSubstr("list.txt")));
}

TEST_F(BatchTest, ReadsLists) {
  std::ofstream(Path("list.txt")) << "# stills\n/a/x.png\n\n /b/x.jpg \n";
  const auto sources = ListInputs(Path("list.txt"));
  ASSERT_THAT(sources, IsOk());
  EXPECT_THAT(*sources, testing::ElementsAre("/a/x.png", "/b/x.jpg"));
  // One stem twice: names with endings.
  const auto items = PairAll(*sources, {"/v.mp4"}, "o", ".gif");
  EXPECT_EQ(items[1].output, "o/x.jpg--v.gif");
  EXPECT_EQ(PairAll({"/a.png"}, {"/v.mp4"}, "o/", ".gif")[0].output,
            "o/a--v.gif");
  // A folder, though its name has a dot.
  EXPECT_EQ(PairAll({"/a.png"}, {"/v.motion.safetensors"}, "o", "")[0].output,
            "o/a--v.motion/");
  for (const char* address : {"camera:0", "lavfi:testsrc", "http://a/b.mp4"}) {
    std::ofstream(Path("reaching.txt")) << "/a/x.png\n" << address << "\n";
    EXPECT_THAT(ListInputs(Path("reaching.txt")),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("reaching.txt"), HasSubstr(address))));
  }
  // What lies beside pictures without being one.
  fs::create_directories(Path("windows"));
  for (const char* name : {"a.png", "Thumbs.db", "notes.csv"}) {
    std::ofstream(Path("windows/") + name) << "any";
  }
  EXPECT_THAT(ListInputs(Path("windows")),
              IsOkAndHolds(testing::ElementsAre(HasSubstr("a.png"))));
  std::ofstream(Path("empty.txt")) << "# nothing\n";
  EXPECT_FALSE(ListInputs(Path("empty.txt")).ok());
  EXPECT_THAT(ListInputs(Path("absent")),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent")));
}

}  // namespace
}  // namespace pipelines
