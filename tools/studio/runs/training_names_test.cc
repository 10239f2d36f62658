// The names by which the reader of runs tells kinds of columns apart are those
// that a training step reports.
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "nlohmann/json.hpp"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/step_report.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/runs/run_reader.h"

namespace studio {
namespace {

using TrainingNamesTest = networks::files::FolderTest;

TEST_F(TrainingNamesTest, AreThoseOfEveryStepReport) {
  const auto learner = pipelines::Learner::Create(*pipelines::TinyConfig(),
                                                  torch::kCPU, nullptr);
  ASSERT_THAT(learner, IsOk());
  const pipelines::StepReport layout = (*learner)->Layout();
  std::string header = "step", line = "1";
  std::map<std::string, std::string> kinds;
  for (const pipelines::StepValue& value : layout.values()) {
    absl::StrAppend(&header, ",", value.name);
    line += ",0";
    kinds[value.name] =
        value.kind == pipelines::StepValueKind::kLoss ? "loss" : "training";
  }
  std::filesystem::create_directories(Path("root/run"));
  Write("root/run/config.textproto", "training {\n  max_steps: 20\n}\n");
  Write("root/run/losses.csv", absl::StrCat(header, "\n", line, "\n"));

  RunReader reader(Path("root"));
  const auto runs = reader.List();
  ASSERT_THAT(runs, IsOk());
  ASSERT_EQ(runs->size(), 1u);
  const auto run = reader.Read((*runs)[0]["id"].get<std::string>(), 0);
  ASSERT_THAT(run, IsOk());
  ASSERT_EQ((*run)["series"].size(), kinds.size()) << *run;
  for (const nlohmann::json& series : (*run)["series"]) {
    const auto name = series["name"].get<std::string>();
    EXPECT_EQ(series["kind"].get<std::string>(), kinds[name])
        << name << ": say its kind in IsTrainingName of run_reader.cc";
  }
}

}  // namespace
}  // namespace studio
