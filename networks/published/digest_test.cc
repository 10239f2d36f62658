#include "networks/published/digest.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace networks::published {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

class Sha256OfFileTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> DigestOf(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return Sha256OfFile(path_);
  }

  const std::string path_ = testing::TempDir() + "/digested";
};

// FIPS 180-2, appendix B.1 and B.3; the digest of nothing is known as well.
TEST_F(Sha256OfFileTest, HasTheValuesOfTheStandard) {
  EXPECT_THAT(
      DigestOf("abc"),
      IsOkAndHolds(
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_THAT(
      DigestOf(std::string(1000000, 'a')),
      IsOkAndHolds(
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
}

TEST_F(Sha256OfFileTest, DependsOnEveryByte) {
  const std::string zeros(4096, '\0');
  std::string other = zeros;
  other.back() = 1;
  EXPECT_NE(*DigestOf(zeros), *DigestOf(other));
}

TEST_F(Sha256OfFileTest, NamesAFileThatIsNotThere) {
  std::filesystem::remove(path_);
  EXPECT_THAT(Sha256OfFile(path_),
              StatusIs(StatusCode::kNotFound, HasSubstr(path_)));
}

}  // namespace
}  // namespace networks::published
