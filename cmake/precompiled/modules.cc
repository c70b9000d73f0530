// A target needs a source to precompile a header.
#include "cmake/precompiled/modules.h"
