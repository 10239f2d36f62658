// A file that is open for reading while this lives.
#ifndef TOOLS_STUDIO_API_OPEN_FILE_H_
#define TOOLS_STUDIO_API_OPEN_FILE_H_

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace studio {

class OpenFile {
 public:
  // No link is followed, and no other program inherits the descriptor.
  explicit OpenFile(const std::string& path)
      : OpenFile(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) {}
  // Owns `descriptor` from now on.
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  // Negative where the file could not be opened.
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_API_OPEN_FILE_H_
