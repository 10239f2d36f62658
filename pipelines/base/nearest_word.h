// What a user who misspelt a word may have meant.
#ifndef PIPELINES_BASE_NEAREST_WORD_H_
#define PIPELINES_BASE_NEAREST_WORD_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace pipelines {

// The one of `words` that the fewest letters put in, left out or exchanged make
// of `word`; of several the first. None where these are more than one and a
// third of its letters, or of up to four letters more than one: it is rather
// another word.
std::optional<std::string> NearestWord(absl::string_view word,
                                       const std::vector<std::string>& words);

}  // namespace pipelines

#endif  // PIPELINES_BASE_NEAREST_WORD_H_
