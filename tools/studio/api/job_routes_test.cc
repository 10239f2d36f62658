#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/studio/api/routes.h"
#include "tools/studio/api/routes_testing.h"
#include "tools/studio/api/testing_jobs.h"

namespace studio {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// With jobs/worker_double.cc, whose checkpoint says what it does: "good" writes
// "result of good", "loading" waits to be told to end.
class JobRoutesTest : public JobsTest {
 protected:
  JobRoutesTest() : JobsTest(/*max_queue=*/2) {
    parts_.store = store_.get();
    parts_.jobs = jobs_.get();
    parts_.decoder = &decoder_;
    parts_.is_stopping = [] { return false; };
    AddJobRoutes(parts_, &router_);
  }

  RouteAnswer Ask(const std::string& method, const std::string& target,
                  const std::string& body = "") const {
    return AskRoute(router_, method, target, body);
  }
  static std::string Request(const std::string& what) {
    return json{{"type", "animate"},
                {"source", "bundled:puppet"},
                {"driving", "bundled:dance"},
                {"checkpoint", what}}
        .dump();
  }
  std::string Submit(const std::string& what) const {
    const RouteAnswer answer = Ask("POST", "/jobs", Request(what));
    EXPECT_EQ(answer.status, 202) << answer.body;
    return answer.json().value("id", std::string());
  }
  // The job when it is in this state.
  json WaitFor(const std::string& id, const std::string& state) const {
    const absl::Time end = absl::Now() + absl::Minutes(1);
    json job;
    do {
      job = Ask("GET", "/jobs/" + id).json();
    } while (job["state"] != state && absl::Now() < end);
    EXPECT_EQ(job["state"], state);
    return job;
  }

  const DecoderClient decoder_;
  ApiParts parts_;
  Router router_;
};

TEST_F(JobRoutesTest, GivesAJobFromItsRequestToItsResult) {
  const RouteAnswer created = Ask("POST", "/jobs", Request("good"));
  EXPECT_EQ(created.status, 202);
  const std::string id = created.json()["id"];
  EXPECT_EQ(created.json()["request"]["source"], "bundled:puppet");
  const json job = WaitFor(id, "done");
  EXPECT_EQ(job["frames"], 10);
  EXPECT_EQ(Ask("GET", "/jobs").json()[0]["id"], id);
  const RouteAnswer result = Ask("GET", "/jobs/" + id + "/result");
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.content_type, "video/mp4");
  EXPECT_EQ(result.body, "result of good");
  EXPECT_EQ(result.headers.at("Content-Disposition"),
            "attachment; filename=\"studio-" + id.substr(0, 8) + ".mp4\"");
  EXPECT_EQ(Ask("DELETE", "/jobs/" + id).status, 204);
  EXPECT_EQ(Ask("GET", "/jobs/" + id).status, 404);
}

TEST_F(JobRoutesTest, StreamsEventsToTheEndOfTheJob) {
  const std::string id = Submit("good");
  const RouteAnswer events = Ask("GET", "/jobs/" + id + "/events");
  EXPECT_EQ(events.content_type, "text/event-stream");
  EXPECT_THAT(events.body, HasSubstr("event: job\ndata: {"));
  EXPECT_THAT(events.body, HasSubstr("\"state\":\"done\""));
  EXPECT_EQ(Ask("GET", "/jobs/none/events").status, 404);
}

TEST_F(JobRoutesTest, AFullQueueIsAskedTooOften) {
  const std::string running = Submit("loading");
  WaitFor(running, "running");
  Submit("good");
  const std::string last = Submit("good");
  const RouteAnswer refused = Ask("POST", "/jobs", Request("good"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "resource_exhausted");
  EXPECT_THAT(refused.message(), HasSubstr("the queue is full (2 jobs)"));
  EXPECT_EQ(Ask("POST", "/jobs/" + last + "/cancel").json()["state"],
            "cancelled");
  Submit("good");
}

TEST_F(JobRoutesTest, NamesTheFieldThatIsWrong) {
  json request = json::parse(Request("good"));
  request["crop"] = "all";
  const RouteAnswer wrong = Ask("POST", "/jobs", request.dump());
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.code(), "invalid_argument");
  EXPECT_EQ(wrong.field(), "crop");
  request = json::parse(Request("good"));
  request["driving"] = "../../etc/passwd";
  const RouteAnswer missing = Ask("POST", "/jobs", request.dump());
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.field(), "driving");
  EXPECT_EQ(Ask("POST", "/jobs", "[]").status, 400);
  EXPECT_EQ(Ask("POST", "/jobs").status, 411);
}

TEST_F(JobRoutesTest, ARunningJobHasNoResultAndIsNotDeleted) {
  const std::string id = Submit("loading");
  WaitFor(id, "running");
  EXPECT_EQ(Ask("GET", "/jobs/" + id + "/result").status, 409);
  EXPECT_EQ(Ask("GET", "/jobs/" + id + "/frame").status, 204);
  EXPECT_EQ(Ask("GET", "/jobs/" + id + "/frame?index=7").status, 409);
  EXPECT_EQ(Ask("DELETE", "/jobs/" + id).status, 409);
  EXPECT_EQ(Ask("POST", "/jobs/" + id + "/cancel").status, 200);
  const json job = WaitFor(id, "cancelled");
  EXPECT_EQ(job["error"]["code"], "cancelled");
  EXPECT_EQ(Ask("GET", "/jobs/" + id + "/frame").status, 204);
}

TEST_F(JobRoutesTest, AJobThatFailedSaysWhyWithoutItsPaths) {
  const std::string id = Submit("half");
  const json job = WaitFor(id, "failed");
  EXPECT_EQ(job["error"]["field"], "driving");
  EXPECT_THAT(job["error"]["message"].get<std::string>(),
              Not(HasSubstr(Path("data"))));
  EXPECT_THAT(job["command"].get<std::string>(), Not(HasSubstr(Path("data"))));
}

TEST_F(JobRoutesTest, RefusesWhatAQueryDoesNotHave) {
  const std::string id = Submit("good");
  WaitFor(id, "done");
  const std::string path = "/jobs/" + id;
  EXPECT_EQ(Ask("GET", path + "/result?format=exe").field(), "format");
  EXPECT_EQ(Ask("GET", path + "/result?format=motion").status, 400);
  EXPECT_EQ(Ask("GET", path + "/frame?index=first").field(), "index");
  EXPECT_EQ(Ask("GET", path + "/frame?index=-1").field(), "index");
  EXPECT_EQ(Ask("GET", path + "/keypoints").status, 400);
  EXPECT_EQ(Ask("PUT", "/jobs").status, 405);
}

}  // namespace
}  // namespace studio
