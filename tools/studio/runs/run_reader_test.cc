#include "tools/studio/runs/run_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/file_lock.h"
#include "networks/files/testing_folder.h"
#include "nlohmann/json.hpp"
#include "tools/studio/base/field_error.h"
#include "tools/studio/runs/run_finder.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr char kPng[] = "\x89PNG\r\n\x1a\nrest";

class RunReaderTest : public networks::files::FolderTest {
 protected:
  // A run that has ended.
  void WriteRun(const std::string& name) const {
    fs::create_directories(Path(name + "/pictures"));
    fs::create_directories(Path(name + "/evaluation"));
    fs::create_directories(Path(name + "/checkpoints"));
    Write(name + "/config.textproto", "training {\n  max_steps: 20\n}\n");
    Write(name + "/losses.csv",
          "step,total,learning_rate\n1,4,0.1\n2,3,0.1\n3,2.5,0.1\n");
    Write(name + "/timing.csv", "step,seconds,data_share\n1,0.5,0\n");
    Write(name + "/pictures/epoch-00001.png", kPng);
    Write(name + "/pictures/epoch-00002.png", kPng);
    Write(name + "/evaluation/worst-00.png", kPng);
    Write(name + "/animation.mp4", std::string("\0\0\0\x18"
                                               "ftypisom",
                                               12));
    Write(name + "/index.html", "<p>page</p>");
    Write(name + "/evaluation.json", "{}");
  }

  void MakeOld(const std::string& name) const {
    fs::last_write_time(
        Path(name), fs::file_time_type::clock::now() - std::chrono::hours(1));
  }

  json List() { return reader_.List().value(); }
  std::string Id(const std::string& name) {
    for (const json& run : List()) {
      if (run["name"] == name) return run["id"];
    }
    return "none";
  }
  json Read(const std::string& name, int64_t since = 0) {
    return reader_.Read(Id(name), since).value();
  }
  std::string StateOf(const std::string& name) { return Read(name)["state"]; }

  RunReader reader_{Path("root")};
};

TEST_F(RunReaderTest, ListsRunsBelowTheRootNewestFirst) {
  WriteRun("root/a");
  WriteRun("root/study/b");
  WriteRun("root/study/b/below_a_run");
  WriteRun("root/1/2/3/too_deep");
  WriteRun("root/.hidden");
  fs::create_directories(Path("root/no_run"));
  for (const char* file :
       {"losses.csv", "config.textproto", "evaluation.json", "index.html"}) {
    MakeOld(absl::StrCat("root/a/", file));
  }
  const json runs = List();
  ASSERT_EQ(runs.size(), 2) << runs;
  EXPECT_EQ(runs[0]["name"], "study/b");
  EXPECT_EQ(runs[1]["name"], "a");
  EXPECT_THAT(runs[1]["id"].get<std::string>(),
              MatchesRegex("[A-Za-z0-9_-]{22}"));
  EXPECT_EQ(runs[1]["step"], 3);
  EXPECT_EQ(runs[1]["steps"], 20);
  EXPECT_THAT(runs[1]["modified"].get<std::string>(),
              MatchesRegex("20..-..-..T..:..:..Z"));
}

TEST_F(RunReaderTest, TheRootItselfMayBeARunOrNotBeThere) {
  EXPECT_THAT(List(), IsEmpty());
  WriteRun("root");
  EXPECT_EQ(List()[0]["name"], "root");
  EXPECT_THAT(reader_.Folders(), ElementsAre(Path("root")));
}

TEST_F(RunReaderTest, FindsTheLastByNameOfTooManyRuns) {
  for (int run = 1; run <= 501; ++run) {
    const std::string name = absl::StrCat("root/run", run);
    fs::create_directories(Path(name));
    Write(absl::StrCat(name, "/losses.csv"), "");
  }
  const auto runs = FindRuns(Path("root")).value();
  ASSERT_EQ(runs.size(), 500u);
  EXPECT_THAT(runs.front(), ElementsAre("run501"));
  EXPECT_THAT(runs.back(), ElementsAre("run2"));
}

// The name that people see may be another one than the folder's.
TEST_F(RunReaderTest, GivesFoldersByTheirOwnBytes) {
  WriteRun("root/study/caf\xe9");
  EXPECT_EQ(List()[0]["name"], "study/caf\ufffd");
  EXPECT_THAT(reader_.Folders(), ElementsAre(Path("root/study/caf\xe9")));
}

// Also by the names of earlier programs.
TEST_F(RunReaderTest, TellsLossesFromWhatElseIsMeasuredByTheirNames) {
  WriteRun("root/a");
  Write("root/a/losses.csv",
        "step,warp,learning_rate,gradient_detector,fit_residual,fit_iterations,"
        "exact_gradient,transforms_in_use,parts_in_use\n1,1,2,3,4,5,6,7,8\n");
  const json run = Read("a");
  ASSERT_EQ(run["series"].size(), 10) << run;
  EXPECT_EQ(run["series"][0]["kind"], "loss");
  for (int i = 1; i < 8; ++i) {
    EXPECT_EQ(run["series"][i]["kind"], "training") << run["series"][i]["name"];
  }
}

TEST_F(RunReaderTest, GivesSeriesPicturesPageAndSettings) {
  WriteRun("root/a");
  const json run = Read("a");
  ASSERT_EQ(run["series"].size(), 4) << run;
  EXPECT_EQ(run["series"][0]["name"], "total");
  EXPECT_EQ(run["series"][0]["kind"], "loss");
  EXPECT_EQ(run["series"][0]["points"],
            json::parse("[[1,4,4,4],[2,3,3,3],[3,2.5,2.5,2.5]]"));
  EXPECT_EQ(run["series"][1]["kind"], "training");
  EXPECT_EQ(run["series"][2]["kind"], "time");
  EXPECT_EQ(run["stride"], 1);
  EXPECT_EQ(run["complete"], true);
  EXPECT_EQ(run["pictures"], json({"epoch-00001.png", "epoch-00002.png"}));
  EXPECT_EQ(run["has_page"], true);
  EXPECT_THAT(run["settings"].get<std::string>(), HasSubstr("max_steps"));
  EXPECT_THAT(run["warnings"], IsEmpty());
  EXPECT_EQ(Read("a", 2)["series"][0]["points"],
            json::parse("[[3,2.5,2.5,2.5]]"));
  EXPECT_EQ(reader_.Picture(Id("a"), "epoch-00001.png")->bytes, kPng);
  EXPECT_EQ(reader_.Picture(Id("a"), "evaluation:worst-00.png")->content_type,
            "image/png");
  EXPECT_EQ(reader_.Picture(Id("a"), "animation.mp4")->content_type,
            "video/mp4");
  EXPECT_EQ(reader_.Page(Id("a"))->bytes, "<p>page</p>");
}

TEST_F(RunReaderTest, FollowsARunThatGrows) {
  WriteRun("root/a");
  EXPECT_EQ(Read("a")["step"], 3);
  std::string table = networks::files::ReadText(Path("root/a/losses.csv"));
  Write("root/a/losses.csv", table + "4,1,0.1\n5,0.");
  const json run = Read("a", 3);
  EXPECT_EQ(run["step"], 4);
  EXPECT_EQ(run["series"][0]["points"], json::parse("[[4,1,1,1]]"));
}

TEST_F(RunReaderTest, ForgetsWhenAFormerRunOfTheFolderBegan) {
  WriteRun("root/a");
  const json config = Read("a")["started"];
  fs::create_directories(Path("root/a/events"));
  Write("root/a/events/events.out.tfevents.1600000000.host", "");
  EXPECT_EQ(Read("a")["started"], "2020-09-13T12:26:40Z");
  fs::remove_all(Path("root/a/events"));
  EXPECT_EQ(Read("a")["started"], config);
}

TEST_F(RunReaderTest, TellsStatesApart) {
  WriteRun("root/a");
  EXPECT_EQ(StateOf("a"), "ended");
  fs::remove(Path("root/a/evaluation.json"));
  EXPECT_EQ(StateOf("a"), "stopped");
  {
    const auto lock = networks::files::FileLock::Take(Path("root/a/lock"));
    ASSERT_TRUE(lock.ok());
    for (const char* file : {"losses.csv", "config.textproto", "index.html"}) {
      MakeOld(absl::StrCat("root/a/", file));
    }
    EXPECT_EQ(StateOf("a"), "running");
  }
  EXPECT_EQ(StateOf("a"), "stopped");
}

// The lock of a killed process stays behind. No process has the largest number.
TEST_F(RunReaderTest, ALockOfADeadProcessIsNoTraining) {
  char host[256] = {};
  gethostname(host, 255);
  WriteRun("root/a");
  fs::remove(Path("root/a/evaluation.json"));
  Write("root/a/lock", absl::StrCat("process 2147483647 on ", host, "\n\n"));
  EXPECT_EQ(StateOf("a"), "stopped");
}

TEST_F(RunReaderTest, ALockOfAnotherMachineCountsWhileTheRunWrites) {
  WriteRun("root/a");
  Write("root/a/lock", "process 5 on some-other-machine\n\n");
  EXPECT_EQ(StateOf("a"), "running");
  for (const char* file :
       {"losses.csv", "config.textproto", "index.html", "evaluation.json"}) {
    MakeOld(absl::StrCat("root/a/", file));
  }
  EXPECT_NE(StateOf("a"), "running");
}

TEST_F(RunReaderTest, FollowsNoLinkOutOfTheRoot) {
  WriteRun("outside");
  fs::create_directories(Path("root"));
  fs::create_directory_symlink(Path("outside"), Path("root/linked"));
  EXPECT_THAT(List(), IsEmpty());
  WriteRun("root/a");
  for (const char* name : {"losses.csv", "index.html", "config.textproto",
                           "pictures/epoch-00001.png", "animation.mp4"}) {
    fs::remove(Path(absl::StrCat("root/a/", name)));
    fs::create_symlink(Path(absl::StrCat("outside/", name)),
                       Path(absl::StrCat("root/a/", name)));
  }
  fs::remove_all(Path("root/a/evaluation"));
  fs::create_directory_symlink(Path("outside/evaluation"),
                               Path("root/a/evaluation"));
  // Still a run for it has checkpoints and, made anew, a config.
  fs::remove(Path("root/a/config.textproto"));
  Write("root/a/config.textproto", "");
  const std::string id = Id("a");
  EXPECT_FALSE(reader_.Page(id).ok());
  EXPECT_FALSE(reader_.Picture(id, "epoch-00001.png").ok());
  EXPECT_FALSE(reader_.Picture(id, "evaluation:worst-00.png").ok());
  EXPECT_FALSE(reader_.Picture(id, "animation.mp4").ok());
  const json run = Read("a");
  EXPECT_EQ(run["has_page"], false);
  EXPECT_THAT(run["warnings"].dump(), HasSubstr("symbolic link"));
}

TEST_F(RunReaderTest, RefusesNamesThatAreNoPictures) {
  WriteRun("root/a");
  Write("root/a/pictures/text.png", "not a picture");
  Write("root/a/pictures/epoch 1.png", kPng);
  Write("root/a/pictures/\xff.png", kPng);
  EXPECT_EQ(Read("a")["pictures"],
            json({"epoch-00001.png", "epoch-00002.png", "text.png"}));
  const std::string id = Id("a");
  for (const std::string& name :
       {std::string("../config.textproto"), std::string("..%2f.png"),
        std::string("x/../y.png"), std::string("evaluation:../x.png"),
        std::string(".png"), std::string(), std::string("losses.csv"),
        std::string("a\0b.png", 7), std::string(200, 'a') + ".png"}) {
    const auto status = reader_.Picture(id, name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(FieldOf(status), "name");
  }
  EXPECT_EQ(reader_.Picture(id, "none.png").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(reader_.Picture(id, "text.png").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(RunReaderTest, AnIdOfNoRunIsNotFound) {
  WriteRun("root/a");
  for (const char* id : {"", "a", "../a", "AAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(reader_.Read(id, 0).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(reader_.Page(id).status().code(), absl::StatusCode::kNotFound);
  }
}

TEST_F(RunReaderTest, TakesAFolderOfRubbish) {
  fs::create_directories(Path("root/a/events/events.out.tfevents.1.x"));
  fs::create_directories(Path("root/a/timing.csv"));
  Write("root/a/losses.csv", std::string("\xff\xfe,\0\n,,,\n", 9));
  Write("root/a/config.textproto", "\xff\xfemax_steps: -7\nmax_steps: x");
  Write("root/a/pictures", "no folder");
  Write("root/a/lock", std::string(5000, '\xff'));
  ASSERT_EQ(mkfifo(Path("root/a/index.html").c_str(), 0600), 0);
  fs::create_directories(Path("root/\xff\xfe name"));
  Write("root/\xff\xfe name/losses.csv", "step\n");
  EXPECT_EQ(List().size(), 2);
  EXPECT_FALSE(List().dump().empty());
  const json run = Read("a");
  EXPECT_FALSE(run.dump().empty());
  EXPECT_TRUE(run["steps"].is_null());
  EXPECT_THAT(run["pictures"], IsEmpty());
  EXPECT_THAT(run["warnings"].dump(), HasSubstr("losses.csv"));
}

}  // namespace
}  // namespace studio
