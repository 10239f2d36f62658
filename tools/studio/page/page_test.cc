// The page's files fit together and keep to the policy that they are served
// under; openapi.json is consistent. That openapi.json names the routes of the
// server is tested beside them.
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "nlohmann/json.hpp"

namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr char kFolder[] = "tools/studio/page/";

std::string ReadFile(const std::string& name) {
  std::string text = networks::files::ReadText(kFolder + name);
  EXPECT_FALSE(text.empty()) << name;
  return text;
}

std::set<std::string> FilesEndingIn(const std::string& ending) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ending) {
      names.insert(entry.path().filename());
    }
  }
  return names;
}

// The first group of each place of `text` where `pattern` is found.
std::set<std::string> Matches(const std::string& text,
                              const std::string& pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end;
       ++it) {
    found.insert((*it)[1]);
  }
  return found;
}

TEST(PageTest, EachFileThatIsNamedIsThere) {
  const std::set<std::string> scripts = FilesEndingIn(".js");
  EXPECT_THAT(scripts, Not(IsEmpty()));
  for (const std::string& script : scripts) {
    EXPECT_THAT(scripts,
                IsSupersetOf(Matches(ReadFile(script), R"(from '\./([^']+)')")))
        << script;
  }
  for (const std::string& name :
       Matches(ReadFile("index.html"), R"((?:href|src)="([^"#]+)\")")) {
    EXPECT_TRUE(std::filesystem::exists(kFolder + name)) << name;
  }
}

TEST(PageTest, EachTabHasAModule) {
  const std::set<std::string> tabs =
      Matches(ReadFile("index.html"), R"re(<a href="#([a-z]+)">[A-Z])re");
  EXPECT_EQ(tabs.size(), 4);
  for (const std::string& tab : tabs) {
    EXPECT_THAT(ReadFile(tab + ".js"),
                testing::HasSubstr("export function mount(element, api)"));
  }
}

// The policy would refuse these silently.
TEST(PageTest, HasNoInlineStyleOrScript) {
  const std::string page = ReadFile("index.html");
  EXPECT_THAT(Matches(page, R"(<[^>]*[ ](style|on[a-z]+)=)"), IsEmpty());
  EXPECT_THAT(Matches(page, R"((<style|<script>))"), IsEmpty());
  for (const std::string& script : FilesEndingIn(".js")) {
    const std::string text = ReadFile(script);
    EXPECT_THAT(Matches(text, R"((innerHTML|outerHTML|insertAdjacentHTML))"),
                IsEmpty())
        << script;
    EXPECT_THAT(Matches(text, R"((\beval\(|new Function|document\.write))"),
                IsEmpty())
        << script;
  }
}

TEST(PageTest, AsksNobodyElse) {
  for (const char* ending : {".css", ".html", ".js", ".svg"}) {
    for (const std::string& name : FilesEndingIn(ending)) {
      // Namespaces are names and no addresses.
      EXPECT_THAT(Matches(ReadFile(name),
                          R"(((?:https?:|[("'])//(?!www\.w3\.org)[a-z]+))"),
                  IsEmpty())
          << name;
    }
  }
}

void FindReferences(const json& part, std::set<std::string>& found) {
  if (part.is_object() && part.contains("$ref")) {
    found.insert(part["$ref"].get<std::string>());
  }
  if (!part.is_structured()) return;
  for (const json& child : part) FindReferences(child, found);
}

class OpenApiTest : public testing::Test {
 protected:
  const json api_ = json::parse(ReadFile("openapi.json"));
};

TEST_F(OpenApiTest, EachReferenceIsDefinedAndEachDefinitionUsed) {
  std::set<std::string> used, defined;
  FindReferences(api_, used);
  for (const auto& [kind, parts] : api_["components"].items()) {
    if (kind == "securitySchemes") continue;  // named by "security"
    for (const auto& [name, part] : parts.items()) {
      defined.insert(absl::StrCat("#/components/", kind, "/", name));
    }
  }
  // WarpResult is inside an answer of bytes, which only words can describe.
  used.insert("#/components/schemas/WarpResult");
  EXPECT_EQ(used, defined);
}

TEST_F(OpenApiTest, EachOperationHasAnIdOfItsOwnAndAnswers) {
  EXPECT_EQ(api_["openapi"], "3.1.0");
  std::set<std::string> ids;
  for (const auto& [path, item] : api_["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      SCOPED_TRACE(absl::StrCat(method, " ", path));
      EXPECT_TRUE(ids.insert(operation["operationId"]).second);
      EXPECT_FALSE(operation["summary"].get<std::string>().empty());
      EXPECT_TRUE(operation["responses"].contains("401"));
      EXPECT_LT(operation["responses"].begin().key(), "300");
    }
  }
}

TEST_F(OpenApiTest, EachPartOfAPathIsAParameter) {
  for (const auto& [path, item] : api_["paths"].items()) {
    std::set<std::string> declared;
    json parameters = item.value("parameters", json::array());
    for (json& parameter : parameters) {
      if (parameter.contains("$ref")) {
        parameter = api_.at(
            json::json_pointer(parameter["$ref"].get<std::string>().substr(1)));
      }
      declared.insert(parameter["name"]);
    }
    EXPECT_EQ(declared, Matches(path, R"(\{([a-z]+)\})")) << path;
  }
}

}  // namespace
