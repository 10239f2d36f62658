// Words of commands that the user may copy.
#ifndef PIPELINES_BASE_QUOTED_FOR_SHELL_H_
#define PIPELINES_BASE_QUOTED_FOR_SHELL_H_

#include <string>

namespace pipelines {

// `word` as a shell reads it back.
std::string QuotedForShell(const std::string& word);

}  // namespace pipelines

#endif  // PIPELINES_BASE_QUOTED_FOR_SHELL_H_
