#include "networks/weights/not_weights.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace networks::weights {

std::string WhatInsteadOfWeights(absl::string_view start) {
  start = start.substr(0, 512);
  absl::ConsumePrefix(&start, "\xEF\xBB\xBF");  // byte order mark
  start = absl::StripLeadingAsciiWhitespace(start);
  if (absl::StartsWith(start, "version https://git-lfs")) {
    return "a link of Git LFS, not the file that it stands for";
  }
  for (const char* page : {"<!doctype", "<html", "<head", "<?xml", "<!--"}) {
    if (absl::StartsWithIgnoreCase(start, page)) {
      return "a web page, as of a download that needs a click or a login";
    }
  }
  return "";
}

}  // namespace networks::weights
