#include "common/async_snapshot.hh"

#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace systems_manager {
namespace {

// Deletes itself after OnOK or OnError, as Napi::AsyncWorker does.
class WalkWorker : public Napi::AsyncWorker {
 public:
  WalkWorker(Napi::Env env, Walk walk)
      : Napi::AsyncWorker(env, "systems_manager_native"),
        deferred_(Napi::Promise::Deferred::New(env)),
        walk_(std::move(walk)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  // Pool's thread. The one place where a C++ exception becomes an error of JavaScript.
  void Execute() override {
    try {
      records_ = walk_();
    } catch (const std::system_error& error) {
      errno_ = error.code().value();
      SetError(error.what());
    } catch (const std::exception& error) {
      SetError(error.what());
    }
  }

  // JavaScript's thread. Copied into memory of the engine: a snapshot is rarely a megabyte.
  void OnOK() override {
    const auto& bytes = records_.bytes();
    auto buffer = Napi::ArrayBuffer::New(Env(), bytes.size());
    std::memcpy(buffer.Data(), bytes.data(), bytes.size());
    deferred_.Resolve(buffer);
  }

  // JavaScript's thread.
  void OnError(const Napi::Error& error) override {
    auto value = error.Value();
    if (errno_ != 0) value.Set("errno", Napi::Number::New(Env(), -errno_));
    deferred_.Reject(value);
  }

 private:
  Napi::Promise::Deferred deferred_;
  Walk walk_;
  RecordBuffer records_;
  int errno_ = 0;
};

}  // namespace

Napi::Promise RunWalk(Napi::Env env, Walk walk) {
  auto* worker = new WalkWorker(env, std::move(walk));
  auto promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace systems_manager
