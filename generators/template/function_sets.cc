#include "generators/template/function_sets.h"

#include "generators/template/boxes.h"

namespace leidang::generators::gotmpl {

std::vector<absl::Span<const Function>> AllFunctions() {
  return {
      BuiltinFunctions(), ComparisonFunctions(), StringFunctions(), ListFunctions(),
      DictFunctions(),    DefaultFunctions(),    MathFunctions(),   EncodingFunctions(),
      PathFunctions(),    RegexFunctions(),      NameFunctions(),   DateFunctions(),
      SemverFunctions(),  RandomFunctions(),     CryptoFunctions(),
  };
}

bool ComplexIsTrue(const TValue& v) {
  const auto* c = static_cast<const ComplexBox*>(v.box());
  return c->real != 0 || c->imag != 0;
}

}  // namespace leidang::generators::gotmpl
