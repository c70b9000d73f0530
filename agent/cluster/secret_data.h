#pragma once

#include "common/object/value.h"

namespace leidang::agent {

// Turns `stringData` of a Secret into `data`, over what `data` says, as the API server does when an
// object is created. Applied as it is it would be owned, but never be there to compare. Other
// objects stay as they are.
void FoldStringData(object::Value& manifest);

}  // namespace leidang::agent
