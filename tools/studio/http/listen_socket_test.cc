#include "tools/studio/http/listen_socket.h"

#include <unistd.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

TEST(ListenTest, SaysThatAPortIsInUse) {
  const absl::StatusOr<ListenSocket> first = Listen("127.0.0.1", 0);
  ASSERT_THAT(first, IsOk());
  EXPECT_GT(first->port, 0);
  EXPECT_THAT(
      Listen("127.0.0.1", first->port),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("--port 0")));
  close(first->descriptor);
}

TEST(ListenTest, TakesNumericAddressesAlone) {
  for (const char* address : {"", "localhost", "evil.example", "127.0.0.1:80",
                              "256.0.0.1", "[::1]"}) {
    EXPECT_THAT(Listen(address, 0),
                StatusIs(absl::StatusCode::kInvalidArgument, _))
        << address;
  }
}

TEST(ListenTest, SaysThatAnAddressIsNotOfThisMachine) {
  // TEST-NET-1 of RFC 5737, which no machine has.
  EXPECT_THAT(Listen("192.0.2.1", 0),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no address of this machine")));
}

}  // namespace
}  // namespace studio
