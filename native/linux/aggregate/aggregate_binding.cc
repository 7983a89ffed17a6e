#include "linux/aggregate/aggregate_binding.hh"

#include <memory>
#include <string>
#include <utility>

#include "common/async_job.hh"
#include "linux/aggregate/aggregate_session.hh"
#include "linux/capture/read_filter.hh"

namespace systems_manager {
namespace {

AggregateOptions ReadOptions(const Napi::Object& from) {
  const auto number = [&](const char* name) { return from.Get(name).ToNumber().Uint32Value(); };
  return {static_cast<AggregateSource>(number("source")), static_cast<tally_part>(number("by")),
          from.Get("measuresLatency").ToBoolean().Value(), number("mostKeys")};
}

class Aggregation : public Napi::ObjectWrap<Aggregation> {
 public:
  static Napi::Object Create(Napi::Env env, std::shared_ptr<AggregateSession> session) {
    const auto constructor =
        DefineClass(env, "Aggregation",
                    {InstanceMethod<&Aggregation::Read>("read"), InstanceMethod<&Aggregation::SetFilter>("setFilter"),
                     InstanceMethod<&Aggregation::Close>("close")});
    const auto object = constructor.New({});
    Unwrap(object)->session_ = std::move(session);
    return object;
  }

  explicit Aggregation(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Aggregation>(info) {}

 private:
  std::shared_ptr<AggregateSession> Session() const {
    if (!session_) throw Napi::Error::New(Env(), "the aggregation is closed");
    return session_;
  }

  // read(): Promise<ArrayBuffer>
  Napi::Value Read(const Napi::CallbackInfo& info) {
    return RunAsync(info.Env(), [session = Session()] { return session->Read(); });
  }

  // setFilter(filter): Promise<void>
  Napi::Value SetFilter(const Napi::CallbackInfo& info) {
    return RunAsync(
        info.Env(), [session = Session(), filter = ReadFilter(info[0].ToObject())] { session->SetFilter(filter); },
        [](Napi::Env env) { return env.Undefined(); });
  }

  // close(): Promise<ArrayBuffer>, the last read. The session ends with the last call that is under way.
  Napi::Value Close(const Napi::CallbackInfo& info) {
    auto session = Session();
    session_.reset();
    return RunAsync(info.Env(), [session = std::move(session)]() mutable {
      session->Stop();
      auto last = session->Read();
      session.reset();
      return last;
    });
  }

  std::shared_ptr<AggregateSession> session_;
};

}  // namespace

Napi::Value OpenAggregation(const Napi::CallbackInfo& info) {
  const auto given = info[0].ToObject();
  auto session = std::make_shared<std::shared_ptr<AggregateSession>>();
  return RunAsync(
      info.Env(),
      [session, options = ReadOptions(given), filter = ReadFilter(given.Get("filter").ToObject())] {
        *session = std::make_shared<AggregateSession>(options, filter);
      },
      [session](Napi::Env env) -> Napi::Value { return Aggregation::Create(env, std::move(*session)); });
}

}  // namespace systems_manager
