#include "common/async_snapshot.hh"

#include <memory>
#include <utility>

#include "common/async_job.hh"

namespace systems_manager {

Napi::Promise RunWalk(Napi::Env env, Walk walk) {
  auto records = std::make_shared<RecordBuffer>();
  return RunAsync(
      env, [records, walk = std::move(walk)] { *records = walk(); },
      [records](Napi::Env job_env) -> Napi::Value {
        return CopyToArrayBuffer(job_env, records->bytes().data(), records->bytes().size());
      });
}

}  // namespace systems_manager
