#include "tools/studio/http/response.h"

#include <unistd.h>

#include <string>
#include <variant>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "nlohmann/json.hpp"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using nlohmann::json;

json JsonOf(const Response& response) {
  return json::parse(std::get<std::string>(response.body));
}

TEST(ErrorResponseTest, HasCodeMessageAndField) {
  const Response response = ErrorResponse(FieldError("side", "is 0"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(JsonOf(response),
            json::parse(R"({"error":{"code":"invalid_argument",
                            "message":"side: is 0","field":"side"}})"));
}

TEST(ErrorResponseTest, GivesEachCodeItsStatus) {
  EXPECT_EQ(ErrorResponse(absl::NotFoundError("x")).status, 404);
  EXPECT_EQ(ErrorResponse(absl::FailedPreconditionError("x")).status, 409);
  EXPECT_EQ(ErrorResponse(absl::ResourceExhaustedError("x")).status, 507);
  EXPECT_EQ(ErrorResponse(absl::UnavailableError("x")).status, 503);
  EXPECT_EQ(ErrorResponse(absl::DataLossError("x")).status, 500);
  EXPECT_EQ(JsonOf(ErrorResponse(absl::DataLossError("x")))["error"]["code"],
            "internal");
}

TEST(JsonResponseTest, IsValidWhateverBytesANameHas) {
  const Response response = JsonResponse({{"name", "a\xff"}});
  EXPECT_EQ(JsonOf(response)["name"], "a\xef\xbf\xbd");
}

class FileResponseTest : public networks::files::FolderTest {
 protected:
  FileResponseTest() { Write("file", "0123456789"); }

  static std::string HeaderOf(const Response& response,
                              const std::string& name) {
    for (const auto& header : response.headers) {
      if (header.first == name) return header.second;
    }
    return "";
  }
};

TEST_F(FileResponseTest, IsTheWholeFile) {
  const Response response = FileResponse(Path("file"), "video/mp4", "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "video/mp4");
  EXPECT_EQ(std::get<FileBody>(response.body).bytes(), 10);
}

TEST_F(FileResponseTest, IsOneRange) {
  const Response response = FileResponse(Path("file"), "x/y", "bytes=2-4");
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(HeaderOf(response, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(std::get<FileBody>(response.body).offset(), 2);
  EXPECT_EQ(std::get<FileBody>(response.body).bytes(), 3);
}

TEST_F(FileResponseTest, RefusesSeveralRanges) {
  const Response response = FileResponse(Path("file"), "x/y", "bytes=0-1,3-4");
  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(HeaderOf(response, "Content-Range"), "bytes */10");
}

TEST_F(FileResponseTest, FollowsNoLinkAndOpensFilesAlone) {
  ASSERT_EQ(symlink("/etc/passwd", Path("link").c_str()), 0);
  EXPECT_EQ(FileResponse(Path("link"), "x/y", "").status, 404);
  EXPECT_EQ(FileResponse(folder_, "x/y", "").status, 404);
  EXPECT_EQ(FileResponse(Path("missing"), "x/y", "").status, 404);
  EXPECT_EQ(FileResponse("/dev/zero", "x/y", "").status, 404);
}

}  // namespace
}  // namespace studio
