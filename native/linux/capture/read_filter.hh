// A filter as JavaScript gives it.
#pragma once

#include <napi.h>

#include "linux/capture/capture_filter.hh"

namespace systems_manager {

// JavaScript's thread. Of a NativeFilter of services/providers/linux/capture/native-capture.ts.
CaptureFilter ReadFilter(const Napi::Object& from);

}  // namespace systems_manager
