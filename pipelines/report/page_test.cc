#include "pipelines/report/page.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/report/html.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::networks::files::ReadText;
using ::testing::HasSubstr;
using ::testing::Not;

// True if `text` has the words in this order.
MATCHER_P2(HasInOrder, first, second, "") {
  const size_t at = arg.find(first);
  return at != std::string::npos && arg.find(second, at) != std::string::npos;
}

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(EscapeHtml(std::string("a\0b\x1b", 4)), "a b ");
  EXPECT_EQ(EscapeHtml("naïve"), "naïve");
}

TEST(EscapeHtml, IsUtf8) {
  EXPECT_EQ(EscapeHtml("caf\xe9"), "caf\\xe9");
  EXPECT_EQ(EscapeHtml("<\xc3\n"), "&lt;\\xc3\n");
}

TEST(UrlOfPath, EncodesWhatUrlsGiveAMeaning) {
  EXPECT_EQ(UrlOfPath("strips/epoch 1#2?.png"), "strips/epoch%201%232%3F.png");
  EXPECT_EQ(UrlOfPath("a:b%.png"), "a%3Ab%25.png");
}

TEST(RunPageHtml, EscapesEverything) {
  RunPage page;
  const std::string evil = "<script>";
  page.title = page.subtitle = page.config = evil;
  page.summary = {{evil, evil}};
  page.plots = {{{evil, evil}, {{evil, {0, 1}, {0, 1}}}}};
  page.animations = page.strips = {{evil, evil}};
  page.failures = page.sheets = {{evil, evil}};
  page.scores = {evil, {evil}, {{evil, {evil}}}, {{evil, {evil}}}};
  page.commands = {{evil, evil}};
  EXPECT_THAT(RunPageHtml(page), Not(HasSubstr(evil)));
}

TEST(RunPageHtml, ShowsTheNewestPicturesFirst) {
  RunPage page;
  page.strips = {{"1.png", "epoch 1"}, {"2.png", "epoch 2"}};
  EXPECT_THAT(RunPageHtml(page), HasInOrder("epoch 2", "epoch 1"));
}

TEST(RunPageHtml, ShowsFailuresInTheirOrderAndSheets) {
  RunPage page;
  page.failures = {{"worst.png", "clip 7"}, {"better.png", "clip 3"}};
  page.sheets = {{"sheet.png", "the sheet"}};
  const std::string html = RunPageHtml(page);
  EXPECT_THAT(html, HasInOrder("src=\"worst.png\"", "src=\"better.png\""));
  EXPECT_THAT(html, HasInOrder("class=\"sheet\"", "src=\"sheet.png\""));
}

ScoreTable TwoClips() {
  ScoreTable table;
  table.columns = {"L1", "PCK"};
  table.rows = {{"bad", {"0.0500", "0.5"}}, {"good", {"0.0100", ""}}};
  table.summary = {{"mean", {"0.0300", "0.5"}}};
  return table;
}

TEST(RunPageHtml, ShowsTheSummaryThenTheClips) {
  RunPage page;
  page.scores = TwoClips();
  const std::string html = RunPageHtml(page);
  EXPECT_THAT(html, HasInOrder("<th>PCK</th>", "<td>mean</td><td>0.0300</td>"));
  EXPECT_THAT(html, HasInOrder("<td>mean</td>", "<td>bad</td>"));
  EXPECT_THAT(html, HasSubstr("<td>good</td><td>0.0100</td><td></td>"));
}

TEST(ScoreTableText, AlignsColumns) {
  EXPECT_EQ(ScoreTableText(TwoClips()),
            "clip      L1  PCK\n"
            "bad   0.0500  0.5\n"
            "good  0.0100     \n"
            "mean  0.0300  0.5\n");
}

TEST(RunPageHtml, NeedsNothingFromANetwork) {
  RunPage page;
  page.title = "t";
  page.plots = {{{}, {{"loss", {0, 1}, {0, 1}}}}};
  page.animations = page.strips = {{"a.png", "b"}};
  std::string html = RunPageHtml(page);
  // The one address is the name of the SVG language, which is never fetched.
  const std::string svg = "http://www.w3.org/2000/svg";
  html.erase(html.find(svg), svg.size());
  EXPECT_THAT(html, Not(HasSubstr("://")));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(RunPageHtml, LeavesOutEmptySectionsAndReloadsOnlyWhileRunning) {
  RunPage page;
  EXPECT_THAT(RunPageHtml(page), Not(HasSubstr("<h2>")));
  EXPECT_THAT(RunPageHtml(page), Not(HasSubstr("refresh")));
  page.reload_seconds = 20;
  EXPECT_THAT(RunPageHtml(page), HasSubstr("content=\"20\""));
}

TEST(WriteRunPage, WritesIndexHtml) {
  RunPage page;
  page.title = "a run";
  ASSERT_THAT(WriteRunPage(::testing::TempDir(), page), IsOk());
  EXPECT_EQ(ReadText(::testing::TempDir() + "/index.html"), RunPageHtml(page));
  EXPECT_THAT(WriteRunPage("/no/such/folder", page),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/no/such/folder/index.html")));
}

}  // namespace
}  // namespace pipelines
