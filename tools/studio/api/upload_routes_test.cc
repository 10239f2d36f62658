#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/pretrained/pretrained.h"
#include "tools/studio/api/routes.h"
#include "tools/studio/api/routes_testing.h"
#include "tools/studio/jobs/decoder_client.h"

namespace studio {
namespace {

using ::networks::files::ReadText;
using ::testing::HasSubstr;

class UploadRoutesTest : public networks::files::FolderTest {
 protected:
  UploadRoutesTest() {
    StoreOptions options;
    options.folder = Path("data");
    options.quota = 3000000;
    options.bundled = {{"puppet", "image", pipelines::ExampleSource()},
                       {"dance", "video", pipelines::ExampleDriving()}};
    store_ = *Store::Open(options);
    parts_.store = store_.get();
    parts_.decoder = &decoder_;
    parts_.max_upload = 1000000;
    AddUploadRoutes(parts_, &router_);
  }

  RouteAnswer Ask(const std::string& method, const std::string& target,
                  const std::string& body = "") const {
    return AskRoute(router_, method, target, body);
  }
  // Of a request that states this length, without a body.
  RouteAnswer AskWithLength(int64_t length,
                            const std::string& content_type = "") const {
    Request request;
    request.content_length = length;
    if (!content_type.empty()) request.headers["content-type"] = content_type;
    return AskRoute(router_, "POST", "/uploads?kind=image", "",
                    std::move(request));
  }

  std::unique_ptr<Store> store_;
  const DecoderClient decoder_;
  ApiParts parts_;
  Router router_;
};

TEST_F(UploadRoutesTest, KeepsAPictureUntilItIsDeleted) {
  const std::string png = ReadText(pipelines::ExampleSource());
  const RouteAnswer created = Ask("POST", "/uploads?kind=image", png);
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.json()["kind"], "image");
  EXPECT_EQ(created.json()["width"], 256);
  EXPECT_EQ(created.json()["bytes"], png.size());
  const std::string path =
      "/uploads/" + created.json()["id"].get<std::string>();
  EXPECT_EQ(Ask("GET", path).json(), created.json());
  EXPECT_EQ(Ask("GET", "/uploads").json().size(), 1U);
  EXPECT_EQ(Ask("GET", path + "/content").body, png);
  EXPECT_EQ(Ask("DELETE", path).status, 204);
  EXPECT_EQ(Ask("GET", path).status, 404);
  EXPECT_EQ(Ask("GET", "/uploads").json().size(), 0U);
}

TEST_F(UploadRoutesTest, ListsTheNewestFirst) {
  const std::string png = ReadText(pipelines::ExampleSource());
  const std::string first =
      Ask("POST", "/uploads?kind=image", png).json()["id"];
  const std::string second =
      Ask("POST", "/uploads?kind=image", png).json()["id"];
  const nlohmann::json list = Ask("GET", "/uploads").json();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["id"], second);
  EXPECT_EQ(list[1]["id"], first);
}

TEST_F(UploadRoutesTest, RefusesByTheHeaderWhatItWouldNotKeep) {
  EXPECT_EQ(AskWithLength(-1).status, 411);
  const RouteAnswer empty = AskWithLength(0);
  EXPECT_EQ(empty.status, 400);
  EXPECT_THAT(empty.message(), HasSubstr("the file is empty"));
  const RouteAnswer large = AskWithLength(2000000000);
  EXPECT_EQ(large.status, 413);
  EXPECT_THAT(large.message(), HasSubstr("2000000000 bytes"));
  const RouteAnswer form = AskWithLength(10, "Multipart/Form-Data; boundary=x");
  EXPECT_EQ(form.status, 415);
  EXPECT_THAT(form.message(), HasSubstr("not a form"));
  EXPECT_EQ(Ask("POST", "/uploads?kind=film", "x").field(), "kind");
  EXPECT_TRUE(store_->Uploads().empty());
  EXPECT_EQ(store_->used(), 0);
}

TEST_F(UploadRoutesTest, RefusesAFileThatIsNotWhatTheRequestSays) {
  const struct {
    const char* kind;
    std::string bytes;
    const char* words;
  } cases[] = {
      {"image", "only text", "the picture"},
      {"video", ReadText(pipelines::ExampleSource()), "one picture"},
      {"image", ReadText(pipelines::ExampleDriving()), "a video of 98 frames"},
      {"motion", ReadText(pipelines::ExampleSource()), "the motion file"},
  };
  for (const auto& wrong : cases) {
    const RouteAnswer answer =
        Ask("POST", std::string("/uploads?kind=") + wrong.kind, wrong.bytes);
    EXPECT_EQ(answer.status, 415) << wrong.words;
    EXPECT_EQ(answer.field(), "kind");
    EXPECT_THAT(answer.message(), HasSubstr(wrong.words));
  }
  EXPECT_TRUE(store_->Uploads().empty());
  EXPECT_EQ(store_->used(), 0);
}

TEST_F(UploadRoutesTest, AnUploadThatIsCutOffIsNone) {
  Request request;
  request.content_length = 100;
  const RouteAnswer answer = AskRoute(router_, "POST", "/uploads?kind=image",
                                      "less", std::move(request));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.message(), HasSubstr("cut off"));
  EXPECT_EQ(store_->used(), 0);
}

TEST_F(UploadRoutesTest, TakesSomeUploadsAtATime) {
  Request request;
  request.method = "POST";
  request.target = *ParseTarget("/uploads?kind=image");
  request.content_length = 1000;
  std::vector<Reply> open;
  for (int i = 0; i < 4; ++i) {
    open.push_back(router_.Route(request, {"uploads"}));
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<BodyReader>>(open[i]));
  }
  EXPECT_EQ(AskWithLength(1000).status, 429);
  open.pop_back();
  EXPECT_TRUE(std::holds_alternative<std::unique_ptr<BodyReader>>(
      router_.Route(request, {"uploads"})));
}

TEST_F(UploadRoutesTest, ShowsFramesAtASize) {
  const RouteAnswer png = Ask("GET", "/uploads/bundled:dance/preview?frame=97");
  EXPECT_EQ(png.status, 200);
  EXPECT_EQ(png.content_type, "image/png");
  EXPECT_EQ(png.body.substr(1, 3), "PNG");
  EXPECT_THAT(png.headers.at("Cache-Control"), HasSubstr("private, max-age="));
  EXPECT_EQ(png.headers.at("Vary"), "Authorization");
  EXPECT_EQ(Ask("GET", "/uploads/bundled:dance/preview?frame=98").status, 400);
  for (const char* bad :
       {"side=8", "side=5000", "side=x", "frame=-1", "frame=", "colour=red"}) {
    const RouteAnswer answer =
        Ask("GET", std::string("/uploads/bundled:puppet/preview?") + bad);
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_FALSE(answer.field().empty()) << bad;
  }
  EXPECT_EQ(Ask("GET", "/uploads/none/preview").headers.count("Cache-Control"),
            0U);
  EXPECT_EQ(Ask("GET", "/uploads/none/preview").status, 404);
}

TEST_F(UploadRoutesTest, ProposesACropOfAPicture) {
  const nlohmann::json crop =
      Ask("GET", "/uploads/bundled:puppet/crop?by=centre").json();
  EXPECT_EQ(crop, (nlohmann::json{
                      {"x", 0}, {"y", 0}, {"side", 256}, {"by", "centre"}}));
  EXPECT_EQ(Ask("GET", "/uploads/bundled:puppet/crop?by=hand").status, 400);
  EXPECT_EQ(Ask("GET", "/uploads/bundled:dance/crop").status, 400);
}

TEST_F(UploadRoutesTest, DeletesAPictureThatIsBeingDecoded) {
  const std::string png = ReadText(pipelines::ExampleSource());
  std::string path;
  int deleted = 0;
  // No decoder ever begins: one that waits asks whether Studio is about to end.
  DecoderOptions options;
  options.max_children = 0;
  options.timeout = absl::Milliseconds(10);
  options.is_stopping = [&] {
    deleted = Ask("DELETE", path).status;
    return true;
  };
  const DecoderClient waiting(options);
  for (const char* use : {"/preview", "/crop"}) {
    parts_.decoder = &decoder_;
    const RouteAnswer created = Ask("POST", "/uploads?kind=image", png);
    path = "/uploads/" + created.json()["id"].get<std::string>();
    parts_.decoder = &waiting;
    EXPECT_EQ(Ask("GET", path + use).status, 503) << use;
    EXPECT_EQ(deleted, 204) << use;
    deleted = 0;
  }
}

TEST_F(UploadRoutesTest, BundledInputsStay) {
  EXPECT_EQ(Ask("GET", "/uploads/bundled:dance").json()["frames"], 98);
  EXPECT_EQ(Ask("DELETE", "/uploads/bundled:dance").status, 404);
  EXPECT_EQ(Ask("PUT", "/uploads").status, 405);
}

}  // namespace
}  // namespace studio
