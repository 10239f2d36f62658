#include "networks/weights/sha256.h"

#include <openssl/evp.h>

namespace networks::weights {
namespace {

EVP_MD_CTX* Context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Sha256::Sha256()
    : context_(EVP_MD_CTX_new(), [](void* c) { EVP_MD_CTX_free(Context(c)); }) {
  EVP_DigestInit_ex(Context(context_.get()), EVP_sha256(), nullptr);
}

void Sha256::Add(absl::string_view bytes) {
  EVP_DigestUpdate(Context(context_.get()), bytes.data(), bytes.size());
}

std::string Sha256::Finish() {
  std::string digest(kSize, '\0');
  EVP_DigestFinal_ex(Context(context_.get()),
                     reinterpret_cast<unsigned char*>(&digest[0]), nullptr);
  return digest;
}

}  // namespace networks::weights
