#include "pipelines/animate_flags.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/reflection.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/animation/animate_items.h"
#include "pipelines/app/command_line.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/media/rational.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

// What the words after the program's name ask for.
absl::StatusOr<AnimateRequest> Request(std::vector<std::string> words) {
  const absl::FlagSaver saver;
  std::vector<const char*> argv = {"animate"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const auto line =
      ParseCommandLine(static_cast<int>(argv.size()), argv.data());
  if (!line.ok()) return line.status();
  return AnimateRequestFromFlags();
}

TEST(AnimateFlags, HelpNamesEveryMotionModel) {
  const std::string help = absl::FindCommandLineFlag("motion")->Help();
  for (const std::string& name : MotionNames()) {
    EXPECT_THAT(help, HasSubstr(name));
  }
}

TEST(AnimateFlags, OnlyTheExampleTakesTheDrivingFiguresShape) {
  const auto mode = [](std::vector<std::string> words) {
    const auto request = Request(std::move(words));
    return request.ok() ? std::optional(request->animator.transfer.mode)
                        : std::nullopt;
  };
  using Mode = keypoints::TransferMode;
  EXPECT_EQ(mode({}), Mode::kStandard);
  EXPECT_EQ(mode({"--mode=relative"}), Mode::kRelative);
  EXPECT_EQ(mode({"--source=a.png", "--driving=b.mp4"}), Mode::kRelative);
  EXPECT_EQ(mode({"--sources=a", "--drivings=b", "--output=c"}),
            Mode::kRelative);
}

TEST(AnimateFlags, DefaultsAreTheLibrarysOwn) {
  const auto request = Request({"--source=a.png", "--driving=b.mp4"});
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->checkpoint, "");
  EXPECT_EQ(request->animator.transfer.mode,
            keypoints::TransferMode::kRelative);
  EXPECT_TRUE(request->animator.transfer.adapt_scale);
  EXPECT_THAT(request->animator.motion_scales.in_order, ElementsAre(1));
  EXPECT_FALSE(request->animator.smoothing.has_value());
  EXPECT_EQ(request->animator.precision, AnimatorOptions().precision);
  EXPECT_FALSE(request->animator.model_size.has_value());
  EXPECT_FALSE(request->animator.motion.has_value());
  const AnimateVideoOptions library;
  const AnimateVideoOptions& video = request->video;
  EXPECT_EQ(video.source_crop, library.source_crop);
  EXPECT_EQ(video.driving_crop, library.driving_crop);
  EXPECT_EQ(video.source_frame, library.source_frame);
  EXPECT_EQ(video.animate_source_video, library.animate_source_video);
  EXPECT_TRUE(video.start.is_first());
  EXPECT_EQ(video.max_frames, library.max_frames);
  EXPECT_EQ(video.allow_damaged, library.allow_damaged);
  EXPECT_THAT(video.damage_advice, HasSubstr("--allow_damaged"));
  EXPECT_EQ(video.panels, library.panels);
  EXPECT_EQ(video.columns, library.columns);
  EXPECT_EQ(video.source_face.by, library.source_face.by);
  EXPECT_FALSE(video.zero_phase.has_value());
  EXPECT_EQ(video.paste_back, library.paste_back);
  EXPECT_EQ(video.fade, library.fade);
  EXPECT_EQ(video.background.kind, library.background.kind);
  EXPECT_EQ(request->show_sets, "");
  EXPECT_FALSE(video.alpha_over.has_value());
  EXPECT_EQ(video.size, library.size);
  EXPECT_EQ(video.min_output_side, 256);
  EXPECT_EQ(video.save_keypoints, "");
  EXPECT_EQ(video.save_deformation, "");
  EXPECT_EQ(video.save_motion, "");
  EXPECT_EQ(video.batch_size, library.batch_size);
  EXPECT_FALSE(request->comparison);
  EXPECT_FALSE(request->halt_on_error);
  EXPECT_FALSE(request->overwrite);
  EXPECT_EQ(request->device, "auto");
  EXPECT_TRUE(request->tf32);
  EXPECT_EQ(request->threads, 0);
  EXPECT_FALSE(request->quiet);
  EXPECT_FALSE(request->json);
}

// One flag that is not at its default, and whether the request shows it.
struct GoodCase {
  std::vector<std::string> words;
  bool (*shows)(const AnimateRequest&);
};

const GoodCase kGoodCases[] = {
    {{"--checkpoint=/c.pth"},
     [](const AnimateRequest& r) { return r.checkpoint == "/c.pth"; }},
    {{"--source=/a.png", "--driving=/b.mp4"},
     [](const AnimateRequest& r) {
       return r.inputs.source == "/a.png" && r.inputs.driving == "/b.mp4";
     }},
    {{"--source=/a.png", "--driving=camera:0"},
     [](const AnimateRequest& r) { return r.inputs.driving == "camera:0"; }},
    {{"--source=/a.png", "--driving=https://example.org/b.mp4"},
     [](const AnimateRequest& r) {
       return r.inputs.driving == "https://example.org/b.mp4";
     }},
    {{"--sources=/a", "--drivings=/b", "--output=/o", "--format=.gif"},
     [](const AnimateRequest& r) {
       return r.inputs.sources == "/a" && r.inputs.drivings == "/b" &&
              r.inputs.ending == ".gif";
     }},
    {{"--sources=/a", "--drivings=/b", "--output=/o", "--format=.png"},
     [](const AnimateRequest& r) { return r.inputs.ending == ".png"; }},
    {{"--sources=/a", "--driving=/b.mp4", "--output=/o", "--format="},
     [](const AnimateRequest& r) { return r.inputs.ending.empty(); }},
    {{"--sources=/a", "--drivings=/b", "--output=/o", "--comparison"},
     [](const AnimateRequest& r) { return r.comparison; }},
    {{"--sources=/a", "--drivings=/b", "--output=/o", "--halt_on_error"},
     [](const AnimateRequest& r) { return r.halt_on_error; }},
    {{"--source_frame=12"},
     [](const AnimateRequest& r) {
       return r.video.source_frame == 12 && !r.video.animate_source_video;
     }},
    {{"--source_frame=all"},
     [](const AnimateRequest& r) { return r.video.animate_source_video; }},
    {{"--crop=face"},
     [](const AnimateRequest& r) {
       return r.video.source_crop == CropMode::kFace &&
              r.video.driving_crop == CropMode::kFace;
     }},
    {{"--crop=40,20,300,200"},
     [](const AnimateRequest& r) {
       return r.video.source_box == cv::Rect(40, 20, 300, 200) &&
              r.video.driving_crop == CropMode::kCentre;
     }},
    {{"--driving=/b.mp4", "--save_motion=/m.safetensors"},
     [](const AnimateRequest& r) {
       return r.records_motion && r.video.save_motion == "/m.safetensors";
     }},
    {{"--source=/a.png", "--driving=/b.mp4", "--save_motion=/m.safetensors"},
     [](const AnimateRequest& r) { return !r.records_motion; }},
    {{"--driving_crop=none"},
     [](const AnimateRequest& r) {
       return r.video.source_crop == CropMode::kCentre &&
              r.video.driving_crop == CropMode::kNone;
     }},
    {{"--max_frames=7"},
     [](const AnimateRequest& r) { return r.video.max_frames == 7; }},
    {{"--fps=29.97"},
     [](const AnimateRequest& r) {
       return r.video.image_rate == media::Rational{2997, 100};
     }},
    {{"--fps=30000/1001"},
     [](const AnimateRequest& r) {
       return r.video.image_rate == media::Rational{30000, 1001};
     }},
    {{"--allow_damaged"},
     [](const AnimateRequest& r) {
       return r.video.allow_damaged && r.video.damage_advice.empty();
     }},
    {{"--mode=standard"},
     [](const AnimateRequest& r) {
       return r.animator.transfer.mode == keypoints::TransferMode::kStandard;
     }},
    {{"--mode=avd"},
     [](const AnimateRequest& r) {
       return r.animator.transfer.mode == keypoints::TransferMode::kAvd;
     }},
    {{"--noadapt_scale"},
     [](const AnimateRequest& r) { return !r.animator.transfer.adapt_scale; }},
    {{"--mode=relative", "--start=alignment"},
     [](const AnimateRequest& r) {
       return r.video.start.by == StartFrame::By::kAlignment;
     }},
    {{"--mode=relative", "--start=3"},
     [](const AnimateRequest& r) {
       return r.video.start.by == StartFrame::By::kNumber &&
              r.video.start.number == 3;
     }},
    {{"--source=/a.png", "--driving=/b.safetensors", "--driving_crop=face",
      "--allow_damaged"},
     [](const AnimateRequest& r) {
       return r.notes == std::vector<std::string>{
                             "--driving_crop has no effect with a "
                             "motion file as --driving",
                             "--allow_damaged has no effect with a "
                             "motion file as --driving"};
     }},
    {{"--mode=relative", "--start=3", "--noadapt_scale"},
     [](const AnimateRequest& r) { return r.notes.empty(); }},
    {{"--mode=standard", "--start=3", "--noadapt_scale"},
     [](const AnimateRequest& r) {
       return r.video.start.is_first() &&
              r.notes == std::vector<std::string>{
                             "--start has no effect without --mode relative",
                             "--adapt_scale has no effect without --mode "
                             "relative"};
     }},
    {{"--driving=/b.mp4", "--save_motion=/m.safetensors", "--start=3"},
     [](const AnimateRequest& r) {
       return r.notes == std::vector<std::string>{
                             "--start has no effect without an animation"};
     }},
    {{"--show_sets=s.png", "--noadapt_scale"},
     [](const AnimateRequest& r) { return r.notes.size() == 1; }},
    {{"--show_sets=s.png", "--output=o.mp4"},
     [](const AnimateRequest& r) {
       return r.notes == std::vector<std::string>{
                             "--output has no effect without an animation"};
     }},
    {{"--mode=avd", "--start=0"},
     [](const AnimateRequest& r) { return r.notes.size() == 1; }},
    {{"--motion_scale=0,0.5,2"},
     [](const AnimateRequest& r) {
       return r.animator.motion_scales.in_order ==
              std::vector<double>({0, 0.5, 2});
     }},
    {{"--motion_scale=3=0,head=0.5"},
     [](const AnimateRequest& r) {
       return r.animator.motion_scales.by_set[1] ==
              std::pair<std::string, double>("head", 0.5);
     }},
    {{"--crop=face", "--face=2"},
     [](const AnimateRequest& r) {
       return r.video.source_face.numbers == std::vector<int>{2};
     }},
    {{"--smooth"},
     [](const AnimateRequest& r) {
       return r.animator.smoothing->min_cutoff == 1 &&
              r.animator.smoothing->speed_gain == 20;
     }},
    {{"--smooth", "--smooth_cutoff=2", "--smooth_gain=0"},
     [](const AnimateRequest& r) {
       return r.animator.smoothing->min_cutoff == 2 &&
              r.animator.smoothing->speed_gain == 0;
     }},
    {{"--smooth", "--smooth_filter=zero_phase", "--smooth_cutoff=2"},
     [](const AnimateRequest& r) {
       return r.video.zero_phase->min_cutoff == 2 &&
              r.video.zero_phase->speed_gain == 20 &&
              !r.animator.smoothing.has_value();
     }},
    {{"--output=v4l2:/dev/video9"},
     [](const AnimateRequest& r) {
       return r.inputs.output == "v4l2:/dev/video9";
     }},
    {{"--sources=/a", "--drivings=/b", "--output=/results.v2"},
     [](const AnimateRequest& r) { return r.inputs.output == "/results.v2"; }},
    {{"--show_sets=/sets.png", "--source=/a.png"},
     [](const AnimateRequest& r) { return r.show_sets == "/sets.png"; }},
    {{"--background=still", "--mask=/m.png"},
     [](const AnimateRequest& r) {
       return r.video.background.kind == BackgroundOptions::Kind::kStill &&
              r.video.background.mask == "/m.png";
     }},
    {{"--background=/beach.jpg"},
     [](const AnimateRequest& r) {
       return r.video.background.picture == "/beach.jpg";
     }},
    {{"--paste_back", "--fade=0.25"},
     [](const AnimateRequest& r) { return r.video.fade == 0.25; }},
    {{"--output=/x.gif"},
     [](const AnimateRequest& r) { return r.inputs.output == "/x.gif"; }},
    {{"--panels=warped,sets"},
     [](const AnimateRequest& r) {
       return r.video.panels ==
              std::vector<Panel>{Panel::kWarped, Panel::kSets};
     }},
    {{"--panels=grid,flow"},
     [](const AnimateRequest& r) {
       return r.video.panels == std::vector<Panel>{Panel::kGrid, Panel::kFlow};
     }},
    {{"--columns=2", "--side_by_side"},
     [](const AnimateRequest& r) { return r.video.columns == 2; }},
    {{"--side_by_side"},
     [](const AnimateRequest& r) {
       return r.video.panels == std::vector<Panel>{Panel::kSource,
                                                   Panel::kDriving,
                                                   Panel::kResult};
     }},
    // What is pasted back keeps the size of the source.
    {{"--paste_back"},
     [](const AnimateRequest& r) {
       return r.video.paste_back && r.video.min_output_side == 0;
     }},
    {{"--alpha_over=#0a64ff"},
     [](const AnimateRequest& r) {
       return *r.video.alpha_over == cv::Vec3b(10, 100, 255);
     }},
    {{"--alpha_over=white"},
     [](const AnimateRequest& r) {
       return *r.video.alpha_over == cv::Vec3b(255, 255, 255);
     }},
    {{"--size=640x480"},
     [](const AnimateRequest& r) {
       return r.video.size == cv::Size(640, 480);
     }},
    {{"--motion=cpab { cells_x: 6 }"},
     [](const AnimateRequest& r) {
       return r.animator.motion->cpab().cells_x() == 6;
     }},
    {{"--model_size=512x384"},
     [](const AnimateRequest& r) {
       return r.animator.model_size->width == 512 &&
              r.animator.model_size->height == 384;
     }},
    {{"--checkpoint="},
     [](const AnimateRequest& r) { return !r.animator.can_name_sets; }},
    {{"--checkpoint=/c.safetensors"},
     [](const AnimateRequest& r) { return r.animator.can_name_sets; }},
    {{"--size=512"},
     [](const AnimateRequest& r) { return r.video.size == cv::Size(0, 512); }},
    {{"--save_motion=/m.safetensors"},
     [](const AnimateRequest& r) {
       return r.video.save_motion == "/m.safetensors";
     }},
    {{"--save_keypoints=/k.npy", "--save_deformation=/f.npy"},
     [](const AnimateRequest& r) {
       return r.video.save_keypoints == "/k.npy" &&
              r.video.save_deformation == "/f.npy" && r.notes.empty();
     }},
    {{"--save_flow=/f.npy"},
     [](const AnimateRequest& r) {
       return r.video.save_deformation == "/f.npy" && r.notes.size() == 1;
     }},
    {{"--overwrite"}, [](const AnimateRequest& r) { return r.overwrite; }},
    {{"--batch_size=5"},
     [](const AnimateRequest& r) { return r.video.batch_size == 5; }},
    {{"--device=cuda:1"},
     [](const AnimateRequest& r) { return r.device == "cuda:1"; }},
    {{"--precision=bfloat16"},
     [](const AnimateRequest& r) {
       return r.animator.precision == Precision::kBfloat16;
     }},
    {{"--precision=float16"},
     [](const AnimateRequest& r) {
       return r.animator.precision == Precision::kFloat16;
     }},
    {{"--notf32"}, [](const AnimateRequest& r) { return !r.tf32; }},
    {{"--threads=3"}, [](const AnimateRequest& r) { return r.threads == 3; }},
    {{"--quiet"}, [](const AnimateRequest& r) { return r.quiet; }},
    {{"--json"}, [](const AnimateRequest& r) { return r.json; }},
};

TEST(AnimateFlags, EachFlagReachesTheRequest) {
  for (const GoodCase& good : kGoodCases) {
    SCOPED_TRACE(good.words[0]);
    const auto request = Request(good.words);
    ASSERT_THAT(request, IsOk());
    EXPECT_TRUE(good.shows(*request));
  }
}

TEST(AnimateFlags, EveryFlagIsInTheTable) {
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (flag->Filename() != kAnimateFlagsFile) continue;
    bool found = false;
    for (const GoodCase& good : kGoodCases) {
      for (const std::string& word : good.words) {
        const std::string given = word.substr(0, word.find('='));
        found = found || given == "--" + std::string(name) ||
                given == "--no" + std::string(name);
      }
    }
    EXPECT_TRUE(found) << name;
  }
}

struct BadCase {
  std::vector<std::string> words;
  const char* message;  // of which this is a part
};

TEST(AnimateFlags, AnErrorNamesFlagValueAndRemedy) {
  const BadCase bad_cases[] = {
      {{"--source=a.png"}, "--driving is needed, too"},
      {{"--driving=a.mp4"}, "--source is needed, too"},
      {{"--drivings=b"}, "--source is needed, too"},
      {{"--source=a", "--sources=b", "--driving=c"},
       "--source and --sources exclude each other; give one"},
      {{"--source=a", "--driving=b", "--drivings=c"},
       "--driving and --drivings exclude each other; give one"},
      {{"--source_frame=-1"}, "--source_frame is '-1'; use a number from 0"},
      {{"--source_frame=last"}, "--source_frame is 'last'; use a number"},
      {{"--crop=left"},
       "--crop is 'left'; use none, centre, face, or a part in pixels"},
      {{"--crop=1,2,0,4"}, "--crop is '1,2,0,4', which is empty"},
      {{"--crop=-1,2,3,4"}, "--crop is '-1,2,3,4'; use none, centre, face"},
      {{"--driving_crop=1,2,3,4"}, "--driving_crop: crop is '1,2,3,4'"},
      {{"--driving_crop=left"}, "--driving_crop: crop is 'left'; use none"},
      {{"--fps=0"}, "--fps is '0'; use a number above 0, at most 1000"},
      {{"--fps=25/0"}, "--fps is '25/0'; use a number above 0"},
      {{"--fps=fast"}, "--fps is 'fast'; use a number above 0"},
      {{"--crop=face", "--face=0"}, "--face: face is '0'; use largest, all"},
      {{"--face=2"}, "--face is '2', which has no effect without --crop face"},
      {{"--fade=0.2"},
       "--fade is '0.2', which has no effect without --paste_back"},
      {{"--paste_back", "--fade=0.6"}, "--fade is 0.6; use 0 to 0.5"},
      {{"--background=#12"}, "--background: background is '#12'; a colour is"},
      {{"--mask=m.png"},
       "--mask is 'm.png', which has no effect without --background"},
      {{"--smooth", "--smooth_filter=both"},
       "--smooth_filter is 'both'; use causal or zero_phase"},
      {{"--smooth_filter=zero_phase"},
       "--smooth_filter is 'zero_phase', which has no effect without --smooth"},
      {{"--show_sets=a.png", "--source=b.png", "--driving=c.mp4"},
       "--show_sets is a picture of one --source; leave out what drives it"},
      {{"--show_sets=a.png", "--json"},
       "--json is a report of animations; --show_sets makes none"},
      {{"--show_sets=a.png", "--save_keypoints=k.npy"},
       "--save_keypoints is of an animation; --show_sets makes none"},
      {{"--show_sets=a.png", "--save_deformation=f.npy"},
       "--save_deformation is of an animation; --show_sets makes none"},
      {{"--show_sets=a.png", "--save_flow=f.npy"},
       "--save_flow is of an animation; --show_sets makes none"},
      {{"--show_sets=a.png", "--save_motion=m.safetensors"},
       "--save_motion is of an animation; --show_sets makes none"},
      {{"--sources=a", "--driving=b", "--output=o", "--comparison",
        "--side_by_side"},
       "--comparison shows the middle of each result, and several --panels "
       "stand beside each other; leave out one of the two"},
      {{"--sources=a", "--driving=b", "--output=v4l2:/dev/video9"},
       "a device; many animations need a folder"},
      {{"--max_frames=-1"}, "--max_frames is -1; use 0 or more"},
      {{"--mode=absolute"},
       "--mode is 'absolute'; use auto, relative, standard"},
      {{"--start=-1"}, "--start: start is '-1'; use first, keypoints"},
      {{"--motion_scale=2.5"}, "--motion_scale: '2.5' is no number from 0 to"},
      {{"--motion_scale=-1"}, "--motion_scale: '-1' is no number from 0 to 2"},
      {{"--motion_scale=nan"}, "--motion_scale: 'nan' is no number from 0 to"},
      {{"--motion_scale=1,,1"}, "--motion_scale: '' is no number from 0 to 2"},
      {{"--smooth", "--smooth_cutoff=0"}, "--smooth_cutoff is 0; use a number"},
      {{"--smooth", "--smooth_gain=-1"}, "--smooth_gain is -1; use a number"},
      {{"--smooth", "--smooth_gain=inf"}, "--smooth_gain is inf; use a number"},
      {{"--smooth_cutoff=2"},
       "--smooth_cutoff is '2', which has no effect without --smooth"},
      {{"--smooth_gain=2"},
       "--smooth_gain is '2', which has no effect without --smooth"},
      {{"--output="}, "--output is empty; name a file or a folder"},
      {{"--sources=a", "--driving=b"}, "--output is needed for many"},
      {{"--driving=b", "--save_motion=m", "--save_keypoints=k.npy"},
       "--save_keypoints needs a --source"},
      {{"--sources=a", "--driving=b", "--output=o", "--format=mp4"},
       "--format is 'mp4'; use one of '' '.mp4'"},
      {{"--source=a", "--driving=b", "--format=.gif"},
       "--format is '.gif', which has no effect without --sources or"},
      {{"--source=a", "--driving=b", "--output=o.xyz"},
       "o.xyz: unknown ending; use .mp4"},
      {{"--comparison"},
       "--comparison is 'true', which has no effect without --sources or"},
      {{"--source=a", "--driving=b", "--halt_on_error"},
       "--halt_on_error is 'true', which has no effect without --sources or"},
      {{"--alpha_over=#12345"},
       "--alpha_over is \'#12345\'; use white, black or"},
      {{"--alpha_over=#12345g"}, "--alpha_over is \'#12345g\'"},
      {{"--alpha_over=-12345a"}, "--alpha_over is \'-12345a\'"},
      {{"--sources=a", "--driving=b", "--output=o", "--save_motion=m"},
       "--save_motion is for one animation at a time; use --source and"},
      {{"--sources=a", "--driving=b", "--output=o", "--save_deformation=f.npy"},
       "--save_deformation is for one animation at a time; use --source and"},
      {{"--sources=a", "--driving=b", "--output=o", "--save_flow=f.npy"},
       "--save_flow is for one animation at a time; use --source and"},
      {{"--save_flow=a.npy", "--save_deformation=b.npy"},
       "--save_flow is the former name of --save_deformation; give one of"},
      {{"--source=a", "--drivings=b", "--output=o", "--save_keypoints=k.npy"},
       "--save_keypoints is for one animation at a time; use --source and"},
      {{"--panels=result,depth"},
       "--panels: panel 'depth' is unknown; use some of source, driving"},
      {{"--columns=-1"}, "--columns is -1; use 0 or more"},
      {{"--columns=2"},
       "--columns is '2', which has no effect without several --panels"},
      {{"--side_by_side", "--panels=grid"}, "give one of the two"},
      {{"--size=0"}, "--size is '0'; use 640x480, or 512"},
      {{"--size=640x"}, "--size is '640x'; use 640x480, or 512"},
      {{"--size=1x2x3"}, "--size is '1x2x3'; use 640x480, or 512"},
      {{"--size=20000x2"}, "each 1 to 16384"},
      {{"--motion=tps"}, "--motion: 'tps' is no motion model; use cpab,"},
      {{"--model_size=384x"},
       "--model_size: '384x' is no size of frames; use 384, or 512x384"},
      {{"--batch_size=-1"}, "--batch_size is -1; use 0 or more"},
      {{"--precision=half"},
       "--precision: precision is 'half'; use auto, float32, bfloat16 or "
       "float16"},
      {{"--threads=-1"}, "--threads is -1; use 0 or more"},
  };
  for (const BadCase& bad : bad_cases) {
    SCOPED_TRACE(bad.message);
    EXPECT_THAT(Request(bad.words),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(bad.message)));
  }
}

TEST(AnimateFlags, RefusesResultsAmongTheInputs) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder);
  for (const auto& [flag, other] : {std::pair("--sources", "--driving=b"),
                                    std::pair("--drivings", "--source=b"),
                                    std::pair("--driving", "--sources=b"),
                                    std::pair("--source", "--drivings=b")}) {
    const std::string named = flag;
    EXPECT_THAT(
        Request({named + "=" + folder, other, "--output=" + folder + "/"}),
        StatusIs(StatusCode::kInvalidArgument,
                 HasSubstr("the folder of " + named + "; name another")));
  }
}

TEST(AnimateFlags, HelpTellsOfEveryFlag) {
  const std::string help =
      HelpText(kAnimateUsage, kAnimateFlagsFile, AnimateFlagGroups());
  EXPECT_THAT(help, Not(HasSubstr("Other flags")));
  int count = 0;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (flag->Filename() != kAnimateFlagsFile) continue;
    ++count;
    EXPECT_THAT(help, HasSubstr("\n  --" + std::string(name) + "\n"));
  }
  EXPECT_GT(count, 0);
}

TEST(AnimateItems, AreTheExampleWhereNoInputIsNamed) {
  AnimateInputs inputs;
  inputs.output = "out.mp4";
  const auto items = AnimateItems(inputs);
  ASSERT_THAT(items, IsOk());
  ASSERT_EQ(items->size(), 1);
  EXPECT_EQ(items->at(0).source, ExampleSource());
  EXPECT_EQ(items->at(0).driving, ExampleDriving());
  EXPECT_EQ(items->at(0).output, "out.mp4");
}

// As in the second run of one command.
TEST(AnimateItems, LeaveOutTheFolderOfTheResults) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder + "/made");
  std::ofstream(folder + "/a.png") << "x";
  std::ofstream(folder + "/made/a--d.gif") << "x";
  AnimateInputs inputs;
  inputs.sources = folder;
  inputs.driving = "/videos/d.mp4";
  inputs.output = folder + "/made";
  inputs.ending = ".gif";
  EXPECT_THAT(
      AnimateItems(inputs).value(),
      ElementsAre(Field(&BatchItem::output, folder + "/made/a--d.gif")));
}

TEST(AnimateItems, PairEachSourceWithEachDrivingVideo) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder + "/stills");
  for (const char* name : {"a.png", "b.png"}) {
    std::ofstream(folder + "/stills/" + name) << "x";
  }
  AnimateInputs inputs;
  inputs.sources = folder + "/stills";
  inputs.driving = "/videos/d.mp4";
  inputs.output = folder + "/made/results";
  inputs.ending = ".gif";
  EXPECT_TRUE(AreMany(inputs));
  EXPECT_THAT(
      AnimateItems(inputs).value(),
      ElementsAre(
          Field(&BatchItem::output, folder + "/made/results/a--d.gif"),
          Field(&BatchItem::output, folder + "/made/results/b--d.gif")));
  EXPECT_TRUE(std::filesystem::is_directory(inputs.output));
}

TEST(AnimateItems, NameAFolderThatCannotBeMade) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/file") << "x";
  std::ofstream(folder + "/list.txt") << "/a.png\n";
  AnimateInputs inputs;
  inputs.sources = folder + "/list.txt";
  inputs.driving = "/d.mp4";
  inputs.output = folder + "/file/results";
  EXPECT_THAT(AnimateItems(inputs),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr(folder + "/file/results: cannot make")));
}

}  // namespace
}  // namespace pipelines
