#include "linux/iterators/iterator_binding.hh"

#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include "common/async_job.hh"
#include "linux/iterators/iterator_programs.hh"
#include "linux/read_numbers.hh"

namespace systems_manager {

namespace {

using Programs = std::shared_ptr<IteratorPrograms>;

// (port: number): Promise<ArrayBuffer>
Napi::Function BindInetTable(Napi::Env env, const Programs& programs, InetTable table, const char* name) {
  const auto read = [programs, table](const Napi::CallbackInfo& call) -> Napi::Value {
    const uint32_t port =
        call.Length() > 0 && call[0].IsNumber() ? call[0].As<Napi::Number>().Uint32Value() : UINT32_MAX;
    if (port > UINT16_MAX)
      throw Napi::TypeError::New(call.Env(), "sockets are read by a port of 1 to 65535, or all by 0");
    return RunAsync(call.Env(), [programs, table, port] {
      return programs->SnapshotInetSockets(table, static_cast<uint16_t>(port)).TakeBytes();
    });
  };
  return Napi::Function::New(env, read, name);
}

}  // namespace

// JavaScript's thread. The programs are owned by the functions, and by a walk that still runs.
Napi::Value OpenIterators(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  Programs programs;
  try {
    programs = std::make_shared<IteratorPrograms>();
  } catch (const std::system_error& error) {
    auto refused = Napi::Error::New(env, error.what());
    refused.Set("errno", Napi::Number::New(env, -error.code().value()));
    throw refused;
  }
  auto iterators = Napi::Object::New(env);
  const auto read_processes = [programs](const Napi::CallbackInfo& call) -> Napi::Value {
    return RunAsync(call.Env(),
                    [programs, pids = ReadNumbers(call)] { return programs->SnapshotProcesses(pids).TakeBytes(); });
  };
  const auto read_socket_holders = [programs](const Napi::CallbackInfo& call) -> Napi::Value {
    return RunAsync(call.Env(), [programs, inodes = ReadNumbers(call)] {
      return programs->SnapshotSocketHolders(inodes).TakeBytes();
    });
  };
  iterators.Set("readProcesses", Napi::Function::New(env, read_processes, "readProcesses"));
  iterators.Set("readSocketHolders", Napi::Function::New(env, read_socket_holders, "readSocketHolders"));
  iterators.Set("readTcpSockets", BindInetTable(env, programs, InetTable::kTcp, "readTcpSockets"));
  iterators.Set("readUdpSockets", BindInetTable(env, programs, InetTable::kUdp, "readUdpSockets"));
  return iterators;
}

}  // namespace systems_manager
