#include "pipelines/base/nearest_word.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace pipelines {
namespace {

// How many letters of a word may be wrong. Of a short one any two make another.
int MostWrongLetters(size_t letters) {
  return letters <= 4 ? 1 : 1 + static_cast<int>(letters) / 3;
}

// Levenshtein's distance.
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> NearestWord(absl::string_view word,
                                       const std::vector<std::string>& words) {
  const auto nearest =
      std::min_element(words.begin(), words.end(), [word](auto& a, auto& b) {
        return EditDistance(word, a) < EditDistance(word, b);
      });
  if (nearest == words.end() ||
      EditDistance(word, *nearest) > MostWrongLetters(word.size())) {
    return std::nullopt;
  }
  return *nearest;
}

}  // namespace pipelines
