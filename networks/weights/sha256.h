// SHA-256 of bytes that come in pieces, by OpenSSL.
#ifndef NETWORKS_WEIGHTS_SHA256_H_
#define NETWORKS_WEIGHTS_SHA256_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace networks::weights {

class Sha256 {
 public:
  static constexpr size_t kSize = 32;  // bytes of a digest

  Sha256();

  void Add(absl::string_view bytes);

  // kSize raw bytes. Call it once, last.
  std::string Finish();

 private:
  // EVP_MD_CTX; OpenSSL's headers stay out of this one.
  std::unique_ptr<void, void (*)(void*)> context_;
};

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_SHA256_H_
