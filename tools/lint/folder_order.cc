#include "tools/lint/folder_order.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tools::lint {
namespace {

constexpr char kStatement[] = "Each folder depends only on those";
constexpr char kApart[] = "` do not depend on each other";

// "a" and "b" of "`a` and `b` do not depend on each other"; empty without it.
std::set<std::string> ApartOf(const std::string& page) {
  const size_t end = page.find(kApart);
  if (end == std::string::npos) return {};
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(page).substr(0, end), '`');
  if (parts.size() < 3) return {};
  return {parts[parts.size() - 3], parts.back()};
}

// "cpab" of "| [cpab](cpab/README.md) | what |" and of "| `cpab/` | what |".
std::string FirstCell(absl::string_view row) {
  absl::ConsumePrefix(&row, "|");
  absl::string_view cell =
      absl::StripAsciiWhitespace(row.substr(0, row.find('|')));
  if (absl::ConsumePrefix(&cell, "[")) cell = cell.substr(0, cell.find(']'));
  absl::ConsumePrefix(&cell, "`");
  absl::ConsumeSuffix(&cell, "`");
  absl::ConsumeSuffix(&cell, "/");
  return std::string(cell);
}

// The first name of `package` below `folder`; "" if it is not below.
std::string NameBelow(const std::string& folder, const std::string& package) {
  absl::string_view rest = package;
  if (!folder.empty() && !absl::ConsumePrefix(&rest, folder + "/")) return "";
  return std::string(rest.substr(0, rest.find('/')));
}

class OrderChecker {
 public:
  OrderChecker(const std::string& page, const std::string& content,
               const std::vector<std::string>& order, const Targets& targets)
      : page_(page),
        folder_(FolderOf(page)),
        order_(order),
        apart_(ApartOf(content)),
        targets_(targets) {}

  void Check(std::vector<Finding>* findings) const {
    for (const auto& [path, rules] : targets_.rules()) {
      const std::string from = NameBelow(folder_, FolderOf(path));
      const size_t place = PlaceOf(from);
      if (place == order_.size()) continue;
      for (const BuildRule& rule : rules) {
        if (rule.testonly || absl::EndsWith(rule.kind, "_test")) continue;
        CheckRule(path, place, rule, findings);
      }
    }
  }

 private:
  size_t PlaceOf(const std::string& name) const {
    return std::find(order_.begin(), order_.end(), name) - order_.begin();
  }

  bool AreApart(size_t place, const std::string& other) const {
    return other != order_[place] && apart_.count(other) > 0 &&
           apart_.count(order_[place]) > 0;
  }

  void CheckRule(const std::string& build, size_t place, const BuildRule& rule,
                 std::vector<Finding>* findings) const {
    for (const char* attribute : {"actual", "data", "deps", "srcs", "tools"}) {
      for (const std::string& dep : rule.Strings(attribute)) {
        if (!absl::StartsWith(dep, "//")) continue;
        const std::string to =
            NameBelow(folder_, LabelParts(targets_.Actual(dep)).first);
        if (to.empty() || (PlaceOf(to) <= place && !AreApart(place, to))) {
          continue;
        }
        findings->push_back(
            {build, rule.line,
             absl::StrCat(rule.name(), " depends on ", dep, ", but by ", page_,
                          " ", order_[place], " does not depend on ", to)});
      }
    }
  }

  const std::string& page_;
  const std::string folder_;
  const std::vector<std::string>& order_;
  const std::set<std::string> apart_;
  const Targets& targets_;
};

}  // namespace

std::vector<std::string> OrderOf(const std::string& page) {
  std::vector<std::string> order;
  const size_t statement = page.find(kStatement);
  if (statement == std::string::npos) return order;
  int rows = 0;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(page).substr(statement), '\n')) {
    if (!absl::StartsWith(line, "|")) {
      if (rows > 0) break;
      continue;
    }
    // The head and the line below it come first.
    if (++rows <= 2) continue;
    const std::string name = FirstCell(line);
    if (!name.empty()) order.push_back(name);
  }
  return order;
}

std::vector<Finding> CheckFolderOrder(const SourceTree& tree,
                                      const Targets& targets) {
  std::vector<Finding> findings;
  for (const auto& [path, content] : tree.files()) {
    if (path != "README.md" && !absl::EndsWith(path, "/README.md")) continue;
    const std::vector<std::string> order = OrderOf(content);
    if (!order.empty()) {
      OrderChecker(path, content, order, targets).Check(&findings);
    }
  }
  return findings;
}

}  // namespace tools::lint
