#include "linux/capture/capture_binding.hh"

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "common/async_job.hh"
#include "linux/bpf/session_layout.h"
#include "linux/capture/capture_session.hh"
#include "linux/capture/read_filter.hh"

namespace systems_manager {
namespace {

using BatchChannel = Napi::ThreadSafeFunction;

uint32_t NumberOf(const Napi::Object& from, const char* name) { return from.Get(name).ToNumber().Uint32Value(); }

CaptureOptions ReadOptions(const Napi::Object& from) {
  CaptureOptions options;
  options.kinds = NumberOf(from, "kinds");
  options.ring_bytes = NumberOf(from, "ringBytes");
  options.wake_at_bytes = NumberOf(from, "wakeAtBytes");
  options.look_every_ms = NumberOf(from, "lookEveryMs");
  options.batch_bytes = NumberOf(from, "batchBytes");
  options.batches_in_flight = NumberOf(from, "batchesInFlight");
  options.events_per_second = NumberOf(from, "eventsPerSecond");
  return options;
}

// JavaScript's thread. Seen by JavaScript as long as it likes, also when the session is gone.
Napi::Value ShowMemory(Napi::Env env, const std::shared_ptr<Batch>& batch) {
  auto owner = std::make_unique<std::shared_ptr<Batch>>(batch);
  const auto forget = [](Napi::Env, void*, std::shared_ptr<Batch>* owned) { delete owned; };
  return Napi::ArrayBuffer::New(env, batch->bytes.get(), batch->room, forget, owner.release());
}

// JavaScript's thread. The memory of a batch is shown with the first one that is in it: making it known costs more
// than a copy would.
void GiveBatch(Napi::Env env, Napi::Function on_batch, std::shared_ptr<Batch>* given) {
  const std::unique_ptr<std::shared_ptr<Batch>> owned(given);
  if (env == nullptr || on_batch.IsEmpty()) return;
  Batch& batch = **owned;
  const auto slot = Napi::Number::New(env, batch.slot);
  const auto size = Napi::Number::New(env, static_cast<double>(batch.size));
  on_batch.Call({slot, size, std::exchange(batch.is_shown, true) ? env.Undefined() : ShowMemory(env, *owned)});
}

// After the last batch.
void GiveEnd(Napi::Env env, Napi::Function on_batch) {
  if (env != nullptr && !on_batch.IsEmpty()) on_batch.Call({env.Undefined()});
}

class Capture : public Napi::ObjectWrap<Capture> {
 public:
  static Napi::Object Create(Napi::Env env, std::shared_ptr<CaptureSession> session, BatchChannel channel) {
    const auto constructor = DefineClass(
        env, "Capture",
        {InstanceMethod<&Capture::ReadAccounts>("accounts"), InstanceMethod<&Capture::SetFilter>("setFilter"),
         InstanceMethod<&Capture::SetEventsPerSecond>("setEventsPerSecond"),
         InstanceMethod<&Capture::UntaggedProcesses>("untaggedProcesses"), InstanceMethod<&Capture::Release>("release"),
         InstanceMethod<&Capture::Close>("close")});
    const auto object = constructor.New({});
    auto* capture = Unwrap(object);
    capture->session_ = std::move(session);
    capture->channel_ = std::move(channel);
    return object;
  }

  explicit Capture(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Capture>(info) {
    // The reader must not call into an environment that ends. The hook itself must not outlive what it works on.
    napi_add_env_cleanup_hook(info.Env(), EndOf, this);
  }

  // When it is collected, or after its environment ended.
  ~Capture() override {
    napi_remove_env_cleanup_hook(Env(), EndOf, this);
    EndOf(this);
  }

 private:
  // Unless it was closed.
  static void EndOf(void* given) {
    auto* capture = static_cast<Capture*>(given);
    if (!capture->session_) return;
    capture->session_.reset();
    capture->channel_.Release();
  }

  CaptureSession& Session() {
    if (!session_) throw Napi::Error::New(Env(), "the capture is closed");
    return *session_;
  }

  // accounts(): ArrayBuffer of kind_accounts, by kind.
  Napi::Value ReadAccounts(const Napi::CallbackInfo& info) {
    const auto accounts = Session().ReadAccounts();
    return CopyToArrayBuffer(info.Env(), accounts.data(), sizeof(accounts));
  }

  void SetFilter(const Napi::CallbackInfo& info) {
    try {
      Session().SetFilter(ReadFilter(info[0].ToObject()));
    } catch (const std::system_error& error) {
      throw MakeError(info.Env(), error.what(), error.code().value());
    }
  }

  void SetEventsPerSecond(const Napi::CallbackInfo& info) {
    const auto rate = info[0].ToNumber().Int64Value();
    Session().SetEventsPerSecond(rate < 0 ? NO_EVENTS : static_cast<uint64_t>(rate));
  }

  Napi::Value UntaggedProcesses(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(Session().UntaggedProcesses()));
  }

  void Release(const Napi::CallbackInfo& info) {
    if (session_) session_->ReleaseBatch(info[0].ToNumber().Uint32Value());
  }

  // close(): Promise<ArrayBuffer>, the last accounts. onBatch is called without a batch when all were handed over.
  Napi::Value Close(const Napi::CallbackInfo& info) {
    auto last = std::make_shared<Accounts>();
    return RunAsync(
        info.Env(),
        // The only owner: its destructor ends the reader before the end is told.
        [session = std::move(session_), last, channel = channel_]() mutable {
          if (!session) return;
          session->Detach();
          *last = session->ReadAccounts();
          session.reset();
          channel.NonBlockingCall(GiveEnd);
          channel.Release();
        },
        [last](Napi::Env env) -> Napi::Value { return CopyToArrayBuffer(env, last->data(), sizeof(*last)); });
  }

  std::shared_ptr<CaptureSession> session_;
  BatchChannel channel_;
};

}  // namespace

Napi::Value OpenCapture(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto given = info[0].ToObject();
  const auto options = ReadOptions(given);
  const auto filter = ReadFilter(given.Get("filter").ToObject());
  auto channel = BatchChannel::New(env, info[1].As<Napi::Function>(), "systems_manager_capture", 0, 1);
  auto session = std::make_shared<std::shared_ptr<CaptureSession>>();
  return RunAsync(
      env,
      [=]() {
        try {
          *session = std::make_shared<CaptureSession>(options, filter, [channel](std::shared_ptr<Batch> batch) {
            auto* owned = new std::shared_ptr<Batch>(std::move(batch));
            if (channel.NonBlockingCall(owned, GiveBatch) != napi_ok) delete owned;
          });
        } catch (...) {
          // Otherwise it keeps the process from its end.
          auto unused = channel;
          unused.Release();
          throw;
        }
      },
      [=](Napi::Env job_env) -> Napi::Value { return Capture::Create(job_env, std::move(*session), channel); });
}

}  // namespace systems_manager
