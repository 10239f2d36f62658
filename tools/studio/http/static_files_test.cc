#include "tools/studio/http/static_files.h"

#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {
namespace {

using ::testing::_;

class StaticFilesTest : public networks::files::FolderTest {
 protected:
  StaticFilesTest() {
    Write("index.html", "<!doctype html>");
    Write("studio.js", "export {};");
    Write("notes.txt", "not of the page");
    Write(".hidden.js", "");
  }

  static Response Get(const StaticFiles& files, const std::string& target,
                      const std::string& tag = "") {
    Request request;
    request.target = *ParseTarget(target);
    if (!tag.empty()) request.headers["if-none-match"] = tag;
    return files.Get(request);
  }
};

TEST_F(StaticFilesTest, GivesFilesWithTheirTypes) {
  const absl::StatusOr<StaticFiles> files = StaticFiles::Load(folder_);
  ASSERT_THAT(files, IsOk());
  const Response page = Get(*files, "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(*std::get<std::shared_ptr<const std::string>>(page.body),
            "<!doctype html>");
  EXPECT_EQ(Get(*files, "/studio.js").content_type,
            "text/javascript; charset=utf-8");
}

TEST_F(StaticFilesTest, GivesNothingElse) {
  const absl::StatusOr<StaticFiles> files = StaticFiles::Load(folder_);
  ASSERT_THAT(files, IsOk());
  for (const char* target :
       {"/notes.txt", "/.hidden.js", "/missing.js", "/a/index.html",
        "/..%2findex.html", "/%2fetc%2fpasswd"}) {
    EXPECT_EQ(Get(*files, target).status, 404) << target;
  }
}

TEST_F(StaticFilesTest, SaysThatAFileIsTheSame) {
  const absl::StatusOr<StaticFiles> files = StaticFiles::Load(folder_);
  ASSERT_THAT(files, IsOk());
  std::string tag;
  for (const auto& header : Get(*files, "/studio.js").headers) {
    if (header.first == "ETag") tag = header.second;
  }
  EXPECT_EQ(Get(*files, "/studio.js", tag).status, 304);
  EXPECT_EQ(Get(*files, "/index.html", tag).status, 200);
}

TEST_F(StaticFilesTest, NeedsAPage) {
  EXPECT_THAT(StaticFiles::Load(Path("missing")),
              StatusIs(absl::StatusCode::kNotFound, _));
}

}  // namespace
}  // namespace studio
