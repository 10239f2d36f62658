#include "networks/published/curl_error.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace networks::published {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

TEST(CurlError, OfACertificateThatIsNotTrustedIsARefusal) {
  for (const CURLcode code :
       {CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE}) {
    EXPECT_EQ(CurlErrorCode(code), StatusCode::kFailedPrecondition);
    EXPECT_FALSE(IsCut(code));
    EXPECT_THAT(CurlAdvice(code), HasSubstr("install ca-certificates"));
  }
}

TEST(CurlError, OfAStreamThatIsResetIsACut) {
  for (const CURLcode code :
       {CURLE_RECV_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM}) {
    EXPECT_EQ(CurlErrorCode(code), StatusCode::kUnavailable);
    EXPECT_TRUE(IsCut(code));
  }
}

}  // namespace
}  // namespace networks::published
