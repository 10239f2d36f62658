#include "pipelines/evaluation/evaluation_page.h"

#include "gtest/gtest.h"
#include "pipelines/evaluation/evaluation.h"

namespace pipelines {
namespace {

TEST(EvaluationPage, LinksPicturesFromWhereItLies) {
  Evaluation evaluation;
  evaluation.failures = {{"/runs/a/evaluation/worst-00.png", "the worst"}};
  evaluation.sheets = {{"/runs/a/evaluation/sheet.png", "the sheet"}};
  RunPage page;
  AddToPage(evaluation, "/runs/./a/", &page);
  EXPECT_EQ(page.failures[0].path, "evaluation/worst-00.png");
  EXPECT_EQ(page.failures[0].caption, "the worst");
  AddToPage(evaluation, "/runs/b", &page);
  EXPECT_EQ(page.sheets[0].path, "../a/evaluation/sheet.png");
}

}  // namespace
}  // namespace pipelines
