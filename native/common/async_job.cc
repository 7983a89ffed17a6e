#include "common/async_job.hh"

#include <cstring>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

namespace systems_manager {
namespace {

// Deletes itself after OnOK or OnError, as Napi::AsyncWorker does.
class Job : public Napi::AsyncWorker {
 public:
  Job(Napi::Env env, AsyncWork work, AsyncResult result)
      : Napi::AsyncWorker(env, "systems_manager_native"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        result_(std::move(result)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      work_();
    } catch (const std::system_error& error) {
      errno_ = error.code().value();
      SetError(error.what());
    } catch (const std::exception& error) {
      SetError(error.what());
    }
  }

  void OnOK() override { deferred_.Resolve(result_(Env())); }
  void OnError(const Napi::Error& error) override {
    deferred_.Reject(MakeError(Env(), error.Message(), errno_).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  AsyncWork work_;
  AsyncResult result_;
  int errno_ = 0;
};

}  // namespace

Napi::Promise RunAsync(Napi::Env env, AsyncWork work, AsyncResult result) {
  auto* job = new Job(env, std::move(work), std::move(result));
  const auto promise = job->promise();
  job->Queue();
  return promise;
}

Napi::Promise RunAsync(Napi::Env env, std::function<std::string()> work) {
  auto bytes = std::make_shared<std::string>();
  return RunAsync(
      env, [bytes, work = std::move(work)] { *bytes = work(); },
      [bytes](Napi::Env job_env) -> Napi::Value { return CopyToArrayBuffer(job_env, bytes->data(), bytes->size()); });
}

Napi::Error MakeError(Napi::Env env, const std::string& message, int number) {
  auto error = Napi::Error::New(env, message);
  if (number != 0) error.Set("errno", Napi::Number::New(env, -number));
  return error;
}

Napi::ArrayBuffer CopyToArrayBuffer(Napi::Env env, const void* bytes, size_t size) {
  auto buffer = Napi::ArrayBuffer::New(env, size);
  if (size > 0) std::memcpy(buffer.Data(), bytes, size);
  return buffer;
}

}  // namespace systems_manager
