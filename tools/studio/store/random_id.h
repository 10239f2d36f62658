// Names that cannot be guessed: of uploads, of jobs, and the access token.
#ifndef TOOLS_STUDIO_STORE_RANDOM_ID_H_
#define TOOLS_STUDIO_STORE_RANDOM_ID_H_

#include <string>

#include "absl/strings/string_view.h"

namespace studio {

// 128 random bits of the system as 22 characters of base64url (RFC 4648).
std::string NewId();

// 256 random bits as 43 characters.
std::string NewToken();

// Whether `text` has the form of NewId(): 22 of A-Z a-z 0-9 - _. Such a name is
// safe as the name of a file. The first character of an id is never "-".
bool IsId(absl::string_view text);

}  // namespace studio

#endif  // TOOLS_STUDIO_STORE_RANDOM_ID_H_
