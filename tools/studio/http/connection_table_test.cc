#include "tools/studio/http/connection_table.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace studio {
namespace {

// A connection whose other end tells whether it was ended.
class Pair {
 public:
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  ~Pair() {
    close(ends_[0]);
    close(ends_[1]);
  }
  int server() const { return ends_[0]; }
  bool IsEndedWithin(absl::Duration time) const {
    pollfd events = {ends_[1], POLLIN, 0};
    return poll(&events, 1,
                static_cast<int>(absl::ToInt64Milliseconds(time))) == 1;
  }

 private:
  int ends_[2];
};

TEST(ConnectionTableTest, EndsWhoSendsNoHeaderInTime) {
  ConnectionTable table(absl::Milliseconds(100), /*soft_limit=*/10);
  const Pair slow, quick;
  table.Add(&slow, slow.server());
  table.Add(&quick, quick.server());
  table.GiveTime(&quick, absl::InfiniteDuration());
  EXPECT_TRUE(slow.IsEndedWithin(absl::Seconds(10)));
  EXPECT_FALSE(quick.IsEndedWithin(absl::ZeroDuration()));
}

TEST(ConnectionTableTest, EndsARequestAtItsDeadline) {
  ConnectionTable table(absl::Hours(1), 10);
  const Pair pair;
  table.Add(&pair, pair.server());
  table.GiveTime(&pair, absl::Milliseconds(50));
  EXPECT_TRUE(pair.IsEndedWithin(absl::Seconds(10)));
}

TEST(ConnectionTableTest, TheNextHeaderHasItsOwnTime) {
  ConnectionTable table(absl::Milliseconds(100), 10);
  const Pair pair;
  table.Add(&pair, pair.server());
  table.GiveTime(&pair, absl::InfiniteDuration());
  table.WaitForHeader(&pair);
  EXPECT_TRUE(pair.IsEndedWithin(absl::Seconds(10)));
}

TEST(ConnectionTableTest, EndsTheOldestWithoutAHeaderWhenThereAreTooMany) {
  ConnectionTable table(absl::Hours(1), /*soft_limit=*/3);
  const Pair working, oldest, older, young;
  table.Add(&working, working.server());
  table.GiveTime(&working, absl::Seconds(1000));
  table.Add(&oldest, oldest.server());
  absl::SleepFor(absl::Milliseconds(2));
  table.Add(&older, older.server());
  absl::SleepFor(absl::Milliseconds(2));
  table.Add(&young, young.server());
  EXPECT_TRUE(oldest.IsEndedWithin(absl::Seconds(10)));
  for (const Pair* other : {&working, &older, &young}) {
    EXPECT_FALSE(other->IsEndedWithin(absl::ZeroDuration()));
  }
}

TEST(ConnectionTableTest, LeavesARemovedConnectionAlone) {
  ConnectionTable table(absl::Milliseconds(50), 10);
  const Pair pair;
  table.Add(&pair, pair.server());
  table.Remove(&pair);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(pair.IsEndedWithin(absl::Milliseconds(600)));
}

TEST(ConnectionTableTest, EndsAll) {
  ConnectionTable table(absl::Hours(1), 10);
  const Pair before, after;
  table.Add(&before, before.server());
  table.EndAll();
  table.Add(&after, after.server());
  EXPECT_TRUE(before.IsEndedWithin(absl::Seconds(10)));
  EXPECT_TRUE(after.IsEndedWithin(absl::Seconds(10)));
}

}  // namespace
}  // namespace studio
