#include "tests/rack/model/chance.h"

#include "tests/rack/image4/digest.h"

namespace rack {

Bytes Own(const PhoneSpec& spec, const std::string& what, std::size_t size) {
  Bytes out;
  Bytes row = Hash(HashKind::kSha256, AsBytes("rack chip " + ToString(spec.ecid) + " " + what));
  while (out.size() < size) {
    out.insert(out.end(), row.begin(), row.end());
    row = Hash(HashKind::kSha256, row);
  }
  out.resize(size);
  return out;
}

Bytes Drawn(const PhoneSpec& spec, const std::string& what, std::size_t size) {
  return spec.fixed_nonces ? Own(spec, what, size) : RandomBytes(size);
}

}  // namespace rack
