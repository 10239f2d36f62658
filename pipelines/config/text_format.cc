#include "pipelines/config/text_format.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "networks/files/plain_text.h"
#include "networks/files/read_file.h"
#include "pipelines/base/nearest_word.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace pb = ::google::protobuf;

class FirstError : public pb::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!message_.empty()) return;
    line_ = line;
    column_ = column;
    message_ = message;
  }

  int line() const { return line_ + 1; }
  int column() const { return column_ + 1; }
  const std::string& message() const { return message_; }

 private:
  int line_ = 0;
  int column_ = 0;
  std::string message_;
};

// The parser says: Message type "pipelines.Config" has no field named "dta".
std::string SuggestionFor(const std::string& error, const pb::Message& root) {
  if (!absl::StrContains(error, "has no field named")) return "";
  const std::vector<std::string> quoted = absl::StrSplit(error, '"');
  if (quoted.size() < 4) return "";
  const pb::Descriptor* type =
      root.GetDescriptor()->file()->pool()->FindMessageTypeByName(quoted[1]);
  return type == nullptr ? "" : SuggestField(*type, quoted[3]);
}

constexpr absl::string_view kUtf8Mark = "\xEF\xBB\xBF";

}  // namespace

std::string SuggestField(const pb::Descriptor& type, absl::string_view name) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) {
    names.push_back(type.field(i)->name());
  }
  if (const auto nearest = NearestWord(name, names)) {
    return absl::StrCat(" Did you mean '", *nearest, "'?");
  }
  return absl::StrCat(" Its fields are: ", absl::StrJoin(names, ", "), ".");
}

absl::Status ParseTextFormat(absl::string_view name, absl::string_view text,
                             pb::Message* message,
                             pb::TextFormat::ParseInfoTree* places) {
  RETURN_IF_ERROR(networks::files::CheckIsNotUtf16(name, text));
  absl::ConsumePrefix(&text, kUtf8Mark);
  FirstError error;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.WriteLocationsTo(places);
  if (parser.ParseFromString(std::string(text), message)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name, ":", error.line(), ":", error.column(), ": ",
                   error.message(), SuggestionFor(error.message(), *message)));
}

absl::Status ReadTextFormat(const std::string& path, pb::Message* message) {
  // A thousand times what a person writes; /dev/zero has no end.
  constexpr int64_t kMaxBytes = 1 << 20;
  networks::files::ReadOptions options;
  options.max_bytes = kMaxBytes;
  ASSIGN_OR_RETURN(const std::string text,
                   networks::files::ReadFile(path, options));
  if (text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is empty"));
  }
  return ParseTextFormat(path, text, message);
}

}  // namespace pipelines
