#include "tools/studio/studio_server.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "nlohmann/json.hpp"
#include "pipelines/base/runfile.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/http/testing_client.h"

namespace studio {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;
using ::testing::_;
using ::testing::HasSubstr;
using ::testing::Not;

class StudioServerTest : public networks::files::FolderTest {
 protected:
  StudioServerTest() {
    options_.port = 0;
    options_.data = Path("data");
    options_.runs = Path("runs");
    options_.page = pipelines::RunfilePath("tools/studio/page");
    options_.quota = 50000000;
    options_.max_upload = 1000000;
    options_.device = "cpu";
  }

  void Start() {
    server_.reset();
    absl::StatusOr<std::unique_ptr<StudioServer>> server =
        StudioServer::Start(options_);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  std::string Token() const {
    return absl::StrCat("Authorization: Bearer ", server_->token(), "\r\n");
  }

  Answer Ask(const std::string& method, const std::string& path,
             const std::string& body = "", const std::string& more = "") {
    return studio::Ask(server_->port(), method, absl::StrCat("/api/v1", path),
                       absl::StrCat(Token(), more), body);
  }

  Answer Upload(const std::string& kind, const std::string& bytes) {
    return Ask("POST", absl::StrCat("/uploads?kind=", kind), bytes);
  }

  static json JsonOf(const Answer& answer) {
    return json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  }

  // The job as it is when it has ended.
  json WaitForJob(const std::string& id) {
    for (int i = 0; i < 2400; ++i) {
      const json job = JsonOf(Ask("GET", "/jobs/" + id));
      if (job["state"] != "queued" && job["state"] != "running") return job;
      absl::SleepFor(absl::Milliseconds(50));
    }
    return nullptr;
  }

  int CountFiles(const std::string& folder) const {
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(Path(folder))) {
      files += entry.is_regular_file();
    }
    return files;
  }

  StudioOptions options_;
  std::unique_ptr<StudioServer> server_;
};

// Whether `value` is of the type, or one of the types, that `schema` names.
bool IsOfType(const json& schema, const json& value) {
  const json& types = schema.value("type", json::array({value.type_name()}));
  const char* type = value.is_number_integer() ? "integer" : "";
  return std::any_of(types.begin(), types.end(), [&](const json& allowed) {
    return allowed == value.type_name() || allowed == type;
  });
}

// Where `value` is not as `schema` of the description `api` says; empty if it
// is so everywhere. Of JSON Schema: $ref, oneOf (as anyOf), type, enum,
// required, properties (no others) and items.
std::string Violation(const json& api, const json& schema, const json& value,
                      const std::string& place) {
  if (schema.contains("$ref")) {
    const std::string pointer = schema["$ref"].get<std::string>().substr(1);
    return Violation(api, api[json::json_pointer(pointer)], value, place);
  }
  const json& kinds = schema.value("oneOf", json::array());
  if (!kinds.empty() &&
      std::none_of(kinds.begin(), kinds.end(), [&](const json& kind) {
        return Violation(api, kind, value, place).empty();
      })) {
    return absl::StrCat(place, " is of none of its kinds: ", value.dump());
  }
  if (!IsOfType(schema, value)) {
    return absl::StrCat(place, " is of another type: ", value.dump());
  }
  const json& choices = schema.value("enum", json::array({value}));
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    return absl::StrCat(place, " is no choice: ", value.dump());
  }
  for (const json& field : schema.value("required", json::array())) {
    const std::string name = field;
    if (!value.contains(name)) return absl::StrCat(place, " has no ", name);
  }
  const bool has_fields = value.is_object() && schema.contains("properties");
  const bool has_items = value.is_array() && schema.contains("items");
  if (!has_fields && !has_items) return "";
  for (const auto& [name, part] : value.items()) {
    const std::string inner = absl::StrCat(place, "/", name);
    if (has_fields && !schema["properties"].contains(name)) {
      return absl::StrCat(inner, " is not described");
    }
    const json& kind = has_items ? schema["items"] : schema["properties"][name];
    const std::string found = Violation(api, kind, part, inner);
    if (!found.empty()) return found;
  }
  return "";
}

const char kAnimate[] =
    R"({"type":"animate","source":"bundled:puppet","driving":"bundled:dance",)"
    R"("checkpoint":"shipped","max_frames":2})";

TEST_F(StudioServerTest, ServesThePageWithoutTheToken) {
  Start();
  const Answer page = studio::Ask(server_->port(), "GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<!doctype html>"));
  EXPECT_THAT(page.body, Not(HasSubstr(server_->token())));
  const Answer api = studio::Ask(server_->port(), "GET", "/openapi.json");
  EXPECT_EQ(JsonOf(api)["openapi"], "3.1.0");
}

TEST_F(StudioServerTest, TheApiNeedsTheTokenEverywhere) {
  Start();
  for (const char* path : {"/api/v1/system", "/api/v1/jobs", "/api/v1/nothing",
                           "/api", "/api/v2"}) {
    EXPECT_EQ(studio::Ask(server_->port(), "GET", path).status, 401) << path;
    EXPECT_EQ(studio::Ask(server_->port(), "POST", path, "", "{}").status, 401)
        << path;
  }
  EXPECT_EQ(Ask("GET", "/system").status, 200);
}

TEST_F(StudioServerTest, RefusesOtherSites) {
  Start();
  EXPECT_EQ(Ask("GET", "/system", "", "Origin: http://evil.example\r\n").status,
            403);
  TestingClient client(server_->port());
  client.Send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 421);
}

TEST_F(StudioServerTest, DescribesTheSystem) {
  Start();
  const json system = JsonOf(Ask("GET", "/system"));
  EXPECT_EQ(system["device"], "cpu");
  EXPECT_TRUE(system["device_name"].is_string());
  EXPECT_EQ(system["limits"]["max_upload"], 1000000);
  EXPECT_EQ(system["disk"]["quota"], 50000000);
  EXPECT_EQ(system["disk"]["stored"], 0);
  EXPECT_GT(system["disk"]["room"], 0);
  EXPECT_THAT(system["choices"]["modes"].dump(), HasSubstr("relative"));
  const json bundled = JsonOf(Ask("GET", "/bundled"));
  EXPECT_EQ(bundled["stills"][0]["id"], "bundled:puppet");
  EXPECT_EQ(bundled["stills"][0]["width"], 256);
  EXPECT_EQ(bundled["videos"][0]["frames"], 98);
  EXPECT_EQ(JsonOf(Ask("GET", "/uploads/bundled:dance"))["frames"], 98);
  EXPECT_EQ(JsonOf(Ask("GET", "/checkpoints"))[0]["id"], "shipped");
  EXPECT_EQ(JsonOf(Ask("GET", "/runs")), json::array());
}

TEST_F(StudioServerTest, ARunAtTheRootItselfHasItsCheckpoint) {
  fs::create_directories(Path("runs/checkpoints"));
  Write("runs/losses.csv", "step,total\n1,2\n");
  Write("runs/checkpoints/best.safetensors", "");
  Start();
  EXPECT_EQ(JsonOf(Ask("GET", "/runs"))[0]["name"], "runs");
  EXPECT_THAT(Ask("GET", "/checkpoints").body, HasSubstr(R"("from":"run")"));
}

TEST_F(StudioServerTest, TakesAPictureAndShowsIt) {
  Start();
  const std::string png = networks::files::ReadText(pipelines::ExampleSource());
  const Answer created = Upload("image", png);
  EXPECT_EQ(created.status, 201);
  const std::string id = JsonOf(created)["id"];
  const std::string path = "/uploads/" + id;
  EXPECT_EQ(JsonOf(Ask("GET", path))["height"], 256);
  EXPECT_EQ(Ask("GET", path + "/content").body, png);
  EXPECT_EQ(Ask("GET", path + "/content", "", "Range: bytes=1-3\r\n").body,
            "PNG");
  EXPECT_THAT(Ask("GET", path + "/preview?side=64").body, HasSubstr("IHDR"));
  EXPECT_EQ(Ask("GET", path + "/preview?side=5000").status, 400);
  EXPECT_GT(JsonOf(Ask("GET", path + "/crop?by=centre"))["side"], 0);
  EXPECT_EQ(Ask("DELETE", path).status, 204);
  EXPECT_EQ(Ask("GET", path).status, 404);
  EXPECT_EQ(CountFiles("data/uploads"), 0);
}

TEST_F(StudioServerTest, RefusesUploadsThatAreNotWhatTheySay) {
  Start();
  const std::string png = networks::files::ReadText(pipelines::ExampleSource());
  const std::string mp4 =
      networks::files::ReadText(pipelines::ExampleDriving());
  EXPECT_EQ(Upload("image", mp4).status, 415);
  EXPECT_EQ(Upload("motion", mp4).status, 415);
  EXPECT_EQ(Upload("image", "no picture").status, 415);
  EXPECT_EQ(Upload("image", png.substr(0, png.size() / 2)).status, 415);
  EXPECT_EQ(Upload("film", png).status, 400);
  EXPECT_EQ(
      Ask("POST", "/uploads?kind=image", "", "Content-Length: 0\r\n").status,
      400);
  EXPECT_EQ(Ask("POST", "/uploads?kind=image").status, 411);
  EXPECT_EQ(Ask("POST", "/uploads?kind=image", png,
                "Content-Type: multipart/form-data; boundary=x\r\n")
                .status,
            415);
  EXPECT_EQ(CountFiles("data/uploads"), 0);
}

TEST_F(StudioServerTest, RefusesWhatIsTooLargeBeforeItIsStored) {
  options_.quota = 100000;
  Start();
  for (const char* length : {"2000000000", "1000001"}) {
    TestingClient client(server_->port());
    client.Send(absl::StrCat(
        "POST /api/v1/uploads?kind=video HTTP/1.1\r\nHost: localhost\r\n",
        Token(), "Content-Length: ", length, "\r\n\r\n"));
    EXPECT_EQ(client.Receive().status, 413) << length;
  }
  EXPECT_EQ(Upload("image", std::string(100001, 'x')).status, 507);
  EXPECT_EQ(CountFiles("data/uploads"), 0);
  EXPECT_EQ(JsonOf(Ask("GET", "/system"))["disk"]["used"], 0);
}

TEST_F(StudioServerTest, AnUploadThatIsCutOffLeavesNothing) {
  Start();
  {
    TestingClient client(server_->port());
    client.Send(absl::StrCat(
        "POST /api/v1/uploads?kind=video HTTP/1.1\r\nHost: localhost\r\n",
        Token(), "Content-Length: 1000\r\n\r\nabc"));
    absl::SleepFor(absl::Milliseconds(100));
  }
  for (int i = 0; i < 200 && CountFiles("data/uploads") > 0; ++i) {
    absl::SleepFor(absl::Milliseconds(25));
  }
  EXPECT_EQ(CountFiles("data/uploads"), 0);
  EXPECT_EQ(JsonOf(Ask("GET", "/system"))["disk"]["used"], 0);
}

TEST_F(StudioServerTest, KnowsNoOtherAddressesAndIds) {
  Start();
  for (const char* path :
       {"/nothing", "/uploads/..%2f..%2fetc%2fpasswd", "/uploads/bundled:x",
        "/jobs/abcdefghijklmnopqrstuv", "/jobs/x/result", "/jobs/x/events",
        "/runs/abcdefghijklmnopqrstuv", "/uploads/x/preview"}) {
    EXPECT_EQ(Ask("GET", path).status, 404) << path;
  }
  EXPECT_EQ(Ask("PUT", "/jobs").status, 405);
  EXPECT_EQ(Ask("DELETE", "/uploads/bundled:puppet").status, 404);
  EXPECT_EQ(Ask("OPTIONS", "/jobs").status, 405);
}

TEST_F(StudioServerTest, NamesTheFieldOfAJobThatIsWrong) {
  Start();
  const Answer wrong = Ask(
      "POST", "/jobs",
      R"({"type":"animate","source":"bundled:puppet","driving":"http://x/y",)"
      R"("checkpoint":"shipped"})");
  EXPECT_EQ(wrong.status, 404);
  EXPECT_EQ(JsonOf(wrong)["error"]["field"], "driving");
  EXPECT_EQ(Ask("POST", "/jobs", "[]").status, 400);
  EXPECT_EQ(Ask("POST", "/jobs", R"({"type":"exec"})").status, 400);
  EXPECT_EQ(Ask("POST", "/jobs", "{}", "Content-Type: text/plain\r\n").status,
            415);
}

TEST_F(StudioServerTest, WarpsAPicture) {
  Start();
  const Answer answer =
      Ask("POST", "/warp",
          R"({"picture":"bundled:puppet","size":64,"points":[)"
          R"({"from":[0.5,0.5],"to":[0.55,0.5]}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_GT(answer.body.size(), size_t{64 * 64 * 4});
  EXPECT_EQ(Ask("POST", "/warp", R"({"picture":"bundled:dance"})").status, 400);
  EXPECT_EQ(Ask("POST", "/warp", "{}").status, 400);
}

TEST_F(StudioServerTest, AnimatesFromUploadToResult) {
  Start();
  const Answer created = Ask("POST", "/jobs", kAnimate);
  ASSERT_EQ(created.status, 202) << created.body;
  const std::string id = JsonOf(created)["id"];
  const Answer events = Ask("GET", absl::StrCat("/jobs/", id, "/events"));
  EXPECT_EQ(events.headers.at("content-type"), "text/event-stream");
  EXPECT_THAT(events.body, HasSubstr("event: job\ndata: {"));
  const json job = WaitForJob(id);
  ASSERT_EQ(job["state"], "done") << job;
  EXPECT_THAT(events.body, HasSubstr("\"done\""));
  const Answer result = Ask("GET", absl::StrCat("/jobs/", id, "/result"));
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.headers.at("content-type"), "video/mp4");
  EXPECT_THAT(result.body.substr(0, 12), HasSubstr("ftyp"));
  EXPECT_EQ(Ask("GET", absl::StrCat("/jobs/", id, "/frame?index=1")).status,
            200);
  EXPECT_EQ(Ask("GET", absl::StrCat("/jobs/", id, "/result?format=exe")).status,
            400);

  Start();  // again
  EXPECT_EQ(JsonOf(Ask("GET", "/jobs/" + id))["state"], "done");
  EXPECT_EQ(Ask("GET", absl::StrCat("/jobs/", id, "/result")).body,
            result.body);
  EXPECT_EQ(Ask("DELETE", "/jobs/" + id).status, 204);
  EXPECT_EQ(CountFiles("data/jobs"), 0);
}

TEST_F(StudioServerTest, AMotionJobMakesAFileAndKeypointsAndNoVideo) {
  Start();
  const Answer created = Ask("POST", "/jobs",
                             R"({"type":"motion","driving":"bundled:dance",)"
                             R"("checkpoint":"shipped","max_frames":2})");
  ASSERT_EQ(created.status, 202) << created.body;
  const std::string path =
      absl::StrCat("/jobs/", JsonOf(created)["id"].get<std::string>());
  ASSERT_EQ(WaitForJob(JsonOf(created)["id"])["state"], "done");
  EXPECT_EQ(Ask("GET", path + "/result?format=motion").status, 200);
  EXPECT_EQ(JsonOf(Ask("GET", path + "/keypoints"))["frames"].size(),
            size_t{2});
  EXPECT_EQ(Ask("GET", path + "/frame?index=latest").status, 204);
  EXPECT_EQ(Ask("GET", path + "/frame?index=0").status, 400);
}

TEST_F(StudioServerTest, AnswersAsItsDescriptionSays) {
  Start();
  const json api = JsonOf(studio::Ask(server_->port(), "GET", "/openapi.json"));
  const std::string picture =
      networks::files::ReadText(pipelines::ExampleSource());
  ASSERT_EQ(Upload("image", picture).status, 201);
  const Answer created = Ask("POST", "/jobs", kAnimate);
  ASSERT_EQ(created.status, 202) << created.body;
  ASSERT_EQ(WaitForJob(JsonOf(created)["id"])["state"], "done");
  for (const char* path :
       {"/system", "/bundled", "/checkpoints", "/uploads", "/jobs"}) {
    const json& described =
        api["paths"][path]["get"]["responses"]["200"]["content"];
    const json answer = JsonOf(Ask("GET", path));
    EXPECT_EQ(
        Violation(api, described["application/json"]["schema"], answer, path),
        "");
  }
  EXPECT_FALSE(
      JsonOf(Ask("GET", "/uploads/bundled:dance")).contains("created"));
}

TEST_F(StudioServerTest, AJobThatTheServerDidNotFinishIsInterrupted) {
  Start();
  const std::string id = JsonOf(Ask("POST", "/jobs", kAnimate))["id"];
  Start();
  const json job = JsonOf(Ask("GET", "/jobs/" + id));
  EXPECT_EQ(job["state"], "interrupted");
  EXPECT_EQ(Ask("GET", absl::StrCat("/jobs/", id, "/result")).status, 409);
}

TEST_F(StudioServerTest, LimitsTheQueue) {
  options_.max_queue = 1;
  Start();
  int refused = 0;
  for (int i = 0; i < 4; ++i) {
    refused += Ask("POST", "/jobs", kAnimate).status == 429;
  }
  EXPECT_GE(refused, 1);
}

TEST_F(StudioServerTest, AnUploadOfAJobThatWaitsStays) {
  Start();
  const std::string id = JsonOf(Upload(
      "image", networks::files::ReadText(pipelines::ExampleSource())))["id"];
  std::string request = kAnimate;
  request.replace(request.find("bundled:puppet"), 14, id);
  // The first one occupies the worker, so that the second one waits.
  Ask("POST", "/jobs", kAnimate);
  const std::string job = JsonOf(Ask("POST", "/jobs", request))["id"];
  const int deleted = Ask("DELETE", "/uploads/" + id).status;
  const json state = JsonOf(Ask("GET", "/jobs/" + job));
  if (state["state"] == "queued") {
    EXPECT_EQ(deleted, 409);
  }
  EXPECT_EQ(Ask("POST", absl::StrCat("/jobs/", job, "/cancel")).status, 200);
}

TEST_F(StudioServerTest, DeletesWhatIsOld) {
  options_.max_age = absl::Milliseconds(200);
  options_.cleanup_period = absl::Milliseconds(50);
  Start();
  EXPECT_EQ(
      Upload("image", networks::files::ReadText(pipelines::ExampleSource()))
          .status,
      201);
  for (int i = 0; i < 200 && CountFiles("data/uploads") > 0; ++i) {
    absl::SleepFor(absl::Milliseconds(25));
  }
  EXPECT_EQ(CountFiles("data/uploads"), 0);
}

TEST_F(StudioServerTest, OthersNeedAToken) {
  options_.listen = "0.0.0.0";
  EXPECT_THAT(
      StudioServer::Start(options_),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--token_file")));
}

TEST_F(StudioServerTest, SaysThatADeviceIsNotThere) {
  options_.device = "cuda:99";
  EXPECT_THAT(StudioServer::Start(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--device: there is no cuda:99 here")));
}

TEST_F(StudioServerTest, SaysThatThePortIsInUse) {
  Start();
  StudioOptions second = options_;
  second.port = server_->port();
  second.data = Path("data2");
  EXPECT_THAT(StudioServer::Start(second),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("port 0")));
}

TEST_F(StudioServerTest, SaysThatTheFolderIsInUse) {
  Start();
  EXPECT_THAT(StudioServer::Start(options_),
              StatusIs(absl::StatusCode::kUnavailable, _));
}

}  // namespace
}  // namespace studio
