#include "linux/iterators/iterator_binding.hh"

#include <memory>
#include <system_error>
#include <utility>

#include "common/async_snapshot.hh"
#include "linux/iterators/iterator_programs.hh"
#include "linux/read_pids.hh"

namespace systems_manager {

// JavaScript's thread. The programs are owned by the functions, and by a walk that still runs.
Napi::Value OpenIterators(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  std::shared_ptr<IteratorPrograms> programs;
  try {
    programs = std::make_shared<IteratorPrograms>();
  } catch (const std::system_error& error) {
    auto refused = Napi::Error::New(env, error.what());
    refused.Set("errno", Napi::Number::New(env, -error.code().value()));
    throw refused;
  }
  auto iterators = Napi::Object::New(env);
  const auto read_processes = [programs](const Napi::CallbackInfo& call) -> Napi::Value {
    return RunWalk(call.Env(), [programs, pids = ReadPids(call)] { return programs->SnapshotProcesses(pids); });
  };
  const auto read_socket_holders = [programs](const Napi::CallbackInfo& call) -> Napi::Value {
    return RunWalk(call.Env(), [programs] { return programs->SnapshotSocketHolders(); });
  };
  iterators.Set("readProcesses", Napi::Function::New(env, read_processes, "readProcesses"));
  iterators.Set("readSocketHolders", Napi::Function::New(env, read_socket_holders, "readSocketHolders"));
  return iterators;
}

}  // namespace systems_manager
