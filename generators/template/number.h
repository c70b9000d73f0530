#pragma once

#include <string>

#include "generators/template/lexer.h"
#include "generators/template/nodes.h"

namespace leidang::generators::gotmpl {

// Fills `number` from its text: a number is kept in every representation that it has, since the
// parameter it is given to decides which one counts. The error text, or empty.
std::string ReadNumber(ItemType type, NumberNode* number);

}  // namespace leidang::generators::gotmpl
