// What the addon exports on Linux. Everything here runs on JavaScript's thread.
#include <napi.h>

#include "common/async_job.hh"
#include "common/record_layout.hh"
#ifdef SYSTEMS_MANAGER_CAPTURE
#include <bpf/libbpf.h>

#include "linux/aggregate/aggregate_binding.hh"
#include "linux/bpf/event_layout.h"
#include "linux/capture/capture_binding.hh"
#include "linux/iterators/iterator_binding.hh"
#include "linux/profile/profile_binding.hh"
#endif
#include "linux/process_snapshot.hh"
#include "linux/read_numbers.hh"
#include "linux/socket_holders.hh"

namespace systems_manager {
namespace {

// readProcesses(pids?: Uint32Array): Promise<ArrayBuffer>
Napi::Value ReadProcesses(const Napi::CallbackInfo& info) {
  return RunAsync(info.Env(), [pids = ReadNumbers(info)] { return SnapshotProcesses(pids).TakeBytes(); });
}

// readSocketHolders(): Promise<ArrayBuffer>
Napi::Value ReadSocketHolders(const Napi::CallbackInfo& info) {
  return RunAsync(info.Env(), [] { return SnapshotSocketHolders().TakeBytes(); });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("layoutVersion", Napi::Number::New(env, kLayoutVersion));
  exports.Set("readProcesses", Napi::Function::New<ReadProcesses>(env, "readProcesses"));
  exports.Set("readSocketHolders", Napi::Function::New<ReadSocketHolders>(env, "readSocketHolders"));
#ifdef SYSTEMS_MANAGER_CAPTURE
  // What fails is thrown; standard error is the log of the process, one JSON value a line.
  libbpf_set_print(nullptr);
  exports.Set("openAggregation", Napi::Function::New<OpenAggregation>(env, "openAggregation"));
  exports.Set("eventLayoutVersion", Napi::Number::New(env, EVENT_LAYOUT_VERSION));
  exports.Set("openCapture", Napi::Function::New<OpenCapture>(env, "openCapture"));
  exports.Set("openProfile", Napi::Function::New<OpenProfile>(env, "openProfile"));
  exports.Set("findSymbols", Napi::Function::New<FindSymbols>(env, "findSymbols"));
  exports.Set("openIterators", Napi::Function::New<OpenIterators>(env, "openIterators"));
#endif
  return exports;
}

NODE_API_MODULE(systems_manager_native, Init)

}  // namespace
}  // namespace systems_manager
