#include "tools/studio/warp/warp_request.h"

#include <limits>
#include <ostream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using nlohmann::json;

TEST(WarpRequestTest, AnEmptyRequestHasTheDefaults) {
  const auto request = ParseWarpRequest(json::object());
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->size, 256);
  EXPECT_EQ(request->tessellation.nx, 4);
  EXPECT_TRUE(request->tessellation.zero_boundary);
  EXPECT_EQ(request->fit.tension, cpab::FitOptions().tension);
  EXPECT_EQ(request->points.from.cols(), 0);
  EXPECT_EQ(request->model, WarpModel::kCpab);
  EXPECT_EQ(request->view, WarpView::kPicture);
}

TEST(WarpRequestTest, ReadsEveryField) {
  const auto request = ParseWarpRequest(json::parse(R"({
      "picture": "bundled:x", "size": 100, "cells": [3, 12],
      "zero_boundary": false, "volume": true, "tension": 2.5,
      "prior": {"length_scale": 0.1, "speed": 2, "gradient": 0},
      "points": [{"from": [0, 1], "to": [-0.5, 1.5]},
                 {"to": [0.25, 0.5], "from": [0.5, 0.75]}],
      "model": "thin_plate", "view": "det",
      "overlays": ["velocity", "grid"], "trace": [[0.5, -1]]})"));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->size, 100);
  EXPECT_EQ(request->tessellation.nx, 3);
  EXPECT_EQ(request->tessellation.ny, 12);
  EXPECT_FALSE(request->tessellation.zero_boundary);
  EXPECT_TRUE(request->tessellation.volume_preserving);
  EXPECT_EQ(request->fit.tension, 2.5);
  EXPECT_EQ(request->fit.prior.length_scale, 0.1);
  EXPECT_EQ(request->fit.prior.speed, 2);
  EXPECT_EQ(request->fit.prior.gradient, 0);
  ASSERT_EQ(request->points.from.cols(), 2);
  EXPECT_EQ(request->points.to.col(0), Eigen::Vector2d(-0.5, 1.5));
  EXPECT_EQ(request->points.from.col(1), Eigen::Vector2d(0.5, 0.75));
  EXPECT_EQ(request->model, WarpModel::kThinPlate);
  EXPECT_EQ(request->view, WarpView::kDet);
  EXPECT_TRUE(request->has_grid);
  EXPECT_TRUE(request->has_velocity);
  EXPECT_EQ(request->trace, Eigen::Vector2d(0.5, -1));
}

struct BadRequest {
  std::string text;
  std::string field;
  std::string hint;  // a part of the message
};

void PrintTo(const BadRequest& bad, std::ostream* out) { *out << bad.text; }

class BadRequestTest : public ::testing::TestWithParam<BadRequest> {};

TEST_P(BadRequestTest, IsAnErrorThatNamesItsField) {
  const auto request = ParseWarpRequest(json::parse(GetParam().text));
  ASSERT_FALSE(request.ok());
  EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(request.status()), GetParam().field);
  EXPECT_THAT(std::string(request.status().message()),
              ::testing::HasSubstr(GetParam().hint));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadRequestTest,
    ::testing::Values(
        BadRequest{R"([])", "", "not a JSON object"},
        BadRequest{R"({"siez": 256})", "siez", "is not a field"},
        BadRequest{R"({"size": 16})", "size", "is 16; use an integer from 32"},
        BadRequest{R"({"size": 1e9})", "size", "integer from 32 to 1024"},
        BadRequest{R"({"size": 256.5})", "size", "integer"},
        BadRequest{R"({"size": "256"})", "size", "integer"},
        BadRequest{R"({"size": 18446744073709551615})", "size", "integer"},
        BadRequest{R"({"size": -9223372036854775808})", "size", "integer"},
        BadRequest{R"({"cells": 4})", "cells", "two integers"},
        BadRequest{R"({"cells": [4]})", "cells", "two integers"},
        BadRequest{R"({"cells": [0, 4]})", "cells[0]", "is 0;"},
        BadRequest{R"({"cells": [4, 1000]})", "cells[1]", "is 1000;"},
        BadRequest{R"({"cells": [1, 1], "volume": true})", "cells",
                   "use more cells"},
        BadRequest{R"({"zero_boundary": 1})", "zero_boundary", "true or false"},
        BadRequest{R"({"volume": null})", "volume", "is null;"},
        BadRequest{R"({"tension": 0})", "tension", "is 0;"},
        BadRequest{R"({"tension": -1})", "tension", "is -1;"},
        BadRequest{R"({"prior": 3})", "prior", "an object"},
        BadRequest{R"({"prior": {"speed": 0}})", "prior.speed", "is 0;"},
        BadRequest{R"({"prior": {"sped": 1}})", "prior.sped", "not a field"},
        BadRequest{R"({"points": {}})", "points", "a list"},
        BadRequest{R"({"points": [3]})", "points[0]", "is 3;"},
        BadRequest{R"({"points": [{"from": [0, 0]}]})", "points[0].to",
                   "missing"},
        BadRequest{R"({"points": [{"to": [0, 0]}]})", "points[0].from",
                   "missing"},
        BadRequest{R"({"points": [{"from": [0, 0], "to": [0, 0], "w": 1}]})",
                   "points[0].w", "not a field"},
        BadRequest{R"({"points": [{"from": [0], "to": [0, 0]}]})",
                   "points[0].from", "two numbers"},
        BadRequest{R"({"points": [{"from": [0, 2], "to": [0, 0]}]})",
                   "points[0].from[1]", "is 2;"},
        BadRequest{R"({"points": [{"from": [0, 0], "to": [null, 0]}]})",
                   "points[0].to[0]", "is null;"},
        BadRequest{R"({"points": [{"from": [0, 0], "to": [0, "x"]}]})",
                   "points[0].to[1]", "number"},
        BadRequest{R"({"points": [{"from": [0.5, 0.5], "to": [0, 0]},
                                  {"from": [0.5, 0.50001], "to": [1, 1]}]})",
                   "points[1].from", "equals points[0].from"},
        BadRequest{R"({"points": [{"from": [0.1, 0.5], "to": [0, 0]},
                                  {"from": [0.2, 0.5], "to": [1, 1]},
                                  {"from": [0.3, 0.5], "to": [0, 0]}]})",
                   "points[2].to", "equals points[0].to"},
        BadRequest{R"({"model": "tps"})", "model", "cpab, thin_plate, affine"},
        BadRequest{R"({"view": 3})", "view", "picture, inverse, det"},
        BadRequest{R"({"overlays": "grid"})", "overlays", "a list"},
        BadRequest{R"({"trace": 1})", "trace", "at most 64"},
        BadRequest{R"({"trace": [[0, 0], [0, 3]]})", "trace[1][1]", "is 3;"},
        BadRequest{R"({"overlays": ["grid", "mesh"]})", "overlays[1]",
                   "grid, velocity"}));

// JSON text has no NaN, but a library's caller may.
TEST(WarpRequestTest, RefusesNumbersThatAreNotFinite) {
  for (const double number : {std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity()}) {
    json request = json::parse(R"({"points": [{"from": [0, 0]}]})");
    request["points"][0]["to"] = {0.5, number};
    EXPECT_EQ(FieldOf(ParseWarpRequest(request).status()), "points[0].to[1]");
    EXPECT_EQ(FieldOf(ParseWarpRequest({{"tension", number}}).status()),
              "tension");
  }
}

TEST(WarpRequestTest, RefusesTenThousandPoints) {
  json request = {{"points", json::array()}};
  for (int k = 0; k < 10000; ++k) {
    request["points"].push_back({{"from", {0, 0}}, {"to", {0, 0}}});
  }
  const auto status = ParseWarpRequest(request).status();
  EXPECT_EQ(FieldOf(status), "points");
  EXPECT_EQ(status.message(), "points: has 10000 points; use at most 64");
}

TEST(WarpRequestTest, MessagesStayShortWhateverWasSent) {
  const std::string word(100000, 'x');
  for (const json& request :
       {json{{word, 1}}, json{{"model", word}}, json{{"prior", {{word, 1}}}},
        json{{"points", json::array({json{{word, 1}}})}}}) {
    EXPECT_LT(ParseWarpRequest(request).status().message().size(), 300);
  }
}

}  // namespace
}  // namespace studio
