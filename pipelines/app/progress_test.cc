#include "pipelines/app/progress.h"

#include <cmath>
#include <cstdio>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A bar that draws into a file, under a clock that the test moves.
class ProgressBarTest : public ::testing::Test {
 protected:
  ProgressBarTest() : stream_(std::tmpfile()) {
    options_.title = "train";
    options_.total = 600;
    options_.stream = stream_;
    options_.columns = 100;
    options_.seconds = [this] { return now_; };
  }
  ~ProgressBarTest() override { std::fclose(stream_); }

  // What was drawn since the last call.
  std::string Drawn() {
    std::fflush(stream_);
    std::string text;
    std::fseek(stream_, read_, SEEK_SET);
    for (int c; (c = std::fgetc(stream_)) != EOF;) text += static_cast<char>(c);
    read_ = std::ftell(stream_);
    return text;
  }

  ProgressOptions Terminal() {
    options_.style = ProgressOptions::Style::kTerminal;
    return options_;
  }
  ProgressOptions Plain() {
    options_.style = ProgressOptions::Style::kPlain;
    return options_;
  }

  std::FILE* stream_;
  long read_ = 0;  // NOLINT: ftell's type
  double now_ = 1000;
  ProgressOptions options_;
};

TEST_F(ProgressBarTest, ShowsShareRateAndTimeLeft) {
  ProgressBar bar(Terminal());
  now_ += 10;
  bar.Update(300, "loss 0.83");
  EXPECT_EQ(Drawn(),
            "\rtrain  [==========>           ]  300/600   50%  30/s  0:10 left "
            " loss 0.83\033[K");
}

TEST_F(ProgressBarTest, CountsWholePercents) {
  options_.total = 50;
  ProgressBar bar(Terminal());
  now_ += 10;
  bar.Update(29);
  EXPECT_THAT(Drawn(), HasSubstr("29/50   58%"));
}

TEST_F(ProgressBarTest, DoesNotCountStepsOfAnEarlierProcessAsSpeed) {
  options_.done = 500;
  ProgressBar bar(Terminal());
  now_ += 10;
  bar.Update(520);
  EXPECT_THAT(Drawn(), HasSubstr("2/s  0:40 left"));
}

TEST_F(ProgressBarTest, FollowsAChangeOfSpeed) {
  ProgressBar bar(Terminal());
  for (int step = 1; step <= 100; ++step) {
    now_ += 0.1;
    bar.Update(step);
  }
  for (int step = 101; step <= 200; ++step) {
    now_ += 1;
    bar.Update(step);
  }
  EXPECT_THAT(Drawn(), HasSubstr("200/600   33%  1/s  6:3"));
}

TEST_F(ProgressBarTest, BelievesWhoeverKnowsWhatStepsCost) {
  options_.share = [] { return 0.167; };
  options_.seconds_left = [] { return 50.0; };
  ProgressBar bar(Terminal());
  now_ += 10;
  bar.Update(300);
  EXPECT_THAT(Drawn(), HasSubstr("300/600   16%  30/s  0:50 left"));
}

// As of a run that ends by the clock.
TEST_F(ProgressBarTest, ShowsAShareOfWhatHasNoTotal) {
  options_.total = 0;
  options_.share = [] { return 0.5; };
  options_.seconds_left = [] { return 30.0; };
  ProgressBar bar(Terminal());
  now_ += 10;
  bar.Update(20);
  EXPECT_THAT(Drawn(), AllOf(HasSubstr("[==========>           ]"),
                             HasSubstr("20   50%  2/s  0:30 left")));
}

TEST_F(ProgressBarTest, ShowsNoBarWhileTheShareIsUnknown) {
  options_.share = options_.seconds_left = [] { return std::nan(""); };
  ProgressBar bar(Terminal());
  now_ += 10;
  bar.Update(20);
  EXPECT_EQ(Drawn(), "\rtrain  20/600  2/s\033[K");
}

TEST_F(ProgressBarTest, RedrawsATerminalAtMostTenTimesASecond) {
  ProgressBar bar(Terminal());
  bar.Update(1);
  EXPECT_THAT(Drawn(), Not(""));
  now_ += 0.06;
  bar.Update(2);
  EXPECT_EQ(Drawn(), "");
  now_ += 0.06;
  bar.Update(3);
  EXPECT_THAT(Drawn(), HasSubstr("3/600"));
}

TEST_F(ProgressBarTest, PrintsPlainLinesWhereThereIsNoTerminal) {
  ProgressBar bar(Plain());
  now_ += 1;
  bar.Update(30);
  EXPECT_EQ(Drawn(), "train  30/600    5%  30/s  0:19 left\n");
  now_ += 4;
  bar.Update(31);
  EXPECT_EQ(Drawn(), "");
  now_ += 2;
  bar.Update(32);
  EXPECT_THAT(Drawn(), StartsWith("train  32/600"));
}

TEST_F(ProgressBarTest, CutsTheLineToTheTerminal) {
  options_.columns = 20;
  ProgressBar bar(Terminal());
  bar.Update(300, "loss 0.83");
  EXPECT_EQ(Drawn(), "\rtrain  [==========>\033[K");
}

TEST_F(ProgressBarTest, CountsWithoutATotal) {
  options_.total = 0;
  options_.unit = "frames";
  ProgressBar bar(Terminal());
  now_ += 2;
  bar.Update(9);
  EXPECT_EQ(Drawn(), "\rtrain  9  4.5 frames/s\033[K");
}

TEST_F(ProgressBarTest, FinishShowsTheTimeTakenAndEndsTheLine) {
  ProgressBar bar(Terminal());
  now_ += 90;
  bar.Update(600, "loss 0.1");
  Drawn();
  bar.Finish();
  EXPECT_EQ(Drawn(),
            "\rtrain  [======================]  600/600  100%  6.7/s  in 1:30  "
            "loss 0.1\033[K\n");
  bar.Update(600);
  bar.Finish();
  EXPECT_EQ(Drawn(), "");
}

TEST_F(ProgressBarTest, PrintsLinesAboveTheBar) {
  ProgressBar bar(Terminal());
  bar.Update(1);
  Drawn();
  bar.Print("saved step-1");
  EXPECT_THAT(Drawn(), StartsWith("\r\033[Ksaved step-1\n\rtrain  ["));
}

TEST_F(ProgressBarTest, GoesAwayForALineOfAnotherStream) {
  ProgressBar bar(Terminal());
  bar.Update(1);
  Drawn();
  bar.Clear();
  EXPECT_EQ(Drawn(), "\r\033[K");
  now_ += 1;
  bar.Update(2);
  EXPECT_THAT(Drawn(), StartsWith("\rtrain  ["));
}

TEST_F(ProgressBarTest, EndsAnOpenLineWhenDestroyed) {
  ProgressBar(Terminal()).Update(1);
  EXPECT_THAT(Drawn(), EndsWith("\n"));
}

TEST(FormatRate, KeepsTwoOrThreeFigures) {
  EXPECT_EQ(FormatRate(0.0421), "0.042");
  EXPECT_EQ(FormatRate(4.21), "4.2");
  EXPECT_EQ(FormatRate(99.4), "99");
  EXPECT_EQ(FormatRate(99.7), "100");
  EXPECT_EQ(FormatRate(310.4), "310");
  EXPECT_EQ(FormatRate(12400), "12.4k");
}

}  // namespace
}  // namespace pipelines
