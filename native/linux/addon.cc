// What the addon exports on Linux. Everything here runs on JavaScript's thread.
#include <napi.h>

#include <optional>
#include <utility>
#include <vector>

#include "common/async_snapshot.hh"
#include "common/record_layout.hh"
#ifdef SYSTEMS_MANAGER_CAPTURE
#include "linux/bpf/event_layout.h"
#include "linux/capture/capture_binding.hh"
#include "linux/profile/profile_binding.hh"
#endif
#include "linux/process_snapshot.hh"
#include "linux/socket_holders.hh"

namespace systems_manager {
namespace {

// readProcesses(pids?: Uint32Array): Promise<ArrayBuffer>
Napi::Value ReadProcesses(const Napi::CallbackInfo& info) {
  std::optional<std::vector<uint32_t>> pids;
  if (info.Length() > 0 && !info[0].IsUndefined()) {
    if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
      throw Napi::TypeError::New(info.Env(), "readProcesses takes a Uint32Array of pids, or nothing for all");
    }
    const auto array = info[0].As<Napi::Uint32Array>();
    pids.emplace(array.Data(), array.Data() + array.ElementLength());
  }
  return RunWalk(info.Env(), [pids = std::move(pids)] { return SnapshotProcesses(pids); });
}

// readSocketHolders(): Promise<ArrayBuffer>
Napi::Value ReadSocketHolders(const Napi::CallbackInfo& info) { return RunWalk(info.Env(), SnapshotSocketHolders); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("layoutVersion", Napi::Number::New(env, kLayoutVersion));
  exports.Set("readProcesses", Napi::Function::New<ReadProcesses>(env, "readProcesses"));
  exports.Set("readSocketHolders", Napi::Function::New<ReadSocketHolders>(env, "readSocketHolders"));
#ifdef SYSTEMS_MANAGER_CAPTURE
  exports.Set("eventLayoutVersion", Napi::Number::New(env, EVENT_LAYOUT_VERSION));
  exports.Set("openCapture", Napi::Function::New<OpenCapture>(env, "openCapture"));
  exports.Set("openProfile", Napi::Function::New<OpenProfile>(env, "openProfile"));
  exports.Set("findSymbols", Napi::Function::New<FindSymbols>(env, "findSymbols"));
#endif
  return exports;
}

NODE_API_MODULE(systems_manager_native, Init)

}  // namespace
}  // namespace systems_manager
