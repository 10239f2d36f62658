#include "tools/studio/store/random_id.h"

#include <sys/random.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace studio {
namespace {

constexpr size_t kIdCharacters = 22;

std::string RandomText(size_t bytes) {
  std::string random(bytes, '\0');
  // Up to 256 bytes come whole or not at all (random(7)).
  if (getrandom(&random[0], random.size(), 0) !=
      static_cast<ssize_t>(random.size())) {
    std::abort();  // no source of randomness: nothing here would be safe
  }
  std::string text;
  absl::WebSafeBase64Escape(random, &text);
  return text;
}

}  // namespace

std::string NewId() {
  std::string id;
  // A name that begins with "-" looks like an option in a command line.
  do {
    id = RandomText(16);
  } while (id[0] == '-');
  return id;
}

std::string NewToken() { return RandomText(32); }

bool IsId(absl::string_view text) {
  return text.size() == kIdCharacters && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  c == '-' || c == '_';
         });
}

}  // namespace studio
