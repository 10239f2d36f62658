#include "tools/studio/http/access.h"

#include <sys/stat.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

constexpr char kToken[] = "0123456789012345678901234567890123456789abc";

AccessOptions Loopback() { return {kToken, "127.0.0.1", {}}; }

// 0 where the request may pass.
int SiteStatus(const AccessOptions& options, const std::string& host,
               const std::string& origin = "") {
  Request request;
  if (!host.empty()) request.headers["host"] = host;
  if (!origin.empty()) request.headers["origin"] = origin;
  const std::optional<Response> refused = Access(options).CheckSite(request);
  return refused ? refused->status : 0;
}

int TokenStatus(const std::string& authorization,
                const std::string& site = "") {
  Request request;
  if (!authorization.empty()) request.headers["authorization"] = authorization;
  if (!site.empty()) request.headers["sec-fetch-site"] = site;
  const std::optional<Response> refused =
      Access(Loopback()).CheckToken(request);
  return refused ? refused->status : 0;
}

TEST(AccessTest, TakesTheNamesOfTheLoopbackInterface) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:7878", "localhost:1",
                           "LOCALHOST:7878", "[::1]:7878", "[::1]"}) {
    EXPECT_EQ(SiteStatus(Loopback(), host), 0) << host;
  }
}

TEST(AccessTest, RefusesNamesThatAreReboundToTheLoopbackInterface) {
  for (const char* host : {"",
                           "evil.example",
                           "evil.example:7878",
                           "127.0.0.1.evil.example",
                           "localhost.evil.example",
                           "localhost.",
                           "10.0.0.1:7878",
                           "0.0.0.0",
                           "127.0.0.1:",
                           "127.0.0.1:x",
                           "127.0.0.1:0",
                           "127.0.0.1:99999",
                           "127.0.0.1:7878@evil.example",
                           "user@127.0.0.1",
                           "[::1",
                           "[::1]x",
                           "[]",
                           ":7878",
                           "2130706433",
                           "0x7f000001",
                           "127.1"}) {
    EXPECT_EQ(SiteStatus(Loopback(), host), 421) << host;
  }
}

TEST(AccessTest, ElsewhereTakesNumericAddressesAndTheNamesThatAreGiven) {
  const AccessOptions open = {kToken, "0.0.0.0", {"lab7.example.org"}};
  for (const char* host : {"192.168.1.7:7878", "[fe80::1]:7878",
                           "lab7.example.org:7878", "Lab7.Example.Org"}) {
    EXPECT_EQ(SiteStatus(open, host), 0) << host;
  }
  for (const char* host : {"evil.example", "lab7.example.org.evil.example"}) {
    EXPECT_EQ(SiteStatus(open, host), 421) << host;
  }
}

TEST(AccessTest, TakesItsOwnOriginAlone) {
  EXPECT_EQ(SiteStatus(Loopback(), "127.0.0.1:7878", "http://127.0.0.1:7878"),
            0);
  for (const char* origin :
       {"null", "http://evil.example", "http://localhost:7878",
        "http://127.0.0.1:7879", "http://127.0.0.1", "127.0.0.1:7878",
        "http://127.0.0.1:7878.evil.example", "file://",
        "http://127.0.0.1:7878/"}) {
    EXPECT_EQ(SiteStatus(Loopback(), "127.0.0.1:7878", origin), 403) << origin;
  }
}

TEST(AccessTest, TakesTheTokenAlone) {
  EXPECT_EQ(TokenStatus(std::string("Bearer ") + kToken), 0);
  EXPECT_EQ(TokenStatus(std::string("bearer ") + kToken), 0);
  for (const std::string& wrong :
       {std::string(), std::string("Bearer"), std::string("Bearer "),
        std::string(kToken), std::string("Basic ") + kToken,
        std::string("Bearer ") + kToken + "x",
        std::string("Bearer ") + std::string(kToken).substr(1),
        std::string("Bearer  ") + kToken, "Bearer " + std::string(43, '0')}) {
    EXPECT_EQ(TokenStatus(wrong), 401) << wrong;
  }
}

TEST(AccessTest, RefusesWhatABrowserSaysThatAnotherSiteBegan) {
  const std::string right = std::string("Bearer ") + kToken;
  EXPECT_EQ(TokenStatus(right, "same-origin"), 0);
  EXPECT_EQ(TokenStatus(right, "cross-site"), 403);
  EXPECT_EQ(TokenStatus(right, "same-site"), 403);
}

TEST(AccessTest, KnowsLoopbackAddresses) {
  for (const char* address : {"127.0.0.1", "127.8.9.1", "::1"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address :
       {"0.0.0.0", "::", "192.168.1.7", "localhost", ""}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

class TokenFileTest : public networks::files::FolderTest {
 protected:
  void WriteToken(const std::string& text, mode_t mode = 0600) {
    Write("token", text);
    ASSERT_EQ(chmod(Path("token").c_str(), mode), 0);
  }
};

TEST_F(TokenFileTest, IsReadWithoutItsLineEnd) {
  WriteToken(std::string(kToken) + "\n");
  EXPECT_THAT(ReadTokenFile(Path("token")), IsOkAndHolds(kToken));
}

TEST_F(TokenFileTest, MayHoldAllCharactersOfATokenOfOurOwn) {
  const std::string token = "abcXYZ0189-_abcXYZ0189-_";
  WriteToken(token);
  EXPECT_THAT(ReadTokenFile(Path("token")), IsOkAndHolds(token));
}

TEST_F(TokenFileTest, MustNotBeReadableByOthers) {
  WriteToken(kToken, 0644);
  EXPECT_THAT(
      ReadTokenFile(Path("token")),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("chmod 600")));
}

TEST_F(TokenFileTest, MustHoldATokenThatCannotBeGuessed) {
  for (const std::string& text :
       {std::string(), std::string("short"), std::string(30, ' '),
        std::string("two words that are long enough"),
        // Of openssl rand -base64 32: the page would not take it.
        std::string("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
        std::string("of+letters/digits/and+others"), std::string(8192, 'x')}) {
    WriteToken(text);
    EXPECT_THAT(ReadTokenFile(Path("token")),
                StatusIs(absl::StatusCode::kInvalidArgument, _))
        << text;
  }
  EXPECT_THAT(ReadTokenFile(Path("missing")),
              StatusIs(absl::StatusCode::kNotFound, _));
}

}  // namespace
}  // namespace studio
