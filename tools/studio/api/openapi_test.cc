// openapi.json, which is served with the page, names the routes of the API and
// no others.
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/studio/api/api.h"

namespace studio {
namespace {

// "/uploads/{upload}/preview" -> "/uploads/*/preview".
std::string PatternOf(const std::string& path) {
  std::string pattern;
  bool inside = false;
  for (const char c : path) {
    if (c == '{') pattern += '*';
    inside = (inside || c == '{') && c != '}';
    if (!inside && c != '}') pattern += c;
  }
  return pattern;
}

std::set<std::string> DescribedRoutes() {
  std::ifstream file("tools/studio/page/openapi.json");
  const nlohmann::json api = nlohmann::json::parse(file);
  std::set<std::string> routes;
  for (const auto& [path, item] : api["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      routes.insert(
          absl::StrCat(absl::AsciiStrToUpper(method), " ", PatternOf(path)));
    }
  }
  return routes;
}

TEST(OpenApiTest, NamesEveryRouteAndNoOther) {
  EXPECT_THAT(ApiRoutes(),
              testing::UnorderedElementsAreArray(DescribedRoutes()));
}

}  // namespace
}  // namespace studio
