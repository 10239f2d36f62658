// fetch_weights as a user runs it, against a server of this test.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/published/loopback_server.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_program.h"

namespace {

using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::networks::published::HttpRequest;
using ::networks::published::HttpResponse;
using ::networks::published::LoopbackServer;
using ::networks::published::ServeFile;
using ::pipelines::ProgramResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// One whose authors publish no digest, and one of which the digest is known.
constexpr char kAny[] = "dino_deitsmall16_pretrain.pth";
constexpr char kKnown[] = "vgg19-dcbb9e9d.pth";

ProgramResult Fetch(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tools/fetch_weights");
  return pipelines::RunProgramForTest(arguments);
}

TEST(FetchWeights, DownloadsFromAMirrorOnceThenChecks) {
  LoopbackServer server(ServeFile("PK weights"));
  const std::string folder = FreshTestFolder();
  const std::vector<std::string> command = {"--dir", folder, "--mirror",
                                            server.Url("/files/"), kAny};
  const ProgramResult first = Fetch(command);
  EXPECT_EQ(first.exit_code, 0) << first.output;
  EXPECT_THAT(first.output, HasSubstr(std::string("fetched  ") + folder));
  EXPECT_EQ(ReadText(folder + "/" + kAny), "PK weights");
  const ProgramResult second = Fetch(command);
  EXPECT_EQ(second.exit_code, 0) << second.output;
  EXPECT_THAT(second.output, HasSubstr("was there, whole"));
  ASSERT_EQ(server.requests().size(), 1);
  EXPECT_EQ(server.requests()[0].target, std::string("/files/") + kAny);

  std::ofstream(folder + "/" + kAny) << "PK damage";
  const ProgramResult third = Fetch(command);
  EXPECT_EQ(third.exit_code, 1);
  EXPECT_THAT(third.output, AllOf(HasSubstr(kAny), HasSubstr("--force")));
}

TEST(FetchWeights, NamesOtherFoldersWhereItsOwnCannotBeMade) {
  const pipelines::ScopedCacheFolder none("/dev/null");
  const ProgramResult result = Fetch({"--mirror=http://127.0.0.1:1", kAny});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("/dev/null"), HasSubstr("XDG_CACHE_HOME"),
                    HasSubstr("--dir")));
}

// As of a source that sends a page before another one sends the file.
TEST(FetchWeights, ShowsTheProgressOfTheAnswerThatCounts) {
  const std::string page(7000, 'p');
  const std::string file = "PK" + std::string(2500000, 'w');
  bool is_first = true;
  LoopbackServer server([&](const HttpRequest& request) {
    if (!is_first) return ServeFile(file, "\"v2\"")(request);
    is_first = false;
    HttpResponse response = ServeFile(page)(request);
    response.cut_after = 3000;
    return response;
  });
  const ProgramResult result =
      Fetch({"--dir", FreshTestFolder(), "--mirror", server.Url(""), kAny});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr(" 2/2 "));
}

// The authors' server can go on with it later.
TEST(FetchWeights, KeepsWhatTheAuthorsServerBroughtWhereAMirrorBreaksOff) {
  LoopbackServer server([](const HttpRequest& request) {
    HttpResponse response = ServeFile("PK weights", "\"mirror\"")(request);
    if (request.range_first() > 0) response.status = 503;
    response.cut_after = 4;
    return response;
  });
  const std::string folder = FreshTestFolder();
  const std::string part = folder + "/" + kAny + ".part";
  std::filesystem::create_directories(folder);
  std::ofstream(part) << "PK wei";
  std::ofstream(part + ".version") << "\"authors\"\n";
  const ProgramResult result =
      Fetch({"--dir", folder, "--mirror", server.Url(""), kAny});
  EXPECT_EQ(result.exit_code, 129) << result.output;
  EXPECT_EQ(ReadText(part), "PK wei");
  EXPECT_EQ(ReadText(part + ".version"), "\"authors\"\n");
  EXPECT_EQ(ReadText(part + "4"), "PK w");
}

TEST(FetchWeights, RefusesAFileWithAnotherDigestFromAMirror) {
  LoopbackServer server(ServeFile("PK something else"));
  const std::string folder = FreshTestFolder();
  const ProgramResult result =
      Fetch({"--dir=" + folder, "--mirror=" + server.Url(""), kKnown});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("dcbb9e9d"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/" + kKnown));
}

TEST(FetchWeights, TellsWhetherTryingAgainHelps) {
  HttpResponse response;
  LoopbackServer server([&](const HttpRequest&) { return response; });
  const std::vector<std::string> command = {"--dir", FreshTestFolder(),
                                            "--mirror", server.Url(""), kAny};
  response.status = 404;
  const ProgramResult gone = Fetch(command);
  EXPECT_EQ(gone.exit_code, 1) << gone.output;
  EXPECT_THAT(gone.output, HasSubstr(server.Url("")));
  response.status = 503;
  EXPECT_EQ(Fetch(command).exit_code, 129);
}

TEST(FetchWeights, NamesMistakes) {
  const ProgramResult none = Fetch({});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.output, HasSubstr("which weights? --list shows"));
  const ProgramResult unknown = Fetch({kAny, "vgg"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.output, AllOf(HasSubstr("'vgg'"), HasSubstr("vgg19"),
                                    Not(HasSubstr("fetched"))));
  const ProgramResult mirror = Fetch({"--mirror=files", kAny});
  EXPECT_EQ(mirror.exit_code, 2);
  EXPECT_THAT(mirror.output, HasSubstr("--mirror is 'files'; use an address"));
}

TEST(FetchWeights, ListsNothingWhereItIsToFetch) {
  const std::vector<std::vector<std::string>> commands = {
      {"--list", kAny}, {"--list", "--force"}, {"--list", "--mirror=http://a"}};
  for (const std::vector<std::string>& command : commands) {
    const ProgramResult result = Fetch(command);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.output, AllOf(HasSubstr("--list fetches nothing"),
                                     Not(HasSubstr("Licence"))));
  }
}

TEST(FetchWeights, ListsWhatIsThere) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/" + kAny) << std::string(2500000, 'w');
  const ProgramResult result = Fetch({"--dir", folder, "--list"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("tps-vox            351.0 MB  faces"));
  EXPECT_THAT(result.output, HasSubstr("\n1 of "));
  EXPECT_THAT(result.output, HasSubstr(" files are here, 2.5 MB.\n"));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("fetched  dino-vits16          2.5 MB  DINO"),
                    HasSubstr(kAny), HasSubstr("-        vgg19"),
                    HasSubstr(kKnown), HasSubstr("Licence: Apache-2.0.")));
}

}  // namespace
