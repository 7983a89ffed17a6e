// What JavaScript gets to see of a capture session.
#pragma once

#include <napi.h>

namespace systems_manager {

// openCapture(options, onBatch): Capture. See services/providers/linux/capture/native-capture.ts.
Napi::Value OpenCapture(const Napi::CallbackInfo& info);

}  // namespace systems_manager
