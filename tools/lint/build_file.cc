#include "tools/lint/build_file.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "third_party/absl/status_macros.h"

namespace tools::lint {
namespace {

struct Token {
  enum class Kind { kString, kWord, kMark, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;
  int line = 0;
  bool starts_block = false;
};

class Tokens {
 public:
  Tokens(const std::string& path, const std::string& text)
      : path_(path), text_(text) {}

  absl::StatusOr<std::vector<Token>> Read() {
    std::vector<Token> tokens;
    while (true) {
      SkipSpace();
      Token token;
      token.line = line_;
      token.starts_block = std::exchange(block_, false);
      if (at_ == text_.size()) {
        tokens.push_back(token);
        return tokens;
      }
      if (text_[at_] == '"' || text_[at_] == '\'') {
        token.kind = Token::Kind::kString;
        ASSIGN_OR_RETURN(token.text, ReadString());
      } else if (IsWord(text_[at_])) {
        token.kind = Token::Kind::kWord;
        while (at_ < text_.size() && IsWord(text_[at_])) {
          token.text += text_[at_++];
        }
      } else {
        token.kind = Token::Kind::kMark;
        token.text = text_[at_++];
      }
      tokens.push_back(std::move(token));
    }
  }

 private:
  static bool IsWord(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  }

  // Up to the next token; notes blank lines and lines of comment.
  void SkipSpace() {
    bool line_is_empty = at_ == 0 || text_[at_ - 1] == '\n';
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#') {
        block_ = block_ || line_is_empty;
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size()) return;
        line_is_empty = false;
      } else if (!std::isspace(static_cast<unsigned char>(c))) {
        return;
      }
      if (text_[at_] != '\n') continue;
      ++line_;
      block_ = block_ || (line_is_empty && c != '#');
      line_is_empty = true;
    }
  }

  absl::StatusOr<std::string> ReadString() {
    const int line = line_;
    const std::string three(3, text_[at_]);
    const size_t length = text_.compare(at_, 3, three) == 0 ? 3 : 1;
    const std::string quote = three.substr(0, length);
    std::string value;
    for (at_ += length; at_ < text_.size(); ++at_) {
      if (text_.compare(at_, length, quote) == 0) {
        at_ += length;
        return value;
      }
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_];
    }
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ":", line, ": a string does not end"));
  }

  const std::string& path_;
  const std::string& text_;
  size_t at_ = 0;
  int line_ = 1;
  bool block_ = false;
};

class Parser {
 public:
  Parser(const std::string& path, std::vector<Token> tokens)
      : path_(path), tokens_(std::move(tokens)) {}

  absl::StatusOr<std::vector<BuildRule>> Parse() {
    std::vector<BuildRule> rules;
    bool default_testonly = false;
    while (Peek().kind != Token::Kind::kEnd) {
      if (Peek().kind == Token::Kind::kWord && Is(1, "(")) {
        ASSIGN_OR_RETURN(BuildRule rule, ReadRule());
        if (rule.kind == "package") default_testonly = rule.testonly;
        rule.testonly = rule.testonly || default_testonly;
        rules.push_back(std::move(rule));
      } else {
        ++at_;
      }
    }
    return rules;
  }

 private:
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool Is(size_t ahead, absl::string_view mark) const {
    return Peek(ahead).kind == Token::Kind::kMark && Peek(ahead).text == mark;
  }

  absl::StatusOr<BuildRule> ReadRule() {
    BuildRule rule;
    rule.kind = Peek().text;
    rule.line = Peek().line;
    at_ += 2;  // name and bracket
    std::string attribute;
    // One list for each open bracket, the outermost for strings without one.
    std::vector<BuildList> open(1);
    const auto close = [&](BuildList list) {
      if (!list.empty()) rule.attributes[attribute].push_back(std::move(list));
    };
    for (; Peek().kind != Token::Kind::kEnd; ++at_) {
      const Token& token = Peek();
      if (token.kind == Token::Kind::kString) {
        if (!Is(1, ":")) {
          open.back().push_back({token.text, token.line, token.starts_block});
        }
      } else if (token.kind == Token::Kind::kWord) {
        if (open.size() == 1 && Is(1, "=")) attribute = token.text;
        if ((attribute == "testonly" || attribute == "default_testonly") &&
            token.text == "True") {
          rule.testonly = true;
        }
      } else if (token.text == "[" || token.text == "(" || token.text == "{") {
        open.emplace_back();
      } else if (token.text == "]" || token.text == ")" || token.text == "}") {
        close(std::move(open.back()));
        open.pop_back();
        if (open.empty()) {
          ++at_;
          return rule;
        }
      } else if (token.text == "," && open.size() == 1) {
        close(std::exchange(open.back(), {}));
        attribute.clear();
      }
    }
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ":", rule.line, ": ", rule.kind, "( has no closing bracket"));
  }

  const std::string& path_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace

std::vector<std::string> BuildRule::Strings(
    const std::string& attribute) const {
  std::vector<std::string> strings;
  const auto found = attributes.find(attribute);
  if (found == attributes.end()) return strings;
  for (const BuildList& list : found->second) {
    for (const BuildString& string : list) strings.push_back(string.value);
  }
  return strings;
}

std::string BuildRule::name() const {
  const std::vector<std::string> names = Strings("name");
  return names.empty() ? "" : names[0];
}

absl::StatusOr<std::vector<BuildRule>> ParseBuildFile(const std::string& path,
                                                      const std::string& text) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokens(path, text).Read());
  return Parser(path, std::move(tokens)).Parse();
}

}  // namespace tools::lint
