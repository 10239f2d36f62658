// The pixels that the decoder gives.
#ifndef TOOLS_STUDIO_JOBS_RGBA_IMAGE_H_
#define TOOLS_STUDIO_JOBS_RGBA_IMAGE_H_

#include "tools/studio/base/rgba_image.h"

#endif  // TOOLS_STUDIO_JOBS_RGBA_IMAGE_H_
