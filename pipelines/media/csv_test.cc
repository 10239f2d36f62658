#include "pipelines/media/csv.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::vector<std::string>> Fields(const std::string& csv) {
  std::vector<std::vector<std::string>> fields;
  const auto rows = SplitCsv(csv, "a.csv");
  EXPECT_THAT(rows, IsOk());
  if (!rows.ok()) return fields;
  for (const CsvRow& row : *rows) fields.push_back(row.fields);
  return fields;
}

TEST(SplitCsv, SplitsRowsAndFields) {
  EXPECT_THAT(Fields("a,b\nc,,d\n"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "", "d")));
  EXPECT_THAT(Fields("a,b"), ElementsAre(ElementsAre("a", "b")));
  EXPECT_THAT(Fields(""), IsEmpty());
}

TEST(SplitCsv, TakesLineEndsOfEverySystem) {
  EXPECT_THAT(Fields("a,b\r\nc,d\r\n"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d")));
}

TEST(SplitCsv, LeavesEmptyLinesOutAndCountsThem) {
  const auto rows = SplitCsv("a\n\n\nb\n", "a.csv");
  ASSERT_THAT(rows, IsOk());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].line, 1);
  EXPECT_EQ((*rows)[1].line, 4);
}

TEST(SplitCsv, KeepsWhatStandsInQuotes) {
  EXPECT_THAT(Fields("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\nnext\n"),
              ElementsAre(ElementsAre("a,b", "say \"hi\"", "two\nlines"),
                          ElementsAre("next")));
  const auto rows = SplitCsv("\"two\nlines\"\nnext\n", "a.csv");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ((*rows)[1].line, 3);
}

// Windows editors and spreadsheets put one in front.
TEST(SplitCsv, LeavesAByteOrderMarkOut) {
  EXPECT_THAT(Fields("\xef\xbb\xbf"
                     "file,begin\n"),
              ElementsAre(ElementsAre("file", "begin")));
}

// As editors of Windows save what they call Unicode.
TEST(SplitCsv, SaysThatATableIsInUtf16) {
  EXPECT_THAT(SplitCsv(std::string("\xff\xfe,\0", 4), "a.csv"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "a.csv: is text in UTF-16; save it as UTF-8"));
}

TEST(SplitCsv, NamesTheLineOfAQuoteThatDoesNotClose) {
  EXPECT_THAT(SplitCsv("a\nb\n\"c\nd\n", "a.csv"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.csv:3: a quote opens here")));
}

}  // namespace
}  // namespace pipelines::media
