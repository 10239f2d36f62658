#include "networks/files/path_parts.h"

#include "gtest/gtest.h"

namespace networks::files {
namespace {

TEST(Path, IsCutAtItsLastSlash) {
  EXPECT_EQ(FolderOf("/a/b/id7#03.mp4"), "/a/b");
  EXPECT_EQ(BaseName("/a/b/id7#03.mp4"), "id7#03.mp4");
  EXPECT_EQ(Stem("/a/b/id7#03.mp4"), "id7#03");
  EXPECT_EQ(FolderOf("c.mp4"), ".");
  EXPECT_EQ(FolderOf("/c.mp4"), "/");
  EXPECT_EQ(FolderOf("a//c.mp4"), "a");
}

TEST(Path, IgnoresSlashesAtItsEnd) {
  EXPECT_EQ(FolderOf("/a/b//"), "/a");
  EXPECT_EQ(BaseName("/a/b//"), "b");
  EXPECT_EQ(WithoutTrailingSlashes("/a/b//"), "/a/b");
  EXPECT_EQ(WithoutTrailingSlashes("//"), "/");
  EXPECT_EQ(WithoutTrailingSlashes(""), "");
  EXPECT_EQ(FolderOf("/"), "/");
  EXPECT_EQ(BaseName(""), "");
}

TEST(Path, HasAStemEvenWithoutAnEnding) {
  EXPECT_EQ(Stem("a/clip"), "clip");
  EXPECT_EQ(Stem("a/.hidden"), ".hidden");
  EXPECT_EQ(Stem("a.b/c.tar.gz"), "c.tar");
}

}  // namespace
}  // namespace networks::files
