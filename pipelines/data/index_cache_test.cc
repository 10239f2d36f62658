#include "pipelines/data/index_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/sha256.h"
#include "pipelines/data/clip_index.pb.h"
#include "pipelines/testing/scoped_environment.h"

namespace pipelines::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLongAgo = 1000000;      // seconds since 1970
constexpr int64_t kFarAhead = 4000000000;  // in 2096
constexpr char kIndex[] = "clips/.clip_index";

class IndexCacheTest : public networks::files::FolderTest {
 protected:
  IndexCacheTest() { fs::create_directories(Path("clips")); }

  ClipRecord Record(const std::string& name) const {
    ClipRecord record;
    record.set_name(name);
    record.set_modified_ns(kLongAgo * 1000000000);
    record.set_bytes(100);
    record.set_num_frames(20);
    record.set_width(64);
    record.set_height(48);
    record.set_random_access(true);
    return record;
  }

  IndexCache Cache() const { return IndexCache(Path("clips")); }

  // What a cache that is opened now knows of the clip.
  bool IsKnown(const ClipRecord& record) const {
    const IndexCache cache = Cache();
    const ClipRecord* const found = cache.Find(record);
    return found != nullptr &&
           found->SerializeAsString() == record.SerializeAsString();
  }

  // Files below the user's cache folder.
  int FilesInUsersCache() const {
    int files = 0;
    if (!fs::exists(Path("cache"))) return 0;
    for (const auto& entry : fs::recursive_directory_iterator(Path("cache"))) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  // An index as a program of that version writes it.
  void WriteIndex(int version, const ClipRecord& record) const {
    ClipIndexProto index;
    index.set_version(version);
    *index.add_clips() = record;
    const std::string bytes = index.SerializeAsString();
    networks::weights::Sha256 digest;
    digest.Add(bytes);
    Write(kIndex, digest.Finish() + bytes);
  }

  const ScopedCacheFolder cache_{Path("cache")};
};

TEST_F(IndexCacheTest, StampSaysTimeAndSize) {
  Write("clips/a.mp4", "12345");
  const timespec time = {kLongAgo, 7};
  const timespec times[2] = {time, time};
  ASSERT_EQ(utimensat(AT_FDCWD, Path("clips/a.mp4").c_str(), times, 0), 0);
  const ClipRecord stamp = Stamp(Path("clips/a.mp4"), "a.mp4");
  EXPECT_EQ(stamp.name(), "a.mp4");
  EXPECT_EQ(stamp.bytes(), 5);
  EXPECT_EQ(stamp.modified_ns(), kLongAgo * 1000000000 + 7);
  EXPECT_FALSE(stamp.has_num_frames());
  EXPECT_EQ(Stamp(Path("clips/none"), "none").modified_ns(), 0);
}

// What is written into a frame leaves its folder's own time as it was.
TEST_F(IndexCacheTest, StampOfAFolderSaysTimeAndSizeOfItsFiles) {
  fs::create_directories(Path("clips/a"));
  Write("clips/a/0.png", "123");
  Write("clips/a/1.png", "12345");
  const auto set_time = [this](const std::string& name, int64_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, Path(name).c_str(), times, 0), 0);
  };
  set_time("clips/a/0.png", kLongAgo + 9);
  set_time("clips/a/1.png", kLongAgo);
  set_time("clips/a", kLongAgo + 5);
  EXPECT_EQ(Stamp(Path("clips/a"), "a").bytes(), 8);
  EXPECT_EQ(Stamp(Path("clips/a"), "a").modified_ns(),
            (kLongAgo + 9) * 1000000000);
  set_time("clips/a", kLongAgo + 20);
  EXPECT_EQ(Stamp(Path("clips/a"), "a").modified_ns(),
            (kLongAgo + 20) * 1000000000);
}

TEST_F(IndexCacheTest, KnowsWhatWasSaved) {
  EXPECT_FALSE(IsKnown(Record("a")));
  Cache().Save({Record("a"), Record("b")});
  EXPECT_TRUE(IsKnown(Record("a")));
  EXPECT_TRUE(IsKnown(Record("b")));
  EXPECT_EQ(Cache().Find(Record("c")), nullptr);
  EXPECT_EQ(FilesInUsersCache(), 0);
  // A save replaces all.
  Cache().Save({Record("b")});
  EXPECT_EQ(Cache().Find(Record("a")), nullptr);
}

TEST_F(IndexCacheTest, DoesNotKnowAClipOfAnotherTimeOrSize) {
  Cache().Save({Record("a")});
  ClipRecord other = Record("a");
  other.set_modified_ns(other.modified_ns() + 1);
  EXPECT_EQ(Cache().Find(other), nullptr);
  other = Record("a");
  other.set_bytes(other.bytes() + 1);
  EXPECT_EQ(Cache().Find(other), nullptr);
}

// Within two seconds a file could change again without another time.
TEST_F(IndexCacheTest, DoesNotKeepWhatHasJustChanged) {
  Write("clips/new", "");
  const ClipRecord fresh = Stamp(Path("clips/new"), "new");
  Cache().Save({Record("a"), fresh});
  EXPECT_TRUE(IsKnown(Record("a")));
  EXPECT_EQ(Cache().Find(fresh), nullptr);
}

// As where the system's clock was set back since.
TEST_F(IndexCacheTest, KeepsWhatItKnowsThoughItsTimeIsToCome) {
  Cache().Save({Record("a")});
  ClipIndexProto saved;
  ASSERT_TRUE(saved.ParseFromString(
      Contents(kIndex).substr(networks::weights::Sha256::kSize)));
  ClipRecord to_come = Record("a");
  to_come.set_modified_ns(kFarAhead * 1000000000);
  WriteIndex(saved.version(), to_come);
  ASSERT_TRUE(IsKnown(to_come));
  Cache().Save({to_come, Record("b")});
  EXPECT_TRUE(IsKnown(to_come));
  EXPECT_TRUE(IsKnown(Record("b")));
}

TEST_F(IndexCacheTest, WritesNothingWhereNothingChanged) {
  Cache().Save({Record("a")});
  const auto before = fs::last_write_time(Path(kIndex));
  const timespec times[2] = {{kLongAgo, 0}, {kLongAgo, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, Path(kIndex).c_str(), times, 0), 0);
  const auto old = fs::last_write_time(Path(kIndex));
  ASSERT_NE(old, before);
  Cache().Save({Record("a")});
  EXPECT_EQ(fs::last_write_time(Path(kIndex)), old);
  ClipRecord other = Record("a");
  other.set_num_frames(21);
  Cache().Save({other});
  EXPECT_NE(fs::last_write_time(Path(kIndex)), old);
  EXPECT_TRUE(IsKnown(other));
}

// Every byte of the file counts.
TEST_F(IndexCacheTest, KnowsNothingByADamagedIndexAndReplacesIt) {
  Cache().Save({Record("a")});
  const std::string whole = Contents(kIndex);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 1;
    Write(kIndex, damaged);
    EXPECT_EQ(Cache().Find(Record("a")), nullptr) << i;
  }
  for (const size_t length : {size_t{0}, size_t{31}, whole.size() - 1}) {
    Write(kIndex, whole.substr(0, length));
    EXPECT_EQ(Cache().Find(Record("a")), nullptr) << length;
  }
  Cache().Save({Record("a")});
  EXPECT_EQ(Contents(kIndex), whole);
}

// The user's cache folder serves instead of what stays.
TEST_F(IndexCacheTest, LeavesAnIndexOfALaterVersion) {
  WriteIndex(1000, Record("a"));
  const std::string later = Contents(kIndex);
  EXPECT_EQ(Cache().Find(Record("a")), nullptr);
  Cache().Save({Record("b")});
  EXPECT_EQ(Contents(kIndex), later);
  EXPECT_EQ(FilesInUsersCache(), 1);
  EXPECT_TRUE(IsKnown(Record("b")));
}

TEST_F(IndexCacheTest, ReplacesAnIndexOfAnEarlierVersion) {
  WriteIndex(1, Record("a"));
  EXPECT_EQ(Cache().Find(Record("a")), nullptr);
  Cache().Save({Record("a")});
  EXPECT_TRUE(IsKnown(Record("a")));
  EXPECT_EQ(FilesInUsersCache(), 0);
}

TEST_F(IndexCacheTest, LeavesWhatIsNoFile) {
  fs::create_directory(Path(kIndex));
  Cache().Save({Record("a")});
  EXPECT_TRUE(fs::is_directory(Path(kIndex)));
  EXPECT_TRUE(IsKnown(Record("a")));
  EXPECT_EQ(FilesInUsersCache(), 1);
}

// One that was made before it, and one that was made after it.
TEST_F(IndexCacheTest, KnowsWhatEitherPlaceKnows) {
  Cache().Save({Record("a")});
  fs::rename(Path(kIndex), Path("first"));
  fs::create_directories(Path(kIndex));
  Cache().Save({Record("a"), Record("b")});
  ClipRecord changed = Record("a");
  changed.set_bytes(changed.bytes() + 1);
  fs::remove(Path(kIndex));
  fs::rename(Path("first"), Path(kIndex));
  EXPECT_EQ(FilesInUsersCache(), 1);
  EXPECT_TRUE(IsKnown(Record("a")));
  EXPECT_TRUE(IsKnown(Record("b")));
  Cache().Save({changed, Record("b")});
  EXPECT_TRUE(IsKnown(changed));
  EXPECT_TRUE(IsKnown(Record("b")));
}

// Each folder has an index of its own there.
TEST_F(IndexCacheTest, TellsFoldersApartInTheUsersCache) {
  for (const std::string folder : {"one", "two"}) {
    fs::create_directories(Path(folder + "/.clip_index"));
    IndexCache(Path(folder)).Save({Record("of " + folder)});
  }
  EXPECT_EQ(FilesInUsersCache(), 2);
  const IndexCache one(Path("one"));
  EXPECT_NE(one.Find(Record("of one")), nullptr);
  EXPECT_EQ(one.Find(Record("of two")), nullptr);
}

// A disk that takes nothing costs time, not correctness.
TEST_F(IndexCacheTest, DoesWithoutAPlaceToWrite) {
  fs::create_directory(Path(kIndex));
  Write("cache", "no folder");
  Cache().Save({Record("a")});
  EXPECT_EQ(Cache().Find(Record("a")), nullptr);
  EXPECT_EQ(Contents("cache"), "no folder");
}

}  // namespace
}  // namespace pipelines::data
