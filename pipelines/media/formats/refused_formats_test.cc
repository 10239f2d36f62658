#include "pipelines/media/formats/refused_formats.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

using ::testing::HasSubstr;

TEST(WhyNotRead, KnowsFilesByTheirHead) {
  EXPECT_THAT(WhyNotRead("<?xml version='1.0'?><svg width='1'>"),
              HasSubstr("SVG drawing"));
  EXPECT_THAT(WhyNotRead(std::string("II+\0\x8", 5)), HasSubstr("BigTIFF"));
  EXPECT_THAT(WhyNotRead("#EXTM3U\n"), HasSubstr("playlist"));
  EXPECT_THAT(WhyNotRead("%PDF-1.4\n"), HasSubstr("PDF"));
  EXPECT_THAT(WhyNotRead("%!PS-Adobe-3.0"), HasSubstr("PostScript"));
  const auto box = [](const std::string& brand) {
    return std::string("\0\0\0\x18", 4) + "ftyp" + brand;
  };
  EXPECT_THAT(WhyNotRead(box("heic")), HasSubstr("HEIC or AVIF photo"));
  EXPECT_THAT(WhyNotRead(box("avis")), HasSubstr("animated"));
  for (const std::string& head :
       {std::string(), std::string("<"), std::string("<html>"), box("isom"),
        box("hei"), std::string("#EXTM3"), std::string("\x89PNG")}) {
    EXPECT_EQ(WhyNotRead(head), "") << head;
  }
}

}  // namespace
}  // namespace pipelines::media
