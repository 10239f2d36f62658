#include "tools/studio/warp/warp_engine.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/flow/flow.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using nlohmann::json;

struct Answer {
  json facts;
  std::vector<uint8_t> pixels;
};

Answer Parse(const std::string& bytes) {
  uint32_t length = 0;
  for (int i = 3; i >= 0; --i) {
    length = length << 8 | static_cast<uint8_t>(bytes.at(i));
  }
  Answer answer;
  answer.facts = json::parse(bytes.substr(4, length));
  answer.pixels.assign(bytes.begin() + 4 + length, bytes.end());
  return answer;
}

// Smooth, of `width` x `height` pixels, some of them transparent.
std::shared_ptr<const RgbaImage> Picture(int width, int height) {
  auto picture = std::make_shared<RgbaImage>();
  picture->width = width;
  picture->height = height;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      picture->pixels.push_back(static_cast<uint8_t>(255 * x / width));
      picture->pixels.push_back(static_cast<uint8_t>(255 * y / height));
      picture->pixels.push_back(
          static_cast<uint8_t>(128 + 100 * std::sin(0.1 * x + 0.2 * y)));
      picture->pixels.push_back(x < width / 8 ? x : 255);
    }
  }
  return picture;
}

class WarpEngineTest : public ::testing::Test {
 protected:
  Answer Warp(const json& request) {
    const auto bytes = engine_.Warp(request, picture_);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return Parse(bytes.value());
  }

  WarpEngine engine_;
  std::shared_ptr<const RgbaImage> picture_ = Picture(96, 64);
};

json PointsOf(const Eigen::Matrix2Xd& from, const Eigen::Matrix2Xd& to) {
  json points = json::array();
  for (int k = 0; k < from.cols(); ++k) {
    points.push_back(
        {{"from", {from(0, k), from(1, k)}}, {"to", {to(0, k), to(1, k)}}});
  }
  return points;
}

// `count` points that move by up to `reach` along each axis.
json DrawPoints(int count, double reach, uint64_t seed) {
  const Eigen::Matrix2Xd from =
      cpab::test_util::DrawPoints(count, 0.1, 0.9, seed);
  return PointsOf(
      from, from + cpab::test_util::DrawPoints(count, -reach, reach, seed + 1));
}

TEST_F(WarpEngineTest, GivesThePictureBitForBitIfNoPointMoves) {
  const Eigen::Matrix2Xd points = cpab::test_util::DrawPoints(5, 0.1, 0.9, 1);
  for (const char* model : {"cpab", "thin_plate", "affine"}) {
    for (const char* view : {"picture", "inverse"}) {
      for (const json& pairs : {json::array(), PointsOf(points, points)}) {
        const Answer answer = Warp({{"size", 96},
                                    {"points", pairs},
                                    {"model", model},
                                    {"view", view}});
        EXPECT_EQ(answer.pixels, picture_->pixels) << model << " " << view;
        EXPECT_EQ(answer.facts["residual"], 0);
      }
    }
  }
}

// Pairs that some field explains are met, and the residual that is reported is
// that of the flow of the theta that is reported.
TEST_F(WarpEngineTest, MeetsThePointsWithinItsResidual) {
  const auto basis = cpab::Basis::Create({5, 5, true}).value();
  const auto flow_of = [&basis](const std::vector<double>& theta) {
    return cpab::Flow(
        basis, Eigen::Map<const Eigen::VectorXd>(
                   theta.data(), static_cast<Eigen::Index>(theta.size())));
  };
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const cpab::Flow truth(basis,
                           cpab::test_util::DrawTheta(*basis, 0.1, seed));
    const Eigen::Matrix2Xd from =
        cpab::test_util::DrawPoints(6, 0.1, 0.9, seed);
    Eigen::Matrix2Xd to(2, 6);
    truth.Transform<double>(from, to);
    const Answer answer =
        Warp({{"points", PointsOf(from, to)}, {"cells", {5, 5}}});
    const cpab::Flow fitted = flow_of(answer.facts["theta"]);
    Eigen::Matrix2Xd met(2, 6);
    fitted.Transform<double>(from, met);
    const double residual = answer.facts["residual"];
    EXPECT_NEAR((met - to).norm(), residual, 1e-12);
    // FitOptions::noise, 2e-4, times the root of the number of pairs, with a
    // third of the tension in use at most (cpab/README.md).
    EXPECT_LT(residual, 5e-4) << seed;
  }
}

// Two points that are to change places do not.
TEST_F(WarpEngineTest, NamesThePointsThatDoNotArrive) {
  Eigen::Matrix2Xd from(2, 2), to(2, 2);
  from << 0.4, 0.8,  //
      0.4, 0.4;
  to << 0.8, 0.4,  //
      0.4, 0.4;
  const Eigen::Matrix2Xd nearby = (from.array() + 0.01).matrix();
  for (const char* view : {"picture", "inverse"}) {
    EXPECT_EQ(
        Warp({{"points", PointsOf(from, to)}, {"view", view}}).facts["missed"],
        json::array({0, 1}))
        << view;
    EXPECT_EQ(Warp({{"points", PointsOf(from, nearby)}, {"view", view}})
                  .facts["missed"],
              json::array())
        << view;
  }
}

TEST_F(WarpEngineTest, CarriesContentsFromFromToTo) {
  auto dot = std::make_shared<RgbaImage>();
  dot->width = dot->height = 101;
  dot->pixels.assign(size_t{4} * 101 * 101, 0);
  const auto opacity_at = [](const std::vector<uint8_t>& pixels, int x, int y) {
    return pixels[4 * (101 * y + x) + 3];
  };
  for (int y = 27; y <= 33; ++y) {
    for (int x = 37; x <= 43; ++x) dot->pixels[4 * (101 * y + x) + 3] = 255;
  }
  picture_ = dot;
  json request = {{"size", 101},
                  {"points", {{{"from", {0.4, 0.3}}, {"to", {0.6, 0.5}}}}}};
  for (const char* model : {"cpab", "thin_plate", "affine"}) {
    request["model"] = model;
    request["view"] = "picture";
    const Answer there = Warp(request);
    EXPECT_EQ(opacity_at(there.pixels, 60, 50), 255) << model;
    EXPECT_EQ(opacity_at(there.pixels, 40, 30), 0) << model;
    request["view"] = "inverse";
    std::swap(request["points"][0]["from"], request["points"][0]["to"]);
    EXPECT_EQ(opacity_at(Warp(request).pixels, 60, 50), 255) << model;
    std::swap(request["points"][0]["from"], request["points"][0]["to"]);
  }
}

// Of a smooth picture little is lost by sampling it twice.
TEST_F(WarpEngineTest, TheInverseViewUndoesThePicture) {
  auto smooth = std::make_shared<RgbaImage>(*Picture(128, 128));
  for (size_t n = 3; n < smooth->pixels.size(); n += 4) smooth->pixels[n] = 255;
  picture_ = smooth;
  json request = {{"size", 128}, {"points", DrawPoints(4, 0.1, 3)}};
  const Answer there = Warp(request);
  EXPECT_NE(there.pixels, smooth->pixels);
  picture_ = std::make_shared<RgbaImage>(RgbaImage{128, 128, there.pixels});
  request["view"] = "inverse";
  const Answer back = Warp(request);
  double sum = 0;
  for (size_t n = 0; n < back.pixels.size(); ++n) {
    sum += std::abs(back.pixels[n] - smooth->pixels[n]);
  }
  // Two roundings to integers are 0.5 on average; the one-pixel border fades.
  EXPECT_LT(sum / static_cast<double>(back.pixels.size()), 1);
}

// Also where points cross, and where a thin-plate spline folds.
TEST_F(WarpEngineTest, NeverFolds) {
  int folded_splines = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    json request = {{"size", 32},
                    {"points", DrawPoints(12, 0.5, seed)},
                    {"zero_boundary", seed % 2 == 0}};
    const Answer answer = Warp(request);
    EXPECT_EQ(answer.facts["folded"], 0) << seed;
    EXPECT_GT(answer.facts["det"]["min"], 0) << seed;
    request["model"] = "thin_plate";
    folded_splines += Warp(request).facts["folded"] > 0 ? 1 : 0;
  }
  EXPECT_GT(folded_splines, 10);
}

// The determinant is the exponential of a sum of traces, each zero to rounding.
TEST_F(WarpEngineTest, KeepsAreasIfVolumeIsAskedFor) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Answer answer = Warp({{"points", DrawPoints(4, 0.15, seed)},
                                {"zero_boundary", seed % 2 == 0},
                                {"volume", true}});
    EXPECT_GT(answer.facts["theta"].size(), 0);
    EXPECT_NEAR(answer.facts["det"]["min"].get<double>(), 1, 1e-10);
    EXPECT_NEAR(answer.facts["det"]["max"].get<double>(), 1, 1e-10);
  }
}

TEST_F(WarpEngineTest, TheDeterminantIsWhiteWhereNothingMoves) {
  const Answer answer = Warp({{"size", 96}, {"view", "det"}});
  ASSERT_EQ(answer.pixels.size(), size_t{4} * 96 * 64);
  for (size_t n = 0; n < answer.pixels.size(); ++n) {
    ASSERT_EQ(answer.pixels[n], n % 4 == 3 ? 255 : 247);
  }
}

TEST_F(WarpEngineTest, GivesTheSizeThatIsAskedFor) {
  const Answer answer = Warp({{"size", 48}});
  EXPECT_EQ(answer.facts["width"], 48);
  EXPECT_EQ(answer.facts["height"], 32);
  EXPECT_EQ(answer.pixels.size(), size_t{4} * 48 * 32);
}

TEST_F(WarpEngineTest, DrawsOverlaysOnlyIfAsked) {
  const Answer plain = Warp(json::object());
  EXPECT_FALSE(plain.facts.contains("grid"));
  EXPECT_FALSE(plain.facts.contains("velocity"));
  json request = {{"overlays", {"grid", "velocity"}},
                  {"points", DrawPoints(3, 0.1, 1)}};
  const Answer drawn = Warp(request);
  EXPECT_EQ(drawn.facts["grid"].size(), 34);
  EXPECT_EQ(drawn.facts["grid"][0].size(), 66);
  EXPECT_EQ(drawn.facts["velocity"].size(), 289);
  request["model"] = "affine";
  EXPECT_EQ(Warp(request).facts["velocity"].size(), 0);
}

// The grid's lines are where the picture's contents are: on a picture that is
// the coordinate itself, each line has its own colour.
TEST_F(WarpEngineTest, TheGridFollowsThePicture) {
  auto ramp = std::make_shared<RgbaImage>();
  ramp->width = ramp->height = 256;
  for (int n = 0; n < 256 * 256; ++n) {
    for (const int byte : {n % 256, n / 256, 0, 255}) {
      ramp->pixels.push_back(static_cast<uint8_t>(byte));
    }
  }
  picture_ = ramp;
  for (const char* model : {"cpab", "thin_plate", "affine"}) {
    const Answer answer = Warp({{"points", DrawPoints(5, 0.08, 4)},
                                {"overlays", {"grid"}},
                                {"model", model}});
    const json& line = answer.facts["grid"][8];  // y = 1/2
    for (size_t n = 0; n < line.size(); n += 2) {
      const auto x = std::lround(line[n].get<double>() * 255);
      const auto y = std::lround(line[n + 1].get<double>() * 255);
      if (x < 1 || x > 254 || y < 1 || y > 254) continue;
      // Half a pixel of rounding, stretched by at most three.
      EXPECT_NEAR(answer.pixels[4 * (256 * y + x) + 1], 127.5, 2.5)
          << model << " " << n;
    }
  }
}

TEST_F(WarpEngineTest, TracesPlacesBackToThePicture) {
  const json points = {{{"from", {0.4, 0.5}}, {"to", {0.5, 0.45}}},
                       {{"from", {0.7, 0.7}}, {"to", {0.7, 0.7}}}};
  for (const char* model : {"cpab", "thin_plate", "affine"}) {
    const Answer answer =
        Warp({{"points", points}, {"model", model}, {"trace", {{0.5, 0.45}}}});
    EXPECT_NEAR(answer.facts["sources"][0][0].get<double>(), 0.4, 1e-3);
    EXPECT_NEAR(answer.facts["sources"][0][1].get<double>(), 0.5, 1e-3);
  }
}

TEST_F(WarpEngineTest, ASingularAffineMapHasNoPicture) {
  const Answer answer = Warp({{"model", "affine"},
                              {"points",
                               {{{"from", {0, 0}}, {"to", {0, 0}}},
                                {{"from", {1, 0}}, {"to", {1, 0}}},
                                {{"from", {0, 1}}, {"to", {0.5, 0}}}}}});
  EXPECT_EQ(answer.facts["folded"], 1);
  EXPECT_TRUE(answer.facts["det"]["min"].is_null());
  for (const uint8_t byte : answer.pixels) ASSERT_EQ(byte, 0);
}

TEST_F(WarpEngineTest, EqualRequestsHaveEqualAnswers) {
  const json request = {{"points", DrawPoints(6, 0.2, 1)}};
  Answer first = Warp(request), second = Warp(request);
  first.facts.erase("milliseconds");
  second.facts.erase("milliseconds");
  EXPECT_EQ(first.facts, second.facts);
  EXPECT_EQ(first.pixels, second.pixels);
}

TEST_F(WarpEngineTest, NamesTheFieldOfABadRequest) {
  const auto status = engine_.Warp({{"cells", {0, 4}}}, picture_).status();
  EXPECT_EQ(FieldOf(status), "cells[0]");
}

}  // namespace
}  // namespace studio
