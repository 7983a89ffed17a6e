#include "linux/capture/read_filter.hh"

#include <string>
#include <vector>

namespace systems_manager {
namespace {

template <typename Value, typename Read>
std::vector<Value> ReadList(const Napi::Value& from, Read read) {
  std::vector<Value> values;
  const auto array = from.As<Napi::Array>();
  for (uint32_t index = 0; index < array.Length(); index++) values.push_back(read(array.Get(index)));
  return values;
}

}  // namespace

CaptureFilter ReadFilter(const Napi::Object& from) {
  const auto number = [](const Napi::Value& value) { return value.ToNumber().Uint32Value(); };
  const auto big = [](const Napi::Value& value) {
    bool lossless = true;
    return value.As<Napi::BigInt>().Uint64Value(&lossless);
  };
  const auto text = [](const Napi::Value& value) { return value.ToString().Utf8Value(); };
  const auto network = [](const Napi::Value& value) {
    const auto fields = value.ToObject();
    return Network{fields.Get("address").ToString().Utf8Value(), fields.Get("bits").ToNumber().Uint32Value()};
  };
  return {ReadList<uint32_t>(from.Get("pids"), number),  ReadList<uint64_t>(from.Get("cgroups"), big),
          ReadList<uint32_t>(from.Get("users"), number), ReadList<std::string>(from.Get("comms"), text),
          ReadList<uint32_t>(from.Get("ports"), number), ReadList<Network>(from.Get("networks"), network),
          ReadList<uint32_t>(from.Get("roots"), number), ReadList<std::string>(from.Get("paths"), text)};
}

}  // namespace systems_manager
