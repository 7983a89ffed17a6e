#include "linux/profile/profile_binding.hh"

#include <memory>
#include <string>
#include <utility>

#include "common/async_job.hh"
#include "linux/profile/profile_session.hh"
#include "linux/profile/symbol_files.hh"

namespace systems_manager {
namespace {

uint32_t NumberOf(const Napi::Object& from, const char* name) { return from.Get(name).ToNumber().Uint32Value(); }

std::vector<uint64_t> WordsOf(const Napi::Value& from) {
  const auto array = from.As<Napi::BigUint64Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

ProfileOptions ReadOptions(const Napi::Object& from) {
  ProfileOptions options;
  options.samples_per_second = NumberOf(from, "samplesPerSecond");
  options.most_stacks = NumberOf(from, "mostStacks");
  options.most_counts = NumberOf(from, "mostCounts");
  options.pids = WordsOf(from.Get("pids"));
  options.cgroups = WordsOf(from.Get("cgroups"));
  return options;
}

class Profile : public Napi::ObjectWrap<Profile> {
 public:
  static Napi::Object Create(Napi::Env env, std::shared_ptr<ProfileSession> session) {
    const auto constructor =
        DefineClass(env, "Profile",
                    {InstanceMethod<&Profile::Read>("read"), InstanceMethod<&Profile::TakeProcesses>("takeProcesses"),
                     InstanceMethod<&Profile::Close>("close")});
    const auto object = constructor.New({});
    Unwrap(object)->session_ = std::move(session);
    return object;
  }

  explicit Profile(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Profile>(info) {}

 private:
  using Part = std::string (ProfileSession::*)() const;

  std::shared_ptr<ProfileSession> Session() const {
    if (!session_) throw Napi::Error::New(Env(), "the profile is closed");
    return session_;
  }

  // read(): Promise<ArrayBuffer>
  Napi::Value Read(const Napi::CallbackInfo& info) {
    return RunAsync(info.Env(), [session = Session()] { return session->Read(); });
  }

  // takeProcesses(): Promise<ArrayBuffer>
  Napi::Value TakeProcesses(const Napi::CallbackInfo& info) {
    return RunAsync(info.Env(), [session = Session()] { return session->TakeProcesses(); });
  }

  // close(): Promise<ArrayBuffer>, the last read. The session ends with the last read that is under way.
  Napi::Value Close(const Napi::CallbackInfo& info) {
    auto session = Session();
    session_.reset();
    return RunAsync(info.Env(), [session = std::move(session)] {
      session->Stop();
      return session->Read();
    });
  }

  std::shared_ptr<ProfileSession> session_;
};

}  // namespace

Napi::Value OpenProfile(const Napi::CallbackInfo& info) {
  auto session = std::make_shared<std::shared_ptr<ProfileSession>>();
  return RunAsync(
      info.Env(),
      [session, options = ReadOptions(info[0].ToObject())] { *session = std::make_shared<ProfileSession>(options); },
      [session](Napi::Env env) -> Napi::Value { return Profile::Create(env, std::move(*session)); });
}

Napi::Value FindSymbols(const Napi::CallbackInfo& info) {
  auto names = std::make_shared<Names>();
  const auto format = info[0].ToString().Utf8Value();
  const auto find = format == "elf" ? FindElfSymbols : format == "map" ? FindMapSymbols : FindKernelSymbols;
  return RunAsync(
      info.Env(),
      [names, find, file = info[1].ToNumber().Int32Value(), addresses = WordsOf(info[2])] {
        *names = find(file, addresses);
      },
      [names](Napi::Env env) -> Napi::Value {
        auto array = Napi::Array::New(env, names->size());
        for (uint32_t index = 0; index < names->size(); index++) array.Set(index, (*names)[index]);
        return array;
      });
}

}  // namespace systems_manager
