// What JavaScript gets to see of CPU profiles and symbols.
#pragma once

#include <napi.h>

namespace systems_manager {

// openProfile(options): Promise<Profile>. See services/providers/linux/profile/native-profile.ts.
Napi::Value OpenProfile(const Napi::CallbackInfo& info);

// findSymbols(format, descriptor, addresses): Promise<string[]>. See the same.
Napi::Value FindSymbols(const Napi::CallbackInfo& info);

}  // namespace systems_manager
