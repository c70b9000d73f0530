#pragma once

// How files look and what they are called.

#include "tests/tidy/finding.h"
#include "tests/tidy/repository.h"
#include "tests/tidy/source.h"

namespace leidang::tidy {

// `#pragma once`, includes spelled from the root and existing, names that say something.
Findings CheckLayout(const Source& source, const Repository& repository);

// No path of the building machine and no registry host in any text file; names of files and
// folders.
Findings CheckText(const File& file);

}  // namespace leidang::tidy
