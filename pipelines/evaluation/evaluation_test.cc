#include "pipelines/evaluation/evaluation.h"

#include <ATen/Context.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/load.h"
#include "networks/weights/safetensors.h"
#include "pipelines/data/clip.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/evaluation/evaluation_page.h"
#include "pipelines/evaluation/lpips_metric.h"
#include "pipelines/media/image_io.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::HasSubstr;

class EvaluationTest : public networks::files::FolderTest {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    torch::set_num_threads(1);
    trained_.config = *TinyConfig();
    torch::manual_seed(3);
    trained_.model = *AnimationModel::Create(trained_.config.model());
    trained_.model->eval();
    test_ = *OpenSplit(*DataFolder(trained_.config.data()), "test",
                       trained_.config.data(), 0);
  }

  EvaluationConfig* config() { return trained_.config.mutable_evaluation(); }

  absl::StatusOr<Evaluation> EvaluateTo(const EvaluationOutputs& outputs) {
    return Evaluate(trained_, torch::kCPU, *test_, outputs);
  }

  // LPIPS with random weights from files, and the config that names them.
  networks::Lpips UseLpips() {
    torch::manual_seed(5);
    networks::Lpips lpips(networks::LpipsBackbone::kAlexNet);
    networks::weights::TensorMap backbone;
    for (const auto& [name, value] :
         networks::weights::StateDict(lpips->backbone())) {
      backbone["features." + name] = value;
    }
    backbone["classifier.1.weight"] = torch::zeros({2, 2});
    EXPECT_THAT(networks::weights::WriteSafetensors(Path("alex"), backbone, {}),
                IsOk());
    EXPECT_THAT(
        networks::weights::WriteSafetensors(
            Path("head"), networks::weights::StateDict(lpips->head()), {}),
        IsOk());
    config()->mutable_lpips()->set_weights(Path("alex"));
    config()->mutable_lpips()->set_channel_weights(Path("head"));
    return lpips;
  }

  TrainedModel trained_;
  std::unique_ptr<data::Dataset> test_;
};

TEST_F(EvaluationTest, WritesNothingUnlessAsked) {
  const auto evaluation = EvaluateTo({});
  ASSERT_THAT(evaluation, IsOk());
  EXPECT_TRUE(evaluation->failures.empty());
  EXPECT_TRUE(evaluation->sheets.empty());
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(EvaluationTest, NamesWhatDecidesItsScores) {
  trained_.state.emplace().set_step(19);
  config()->set_frame_step(2);
  const auto evaluation = EvaluateTo({});
  ASSERT_THAT(evaluation, IsOk());
  const EvaluationSetting& setting = evaluation->setting;
  EXPECT_EQ(setting.training_steps(), 19);
  EXPECT_EQ(setting.motion(), "cpab");
  EXPECT_EQ(setting.width(), trained_.config.data().width());
  EXPECT_EQ(setting.frame_step(), 2);
  EXPECT_EQ(setting.data(),
            fs::path(*DataFolder(trained_.config.data())).lexically_normal());
  EXPECT_EQ(setting.clip_names_sha256().size(), 64u);
  EXPECT_THAT(EvaluationJson(evaluation->result, setting),
              AllOf(HasSubstr("\"training_steps\": 19"),
                    HasSubstr("\"frame_step\": 2")));
}

// Not of what the config asks for.
TEST_F(EvaluationTest, NamesTheNumbersThatItIsComputedIn) {
  for (const bool tf32 : {true, false}) {
    at::globalContext().setAllowTF32CuBLAS(tf32);
    const auto evaluation = EvaluateTo({});
    ASSERT_THAT(evaluation, IsOk());
    EXPECT_EQ(evaluation->setting.tf32(), tf32);
  }
}

TEST_F(EvaluationTest, PicturesTheWorstClipsFirst) {
  EvaluationOutputs outputs;
  outputs.pictures = Path("evaluation");
  const auto evaluation = EvaluateTo(outputs);
  ASSERT_THAT(evaluation, IsOk());
  const auto& failures = evaluation->failures;
  const std::vector<ClipResult> clips = WorstFirst(evaluation->result);
  ASSERT_EQ(failures.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(failures[i].path,
              Path(absl::StrCat("evaluation/worst-0", i, ".png")));
    EXPECT_THAT(failures[i].caption, HasSubstr(clips[i].name));
    const auto strip = media::ReadImage(failures[i].path);
    ASSERT_THAT(strip, IsOk());
    // Source, driving, prediction, error, motion, grid; 128 pixels each.
    EXPECT_EQ(strip->cols, 6 * 128 + 5 * 3);
  }
  ASSERT_EQ(evaluation->sheets.size(), 1u);
  const auto sheet = media::ReadImage(evaluation->sheets[0].path);
  ASSERT_THAT(sheet, IsOk());
  EXPECT_EQ(sheet->rows, sheet->cols);  // 2 sources, 2 driving clips
}

TEST_F(EvaluationTest, KeepsOnlyAsManyPicturesAsTheConfigSays) {
  EvaluationOutputs outputs;
  outputs.pictures = Path("evaluation");
  ASSERT_THAT(EvaluateTo(outputs), IsOk());
  config()->set_pictured_clips(1);
  config()->set_sheet_clips(0);
  const auto evaluation = EvaluateTo(outputs);
  ASSERT_THAT(evaluation, IsOk());
  EXPECT_EQ(evaluation->failures.size(), 1u);
  EXPECT_THAT(evaluation->failures[0].caption,
              HasSubstr(WorstFirst(evaluation->result)[0].name));
  EXPECT_TRUE(evaluation->sheets.empty());
  EXPECT_TRUE(fs::exists(Path("evaluation/worst-00.png")));
  EXPECT_FALSE(fs::exists(Path("evaluation/worst-01.png")));
  EXPECT_FALSE(fs::exists(Path("evaluation/sheet.png")));
}

TEST_F(EvaluationTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(Path("file")) << "in the way";
  EvaluationOutputs outputs;
  outputs.pictures = Path("file/evaluation");
  EXPECT_THAT(EvaluateTo(outputs), StatusIs(StatusCode::kFailedPrecondition,
                                            HasSubstr("file/evaluation")));
  outputs.pictures.clear();
  outputs.frames = Path("file");
  EXPECT_THAT(EvaluateTo(outputs), StatusIs(StatusCode::kFailedPrecondition,
                                            HasSubstr("file/generated")));
}

// What a detector is run on is what was scored.
TEST_F(EvaluationTest, WritesTheFramesThatItScored) {
  EvaluationOutputs outputs;
  outputs.frames = Path("frames");
  const auto evaluation = EvaluateTo(outputs);
  ASSERT_THAT(evaluation, IsOk());
  for (const ClipResult& clip : evaluation->result.clips) {
    const auto generated =
        data::ReadClip(absl::StrCat(Path("frames/generated/"), clip.name));
    const auto real =
        data::ReadClip(absl::StrCat(Path("frames/real/"), clip.name));
    ASSERT_THAT(generated, IsOk());
    ASSERT_THAT(real, IsOk());
    MeanScore score;
    for (size_t i = 0; i < generated->frames.size(); ++i) {
      score.Add(ScoreFrame(generated->frames[i], real->frames[i]));
    }
    EXPECT_EQ(score.count(), clip.frames);
    EXPECT_DOUBLE_EQ(score.Mean().l1, clip.model.l1);
  }
}

TEST_F(EvaluationTest, DoesNotMixFramesWithOthers) {
  EvaluationOutputs outputs;
  outputs.frames = Path("frames");
  ASSERT_THAT(EvaluateTo(outputs), IsOk());
  EXPECT_THAT(EvaluateTo(outputs),
              StatusIs(StatusCode::kAlreadyExists,
                       HasSubstr("frames/generated/00000")));
}

TEST_F(EvaluationTest, MeasuresLpipsOfTheFramesItWrites) {
  networks::Lpips lpips = UseLpips();
  EvaluationOutputs outputs;
  outputs.frames = Path("frames");
  const auto evaluation = EvaluateTo(outputs);
  ASSERT_THAT(evaluation, IsOk());
  const ClipResult& clip = evaluation->result.clips[0];
  const auto generated =
      data::ReadClip(absl::StrCat(Path("frames/generated/"), clip.name));
  const auto real =
      data::ReadClip(absl::StrCat(Path("frames/real/"), clip.name));
  double of_model = 0, of_first = 0;
  for (int i = 0; i < clip.frames; ++i) {
    const auto tensor = [](const cv::Mat& image) {
      return torch::from_blob(image.data, {1, image.rows, image.cols, 3},
                              torch::kUInt8)
          .permute({0, 3, 1, 2})
          .to(torch::kFloat32)
          .div(255);
    };
    const torch::Tensor driving = tensor(real->frames[i]);
    of_model += lpips(tensor(generated->frames[i]), driving).item<double>();
    of_first += lpips(tensor(real->frames[0]), driving).item<double>();
  }
  // Convolutions of another batch size may sum in another order.
  EXPECT_NEAR(*clip.model.lpips, of_model / clip.frames, 1e-5);
  EXPECT_NEAR(*clip.first_frame.lpips, of_first / clip.frames, 1e-5);
  EXPECT_GT(*clip.model.lpips, 0.001);
  EXPECT_THAT(EvaluationText(evaluation->result), HasSubstr("LPIPS"));
  EXPECT_THAT(EvaluationJson(evaluation->result), HasSubstr("\"lpips\""));
}

TEST_F(EvaluationTest, MissingLpipsWeightsAreAnError) {
  config()->mutable_lpips();
  EXPECT_THAT(EvaluateTo({}),
              StatusIs(StatusCode::kNotFound,
                       HasSubstr("alexnet-owt-7be5be79.pth and "
                                 "lpips_alex_v0.1.pth are not in ")));
  config()->mutable_lpips()->set_network(LpipsConfig::VGG);
  EXPECT_THAT(EvaluateTo({}), StatusIs(StatusCode::kNotFound,
                                       AllOf(HasSubstr("vgg16-397923af.pth"),
                                             HasSubstr("lpips_vgg_v0.1.pth"))));
}

TEST_F(EvaluationTest, LpipsWeightsOfAnotherNetworkAreAnError) {
  UseLpips();
  config()->mutable_lpips()->set_network(LpipsConfig::VGG);
  EXPECT_THAT(EvaluateTo({}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("0.weight")));
}

// The files of a config are of the network that it names.
TEST_F(EvaluationTest, AnotherLpipsNetworkHasFilesOfItsOwn) {
  UseLpips();
  ChooseLpips(LpipsConfig::ALEX, config());
  EXPECT_EQ(config()->lpips().weights(), Path("alex"));
  ChooseLpips(LpipsConfig::VGG, config());
  EXPECT_EQ(config()->lpips().network(), LpipsConfig::VGG);
  EXPECT_FALSE(config()->lpips().has_weights());
  EXPECT_FALSE(config()->lpips().has_channel_weights());
}

TEST_F(EvaluationTest, PageShowsScoresAndPictures) {
  EvaluationOutputs outputs;
  outputs.pictures = Path("evaluation");
  const auto evaluation = EvaluateTo(outputs);
  ASSERT_THAT(evaluation, IsOk());
  RunPage page;
  AddToPage(*evaluation, folder_ + "/", &page);
  ASSERT_THAT(WriteRunPage(folder_, page), IsOk());
  ASSERT_THAT(WriteScores(folder_, *evaluation), IsOk());
  EXPECT_THAT(ReadText(Path("index.html")),
              AllOf(HasSubstr("src=\"evaluation/worst-00.png\""),
                    HasSubstr("src=\"evaluation/sheet.png\""),
                    HasSubstr("joint transfer error"),
                    HasSubstr("first frame, unmoved")));
  EXPECT_EQ(ReadText(Path("evaluation.txt")),
            EvaluationText(evaluation->result));
}

}  // namespace
}  // namespace pipelines
