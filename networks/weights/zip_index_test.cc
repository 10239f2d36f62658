#include "networks/weights/zip_index.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/weights/zip_builder.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using ::testing::HasSubstr;

absl::Status ErrorOf(const std::vector<ZipItem>& items) {
  return IndexZip(BuildZip(items), "a.pth").status();
}

auto IsError(const std::string& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument, "a.pth: " + message);
}

TEST(IndexZip, FindsEveryEntry) {
  const std::string archive =
      BuildZip({Item("m/a", "first"), Item("m/empty", ""), Item("b", "2")});
  const auto entries = IndexZip(archive, "a.pth").value();
  ASSERT_EQ(entries.size(), 3);
  const auto bytes_of = [&](const std::string& name) {
    const ZipEntry& entry = entries.at(name);
    return archive.substr(entry.begin, entry.end - entry.begin);
  };
  EXPECT_EQ(bytes_of("m/a"), "first");
  EXPECT_EQ(bytes_of("m/empty"), "");
  EXPECT_EQ(bytes_of("b"), "2");
  for (const auto& [name, entry] : entries) {
    EXPECT_THAT(CheckZipEntry(archive, entry), IsOk()) << name;
  }
}

TEST(IndexZip, TellsDamagedBytesByTheirChecksum) {
  std::string archive = BuildZip({Item("a", "bytes")});
  archive[archive.find("bytes")] ^= 4;
  const auto entries = IndexZip(archive, "a.pth").value();
  EXPECT_THAT(CheckZipEntry(archive, entries.at("a")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("do not have the archive's checksum")));
}

TEST(IndexZip, RefusesCompressedAndEncryptedEntries) {
  ZipItem bomb = Item("a", "\x03");
  bomb.method = 8;
  bomb.unpacked_size = 0xfffffff0;
  EXPECT_THAT(ErrorOf({bomb}),
              IsError("zip archive: entry \"a\": is compressed (method 8); "
                      "PyTorch stores state dicts as they are (a TorchScript "
                      "program it compresses)"));
  ZipItem secret = Item("a", "x");
  secret.flags = 1;
  EXPECT_THAT(ErrorOf({secret}),
              IsError("zip archive: entry \"a\": is encrypted"));
}

TEST(IndexZip, RefusesSizesThatTheArchiveDoesNotHold) {
  ZipItem item = Item("a", "12345");
  item.unpacked_size = 2'000'000'000;
  EXPECT_THAT(ErrorOf({item}),
              IsError("zip archive: entry \"a\": is stored as it is, but has "
                      "two sizes, 5 and 2000000000"));
  item.size = item.unpacked_size;
  EXPECT_THAT(ErrorOf({item}),
              IsError("zip archive: entry \"a\": claims 2000000000 bytes from "
                      "byte 31 of an archive of 105"));
}

TEST(IndexZip, RefusesNamesGivenTwiceAndEntriesThatOverlap) {
  EXPECT_THAT(ErrorOf({Item("a", "1"), Item("a", "2")}),
              IsError("zip archive: entry \"a\" is there twice"));
  ZipItem second = Item("b", "22");
  second.offset = 0;  // The same bytes as the first.
  ZipItem first = Item("a", "22");
  EXPECT_THAT(ErrorOf({first, second}),
              IsError("zip archive: entries \"a\" and \"b\" overlap"));
  second.offset = 7;
  EXPECT_THAT(ErrorOf({first, second}),
              IsError("zip archive: entry \"b\": its local header is damaged"));
}

TEST(IndexZip, SurvivesEveryTruncationAndFlippedBit) {
  const std::string archive =
      BuildZip({Item("m/a", "first"), Item("m/b", "second")});
  for (size_t size = 0; size < archive.size(); ++size) {
    EXPECT_FALSE(IndexZip(archive.substr(0, size), "a.pth").ok()) << size;
  }
  for (size_t bit = 0; bit < 8 * archive.size(); ++bit) {
    std::string damaged = archive;
    damaged[bit / 8] ^= 1 << bit % 8;
    const auto entries = IndexZip(damaged, "a.pth");
    if (!entries.ok()) continue;
    for (const auto& [name, entry] : *entries) {
      EXPECT_LE(entry.begin, entry.end);
      EXPECT_LE(entry.end, damaged.size());
    }
  }
}

}  // namespace
}  // namespace networks::weights
