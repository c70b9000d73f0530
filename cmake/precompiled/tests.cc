// A target needs a source to precompile a header.
#include "cmake/precompiled/tests.h"
