// segment as a user runs it, with tiny weights of this test's making.
#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/folder.h"
#include "networks/files/testing_folder.h"
#include "networks/sam/sam.h"
#include "networks/testing/fill.h"
#include "networks/weights/load.h"
#include "networks/weights/safetensors.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_io.h"
#include "pipelines/testing/testing_program.h"
#include "third_party/absl/status_matchers.h"

namespace {

using ::pipelines::ProgramResult;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class SegmentTest : public networks::files::FolderTest {
 protected:
  SegmentTest() {
    networks::sam::Sam sam(*networks::sam::SamByName("tiny"));
    networks::test_util::FillModule("sam/", *sam);
    EXPECT_THAT(networks::weights::WriteSafetensors(
                    weights_, networks::weights::StateDict(*sam)),
                IsOk());
    cv::Mat image(30, 50, CV_8UC3);
    cv::RNG(1).fill(image, cv::RNG::UNIFORM, 0, 256);
    EXPECT_THAT(pipelines::media::WriteImage(image_, image), IsOk());
  }

  ProgramResult Segment(std::vector<std::string> arguments) {
    const std::vector<std::string> command = {"tools/segment/segment",
                                              "--image",
                                              image_,
                                              "--weights",
                                              weights_,
                                              "--model",
                                              "tiny",
                                              "--threads",
                                              "1"};
    arguments.insert(arguments.begin(), command.begin(), command.end());
    return pipelines::RunProgramForTest(arguments);
  }

  const std::string weights_ = folder_ + "/tiny.safetensors";
  const std::string image_ = folder_ + "/image.png";
  const std::string output_ = folder_ + "/masks";
};

TEST_F(SegmentTest, WritesAMaskForEachReadingOfAPoint) {
  const ProgramResult result =
      Segment({"--output", output_, "--points", "20,10"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("mask_0.png"));
  EXPECT_THAT(result.output, HasSubstr("% of the image, expected IoU"));
  for (const char* name :
       {"mask_0.png", "mask_0_1.png", "mask_0_2.png", "overlay.png"}) {
    const auto mask = pipelines::media::ReadImage(output_ + "/" + name);
    ASSERT_THAT(mask, IsOk()) << name;
    EXPECT_EQ(mask->size(), cv::Size(50, 30)) << name;
  }
}

TEST_F(SegmentTest, WritesIntoAFolderWithTheNameOfAPicture) {
  const std::string folder = folder_ + "/new.jpg";
  for (const std::string& name : {folder + "/", folder}) {
    const ProgramResult result =
        Segment({"--output", name, "--boxes=1,2,20,20", "--overwrite"});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_TRUE(std::filesystem::exists(folder + "/mask_0.png"));
  }
}

// Where several are there, the first one is named.
TEST_F(SegmentTest, ReplacesNothingWithoutOverwrite) {
  std::filesystem::create_directories(output_);
  const auto refuses = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      std::ofstream(output_ + "/" + name) << "precious";
    }
    const ProgramResult result =
        Segment({"--output", output_, "--boxes=1,2,20,20"});
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output,
                HasSubstr(output_ + "/" + names[0] +
                          " exists; give --overwrite to replace it"));
    for (const std::string& name : names) {
      const std::string path = output_ + "/" + name;
      EXPECT_EQ(networks::files::ReadText(path), "precious");
      std::filesystem::remove(path);
    }
  };
  refuses({"mask_0.png", "overlay.png"});
  refuses({"overlay.png"});
  refuses({"mask_5.png"});
}

TEST_F(SegmentTest, ReplacesMasksOfEarlierPromptsWithOverwrite) {
  ASSERT_EQ(Segment({"--output", output_, "--points=10,10 40,20", "--each"})
                .exit_code,
            0);
  EXPECT_TRUE(std::filesystem::exists(output_ + "/mask_1_2.png"));
  for (const char* name : {"mask_x.png", "mask_2_0.png", "mask_3.png.txt"}) {
    std::ofstream(output_ + "/" + name) << "of the user";
  }
  std::ofstream(output_ + "/mask_0.png") << "of an earlier prompt";
  // A mask for each box.
  const std::vector<std::string> arguments = {
      "--output", output_, "--boxes", "1,2,20,20 25,5,49,29", "--overwrite"};
  const ProgramResult result = Segment(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(networks::files::ListFolder(output_),
              IsOkAndHolds(UnorderedElementsAre(
                  "mask_0.png", "mask_1.png", "overlay.png", "mask_x.png",
                  "mask_2_0.png", "mask_3.png.txt")));
  EXPECT_THAT(pipelines::media::ReadImage(output_ + "/mask_0.png"), IsOk());
  // Not even where it has the name of a mask.
  const std::string input = output_ + "/mask_7.png";
  std::filesystem::copy_file(image_, input);
  std::vector<std::string> of_input = arguments;
  of_input.insert(of_input.end(), {"--image", input});
  EXPECT_EQ(Segment(of_input).exit_code, 2);
  EXPECT_TRUE(std::filesystem::exists(input));
}

// By whatever names: see networks/files/outputs_test.cc.
TEST_F(SegmentTest, NeverReplacesItsInput) {
  namespace fs = std::filesystem;
  const std::string before = networks::files::ReadText(image_);
  fs::create_directories(output_);
  fs::rename(image_, output_ + "/image.png");
  fs::create_symlink(output_ + "/image.png", image_);
  fs::create_hard_link(output_ + "/image.png", output_ + "/mask_0.png");
  const ProgramResult result =
      Segment({"--output", output_, "--boxes=1,2,20,20", "--overwrite"});
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("is the input"));
  EXPECT_EQ(networks::files::ReadText(image_), before);
}

TEST_F(SegmentTest, NamesMistakes) {
  struct Mistake {
    std::vector<std::string> arguments;
    int exit_code;
    const char* words;
  };
  const std::string fine = "--points=20,10";
  for (const Mistake& mistake : std::vector<Mistake>{
           {{fine}, 2, "--output is missing"},
           {{fine, "--output=a.png"}, 2, "'a.png', the name of a picture"},
           {{"--output", output_}, 2, "what to segment? Give --points"},
           {{"--output", output_, fine, "--model=vit_x"}, 2, "'vit_x'"},
           {{"--output", output_, "--points=99,1"}, 2, "not in the image"},
           {{"--output", output_, "--boxes=1,1,2,2 3,3,4,4", fine},
            2,
            "give one box"},
           {{"--output", output_, "--each", "--boxes=1,1,2,2"},
            2,
            "--each is for points without a box"},
           {{"--output", output_, fine, "--precision=int8"},
            2,
            "--precision is 'int8'"},
           {{"--output", output_, fine, "--threads=-1"}, 2, "threads"},
           {{"--output", output_, fine, "--device=abacus"}, 2, "abacus"},
           {{"--output", output_, fine, "stray"}, 2, "'stray'"},
           {{"--output", output_, fine, "--weights=/none.pth"}, 1, "/none.pth"},
           {{"--output", output_, fine, "--weights=vgg19"},
            2,
            "--weights is 'vgg19'; use sam-vit-b, sam-vit-l, sam-vit-h, "
            "mobile-sam, or the path of a file, as ./vgg19"},
           {{"--output", output_, fine, "--image=/none.png"}, 1, "/none.png"},
       }) {
    const ProgramResult result = Segment(mistake.arguments);
    EXPECT_EQ(result.exit_code, mistake.exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr(mistake.words));
  }
  EXPECT_FALSE(std::filesystem::exists(output_));
}

}  // namespace
