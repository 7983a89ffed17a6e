// The iterators in JavaScript.
#pragma once

#include <napi.h>

namespace systems_manager {

// openIterators(): {readProcesses, readSocketHolders} as the addon itself has them. Throws an Error with `errno` when
// the kernel refuses them.
Napi::Value OpenIterators(const Napi::CallbackInfo& info);

}  // namespace systems_manager
